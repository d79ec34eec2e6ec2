"""What is special to a store at a server: refusals of each kind, restarts, being away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from plant.dead_letters import DeadLetters
from plant.stores.check import NAME_WRONG, TOO_MANY_SERIES, TOO_OLD, WRONG_TYPE
from plant.stores.factory import dead_letters_path, open_store
from plant.stores.influx import InfluxStore
from plant.stores.store import Points, StoreRefuses, StoreUnavailable, StoreUnusable
from plant.writer import Item, Writer
from stations.declare import Type
from stations.samples import build
from stations.status import BAD_SENSOR_FAILURE, GOOD
from tests.plant.influx import config, opened
from tests.plant.points import T0, Row, angles, points
from tests.plant.store_contract import EVER
from tests.servers import InfluxDB
from wire.clock import SystemClock
from wire.sparkplug.effects import EdgeId
from wire.sparkplug.metrics import MetricName

pytestmark = pytest.mark.system
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    with InfluxDB(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


@pytest.fixture(params=["1", "1.8"])
def version(request: pytest.FixtureRequest, server: InfluxDB) -> str:
    if request.param == "1.8" and not server.speaks_v2:
        pytest.skip("Debian's InfluxDB does not know /api/v2/write")
    return str(request.param)


def test_the_factory_opens_what_the_site_file_names(server: InfluxDB, tmp_path: Path) -> None:
    told = config(server, dead_letters=tmp_path / "dead.db")
    with closing(open_store(told)) as store:
        assert isinstance(store, InfluxStore)
        assert store.write([angles([1.0])]) == [[]]
    assert dead_letters_path(told) == tmp_path / "dead.db"


def test_the_data_model_is_what_dashboards_rely_on(server: InfluxDB, version: str) -> None:
    with opened(server, version=version) as store:
        rows: list[Row] = [
            ("guard", T0, GOOD, True), ("state", T0, GOOD, 7), ("angle", T0, GOOD, 1.0),
            ("visit", T0, GOOD, "v-1"), ("counts", T0, GOOD, [1, 2]),
            ("angle", T0 + 1, BAD_SENSOR_FAILURE, None),
        ]  # fmt: skip
        store.write([points(rows)])
        database = store.database
    fields = 'guard, state, angle, visit, counts, angle_q, state_q FROM "studio"'
    assert server.rows(f"SELECT {fields}", database) == [
        [T0, True, 7, 1, "v-1", "[1,2]", 0, 0],
        [T0 + 1, None, None, None, None, None, BAD_SENSOR_FAILURE + 2**32, None],
    ]
    where = "\"site\" = 'flins-vo' AND \"line\" = 'line-1' AND \"station\" = 'studio-1'"
    assert server.rows(f'SELECT angle FROM "studio" WHERE {where}', database) == [[T0, 1]]
    for name, days in ((database, 10_000), (f"{database}_1m", 730)):
        kept = server.rows(f'SHOW RETENTION POLICIES ON "{name}"', "")
        assert [row[:2] for row in kept] == [["refit", f"{24 * days}h0m0s"]]


def test_what_was_stored_and_its_types_outlive_a_restart(server: InfluxDB, version: str) -> None:
    told = config(server, version=version)
    with closing(InfluxStore(told)) as store:
        store.write([points([("cells", T0, GOOD, [1.5]), ("visit", T0, GOOD, "v-1")])])
    wrong = points([("cells", T0 + 1, GOOD, "far")], types={"cells": Type.TEXT})
    with closing(InfluxStore(told)) as again:
        assert [one.reason for one in again.write([wrong])[0]] == [WRONG_TYPE]
        assert again.range("studio-1", "cells", *EVER).row(0) == [1.5]
        assert again.count() == 2


def test_two_historians_agree_on_types(server: InfluxDB) -> None:
    told = config(server)
    with closing(InfluxStore(told)) as one, closing(InfluxStore(told)) as other:
        assert one.write([angles([1.0])]) == [[]]
        names = {3: MetricName(3, "studio-1", "angle", Type.TEXT)}
        text = build([(3, T0 + 1, GOOD, Type.TEXT, "far")])
        late = Points("flins-vo", "line-1", "studio-1", "studio", names, text, T0)
        assert [one.reason for one in other.write([late])[0]] == [WRONG_TYPE]
        assert other.write([angles([2.0], T0 + 5)]) == [[]]
        assert one.count() == other.count() == 2


def test_a_rewrite_leaves_no_older_status(server: InfluxDB) -> None:
    told = config(server)
    with closing(InfluxStore(told, since_ms=0)) as store:
        store.write([points([("angle", T0, BAD_SENSOR_FAILURE, None), ("angle", T0 + 1, 0, 1.0)])])
    with closing(InfluxStore(told)) as again:
        again.write([points([("angle", T0, GOOD, 2.0)])])
        assert again.range("studio-1", "angle", *EVER).status.tolist() == [0, 0]
        latest = again.last("studio-1", "angle")
        assert latest.good is not None and latest.good.value == 1.0
        assert again.count() == 2


def test_a_field_that_another_program_has_bent_is_refused_alone(
    server: InfluxDB, version: str
) -> None:
    with opened(server, version=version) as store:
        server.put(f"studio,station=other angle=7i {T0}", store.database)
        pairs = (("angle", 0.5), ("state", 7), ("guard", True))
        rows: list[Row] = [(tag, T0 + i, GOOD, value) for i in range(300) for tag, value in pairs]
        refused = store.write([points(rows), angles([1.0], station="studio-2")])
        assert {one.tag for part in refused for one in part} == {"angle"}
        assert [len(part) for part in refused] == [300, 1]
        assert "field type conflict" in refused[0][0].reason
        assert store.count() == 600
        assert store.requests < 20


def test_the_latest_good_sample_is_found_behind_many_bad_ones(server: InfluxDB) -> None:
    with opened(server) as store:
        store.write([angles([1.0, 2.0], T0)])
        bad: list[Row] = [("angle", T0 + 500_000 + i, BAD_SENSOR_FAILURE, 0.5) for i in range(3000)]
        empty: list[Row] = [(tag, when + 9_000_000, status, None) for tag, when, status, _ in bad]
        store.write([points(bad), points(empty)])
        last = store.last("studio-1", "angle")
        assert last.good is not None and (last.good.time_ms, last.good.value) == (T0 + 100, 2.0)
        store.write([points([("angle", T0 + 500_000 + 7, GOOD, None)])])  # rewritten
        last = store.last("studio-1", "angle")
        assert last.good is not None and last.good.time_ms == T0 + 500_007
        store.write([points([("state", T0 + i, BAD_SENSOR_FAILURE, i) for i in range(2000)])])
        assert store.last("studio-1", "state").good is None


def test_what_is_older_than_all_that_is_kept_is_refused_before_it_is_sent(
    server: InfluxDB,
) -> None:
    now = SystemClock().now_ms()
    with opened(server, keep_ms=2 * DAY_MS) as store:
        refused = store.write([angles([1.0, 2.0], now - 3 * DAY_MS), angles([3.0], now)])
        assert [[one.reason for one in part] for part in refused] == [[TOO_OLD] * 2, []]
        assert store.count() == 1


def test_points_beyond_a_shorter_retention_are_refused_by_the_server(server: InfluxDB) -> None:
    now = SystemClock().now_ms()
    with opened(server) as store:
        server.ask(
            f'ALTER RETENTION POLICY "refit" ON "{store.database}" DURATION 2d SHARD DURATION 1d'
        )
        refused = store.write([angles([1.0, 2.0], now - 9 * DAY_MS), angles([3.0], now)])
        assert [len(part) for part in refused] == [2, 0]
        assert "beyond retention" in refused[0][0].reason
        assert store.count() == 1


def test_a_name_that_line_protocol_cannot_carry_is_refused(server: InfluxDB) -> None:
    names = {n: MetricName(n, "s", name, Type.FLOAT) for n, name in enumerate(["a\nb", "c\\", "d"])}
    samples = build([(n, T0, GOOD, Type.FLOAT, 1.0) for n in names])
    with opened(server) as store:
        refused = store.write([Points("s", "l", "x, y=z", "of it", names, samples, T0)])
        assert [one.reason for one in refused[0]] == [NAME_WRONG] * 2
        assert store.range("x, y=z", "d", *EVER).floats.tolist() == [1.0]


def test_the_longest_array_is_kept(server: InfluxDB) -> None:
    with opened(server) as store:
        long = [1 / (1 + i) for i in range(65_536)]
        assert store.write([points([("cells", T0, GOOD, long)])]) == [[]]
        assert store.range("studio-1", "cells", *EVER).row(0) == long


def test_a_batch_larger_than_a_request_may_be_is_sent_in_parts(server: InfluxDB) -> None:
    with opened(server) as store:
        rows: list[Row] = [("visit", T0 + i, GOOD, f"{i}" + "é\n" * 20_000) for i in range(500)]
        assert store.write([points(rows)]) == [[]]
        assert store.requests > 5
        assert store.count() == 500
        assert store.range("studio-1", "visit", T0 + 7, T0 + 8).row(0) == rows[7][3]


def test_more_series_than_the_server_keeps_are_refused_and_the_others_stored(
    tmp_path: Path,
) -> None:
    bounds = {"DATA_MAX_SERIES_PER_DATABASE": "3", "DATA_INDEX_VERSION": "inmem"}
    with InfluxDB(tmp_path, **bounds) as small, opened(small) as store:
        assert store.write([angles([1.0])]) == [[]]
        more = points([("angle", T0 + 1, GOOD, 2.0), ("state", T0 + 1, GOOD, 1)])
        refused = store.write([more, angles([1.0], station="studio-2")])
        assert [one.reason for part in refused for one in part] == [TOO_MANY_SERIES]
        assert store.range("studio-1", "angle", *EVER).floats.tolist() == [1.0, 2.0]


def test_our_own_bound_of_series(server: InfluxDB) -> None:
    with closing(InfluxStore(config(server), since_ms=0, series_max=1)) as store:
        refused = store.write([points([("angle", T0, GOOD, 1.0), ("state", T0, GOOD, 1)])])
        assert [one.reason for one in refused[0]] == [TOO_MANY_SERIES]


def test_an_account_of_its_own_is_enough(tmp_path: Path) -> None:
    """With authentication on: a wrong password ends with a word, and needs no administrator."""
    secret = tmp_path / "password"
    secret.write_text("right\n")
    with InfluxDB(tmp_path / "data", HTTP_AUTH_ENABLED="true") as server:
        server.ask("CREATE USER admin WITH PASSWORD 'root' WITH ALL PRIVILEGES")
        admin = ("", "admin", "root")
        server.ask("CREATE USER refit WITH PASSWORD 'right'", *admin)
        for database in ("there", "there_1m"):
            server.ask(f"CREATE DATABASE {database}", *admin)
            server.ask(f"GRANT ALL ON {database} TO refit", *admin)
        for version in ("1", "1.8") if server.speaks_v2 else ("1",):
            told = config(server, "there", version, user="refit", password_file=secret)
            with closing(InfluxStore(told)) as store:
                store.write([angles([1.0])])
                assert store.count() == 1
            with pytest.raises(StoreUnusable, match="CREATE DATABASE"):
                InfluxStore(config(server, "new", version, user="refit", password_file=secret))
            secret.write_text("wrong\n")
            with pytest.raises(StoreUnusable, match="401"):
                InfluxStore(told)
            with pytest.raises(StoreUnusable, match="401"):
                InfluxStore(config(server, "there", version))
            secret.write_text("right\n")


def test_an_account_that_is_taken_away_waits_for_a_person(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("right\n")
    with InfluxDB(tmp_path / "data", HTTP_AUTH_ENABLED="true") as server:
        server.ask("CREATE USER admin WITH PASSWORD 'right' WITH ALL PRIVILEGES")
        told = config(server, "there", user="admin", password_file=secret)
        with closing(InfluxStore(told)) as store:
            store.write([angles([1.0])])
            server.ask("SET PASSWORD FOR admin = 'other'", "", "admin", "right")
            with pytest.raises(StoreRefuses, match="401"):
                store.write([angles([2.0], T0 + 1)])


def test_a_server_of_another_version_is_named(server: InfluxDB, tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="404"):
        InfluxStore(config(server, version="2", org="refit"))


def test_a_database_that_was_dropped_is_made_anew(server: InfluxDB, version: str) -> None:
    with opened(server, version=version) as store:
        store.write([angles([1.0])])
        server.ask(f'DROP DATABASE "{store.database}"')
        with pytest.raises(StoreUnavailable, match="not found"):
            store.write([angles([2.0], T0 + 1)])
        assert store.write([angles([2.0], T0 + 1)]) == [[]]
        assert store.count() == 1


def test_a_retention_policy_that_is_gone_waits_for_a_person(server: InfluxDB, version: str) -> None:
    with opened(server, version=version) as store:
        store.write([angles([1.0])])
        server.ask(f'DROP RETENTION POLICY "refit" ON "{store.database}"')
        with pytest.raises(StoreRefuses, match="retention policy"):
            store.write([angles([2.0], T0 + 1)])


def test_a_server_that_is_away_comes_back(tmp_path: Path) -> None:
    """Also one that is killed after its last 204: nothing of that is lost."""
    server = InfluxDB(tmp_path)
    with opened(server) as store:
        with pytest.raises(StoreUnavailable):
            store.write([angles([1.0])])
        with server:
            expected = 0
            for run in range(3):
                for number in range(20):
                    store.write([angles([1.0] * 50, T0 + 100_000 * run + 5_000 * number)])
                    expected += 50
                server.stop(kill=True)
                with pytest.raises(StoreUnavailable):
                    store.write([angles([1.0])])
                server.start()
                assert store.count() == expected


def test_a_whole_chain_keeps_good_lines_and_makes_letters_of_bad_ones(
    server: InfluxDB, tmp_path: Path
) -> None:
    clock = SystemClock()
    told = config(server, dead_letters=tmp_path / "dead.db")
    with (
        closing(open_store(told)) as store,
        closing(DeadLetters(dead_letters_path(told))) as letters,
    ):
        server.put(f"studio,station=other angle=7i {T0}", told.database)
        writer = Writer(store, letters, clock, Random(1))
        edge = EdgeId("flins-vo", "pc-1")
        mixed = [("angle", T0, GOOD, 0.5), ("state", T0, GOOD, 3), ("visit", T0, GOOD, "v-1")]
        for position in range(1, 4):
            item = points([(tag, T0 + position, status, value) for tag, _, status, value in mixed])
            writer.offer(Item(edge, item, "outbox-1", position))
        done = writer.write(now=True)
        assert [item.position for item in done] == [1, 2, 3]
        assert store.count() == 6
        found = letters.read("pc-1")
        assert [(one.refusal.tag, one.refusal.value) for one in found] == [("angle", "0.5")] * 3
        assert "field type conflict" in found[0].refusal.reason
        assert writer.tally.refused["pc-1"] == 3
