"""What is so of a ledger in PostgreSQL only: its server may die, refuse, or be asked by Grafana."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from plant.ledger import Ledger, LedgerUnavailable, LedgerUnusable, migrations
from plant.ledger.engine import SESSION
from plant.ledger.views import VIEWS
from stations.records import Record
from tests.plant.ledgers import ServerPlace
from tests.plant.records import HandClock, cycle, record
from tests.servers import Postgres, until
from tests.servers.certificate import certificate
from wire.site import LedgerConfig

pytestmark = pytest.mark.system
DOWN_S = 60.0


@pytest.fixture
def place(postgres: Postgres, tmp_path: Path) -> ServerPlace:
    return ServerPlace(tmp_path, postgres)


@pytest.fixture
def ledger(place: ServerPlace) -> Iterator[Ledger]:
    with place.open() as opened:
        yield opened


def test_what_was_appended_is_there_after_the_server_was_killed(tmp_path: Path) -> None:
    with Postgres(tmp_path) as server:
        place = ServerPlace(tmp_path, server)
        sure: list[Record] = []

        def append(ledger: Ledger) -> None:
            for number in range(100_000):
                try:
                    ledger.append([record(number)])
                except LedgerUnavailable:
                    return
                sure.append(record(number))

        with place.open() as ledger:
            for round_ in range(2):
                began = len(sure)
                worker = threading.Thread(target=append, args=(ledger,))
                worker.start()
                until(lambda least=began + 20: len(sure) >= least, "some are on disk", DOWN_S)  # type: ignore[misc]
                server.stop(kill=True)
                worker.join(DOWN_S)
                assert not worker.is_alive()
                with pytest.raises(LedgerUnavailable):
                    ledger.append([record(200_000 + round_)])
                server.start()
                verdict = ledger.verify()
                assert verdict.sound, verdict.faults
                known = ledger.append(sure).known
                assert set(known) == {one.id for one in sure}, "what was returned is there"
                began = len(ledger)
            assert ledger.append([record(300_000)]).taken
            assert ledger.verify().sound


def test_a_server_that_is_away_at_first_is_waited_for_where_that_is_wanted(tmp_path: Path) -> None:
    with Postgres(tmp_path, fsync=False) as server:
        place = ServerPlace(tmp_path, server)
        server.stop()
        with pytest.raises(LedgerUnavailable, match="refused"):
            place.open()
        with place.open(later=True) as ledger:
            with pytest.raises(LedgerUnavailable, match="refused"):
                ledger.append([record(1)])
            server.start()
            assert ledger.append([record(1)]).taken
            assert ledger.verify().sound


def test_a_connection_that_is_cut_is_made_again(ledger: Ledger, place: ServerPlace) -> None:
    ledger.append([record(1)])
    with place.server.connect("postgres", "admin") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [place.database],
        )
    assert ledger.append([record(1), record(2)]).taken == (record(2).id,)
    assert ledger.verify().sound


def test_each_commit_is_on_disk_whatever_the_server_is_set_to(
    ledger: Ledger, place: ServerPlace
) -> None:
    with place.server.connect("postgres", "admin") as connection:
        connection.execute(f"ALTER DATABASE {place.database} SET synchronous_commit = off".encode())
    with place.open() as again, again.reading() as connection:
        assert connection.scalar(text("SHOW synchronous_commit")) == "on"
        assert connection.scalar(text("SHOW transaction_isolation")) == "repeatable read"


def test_a_password_is_asked_for_at_each_connection(place: ServerPlace) -> None:
    passwords = ["wrong"]
    with pytest.raises(LedgerUnusable, match="password_file or password_env"):
        place.open(password=lambda: passwords[-1])
    passwords.append(place.server.password)
    place.open(password=lambda: passwords[-1]).close()


@pytest.mark.parametrize(
    ("url", "password", "said"),
    [
        ("refit@127.0.0.1:{port}/absent", True, "CREATE DATABASE absent OWNER refit"),
        ("nobody@127.0.0.1:{port}/{database}", True, "CREATE ROLE nobody LOGIN"),
        ("refit@127.0.0.1:{port}/{database}", False, "password_file"),
        ("stranger@127.0.0.1:{port}/{database}", True, "ALTER DATABASE test_[0-9]+ OWNER TO str"),
        ("refit@127.0.0.1:1/{database}", True, "refused"),
        ("refit@no.such.host.invalid/{database}", True, "no.such.host.invalid"),
        ("refit@127.0.0.1:{port}/{database}?nonsense=1", True, "nonsense"),
    ],
)
def test_what_the_server_refuses_is_said_with_the_way_out(
    place: ServerPlace, url: str, password: bool, said: str
) -> None:
    with place.server.connect("postgres", "admin") as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'stranger'").rowcount:
            connection.execute(
                f"CREATE ROLE stranger LOGIN PASSWORD '{place.server.password}'".encode()
            )
    full = "postgresql://" + url.format(port=place.server.port, database=place.database)
    given = place.server.password if password else None
    with pytest.raises((LedgerUnusable, LedgerUnavailable), match=said) as caught:
        Ledger(full, HandClock(), head=place.head, password=lambda: given)
    assert place.server.password not in str(caught.value)


def test_a_server_that_takes_no_changes_is_said(ledger: Ledger, place: ServerPlace) -> None:
    ledger.append([record(1)])
    with place.server.connect("postgres", "admin") as connection:
        words = f"ALTER DATABASE {place.database} SET default_transaction_read_only = on"
        connection.execute(words.encode())
    with place.open() as again:
        with pytest.raises(LedgerUnavailable, match="may be a standby"):
            again.append([record(2)])
        assert len(again) == 1


def test_a_writer_that_waits_too_long_says_so_and_readers_do_not_wait(
    place: ServerPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SESSION, "lock_timeout", "100ms")
    with place.open() as ledger, place.server.connect(place.database) as other:
        with other.transaction():
            other.execute("SELECT pg_advisory_xact_lock(hashtext('refit ledger public'))")
            with pytest.raises(LedgerUnavailable, match="another writer has had the ledger"):
                ledger.append([record(1)])
            assert len(ledger) == 0
        assert ledger.append([record(1)]).taken


def test_a_database_that_cannot_keep_every_character_is_refused(place: ServerPlace) -> None:
    name = f"{place.database}_latin"
    with place.server.connect("postgres", "admin") as connection:
        words = f"CREATE DATABASE {name} OWNER refit ENCODING 'LATIN1' TEMPLATE template0"
        connection.execute(words.encode())
    place.url = place.server.url(name)
    with pytest.raises(LedgerUnusable, match="LATIN1: make the database with ENCODING 'UTF8'"):
        place.open()


def test_a_server_that_is_not_the_one_of_the_certificate_is_refused(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    (tmp_path / "other").mkdir()
    foreign, _ = certificate(tmp_path / "other")
    with Postgres(tmp_path, fsync=False) as server:
        place = ServerPlace(tmp_path, server)
        config = LedgerConfig(url=place.url, ca_file=cert)
        with pytest.raises(LedgerUnusable, match=r"cannot be made safe: look at sslmode and ca_f"):
            place.open(tls=config.tls)
        place.open().close()
        server.stop()
        server.configure("ssl=on", f"ssl_cert_file={server.put('c.pem', cert.read_text())}")
        server.configure(f"ssl_key_file={server.put('k.pem', key.read_text())}")
        server.start()
        with place.open(tls=config.tls) as ledger, ledger.reading() as connection:
            statement = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            assert connection.scalar(text(statement))
        with pytest.raises(LedgerUnusable, match="cannot be made safe"):
            place.open(tls=LedgerConfig(url=place.url, ca_file=foreign).tls)


def reader(place: ServerPlace) -> str:
    """An account that may do nothing yet."""
    name = f"grafana_{secrets.token_hex(4)}"
    with place.server.connect("postgres", "admin") as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{place.server.password}'".encode())
    return name


def test_an_account_for_grafana_reads_the_views_and_nothing_else(
    ledger: Ledger, place: ServerPlace
) -> None:
    ledger.append([cycle(1, "v-1", "studio-1", "08:00:00", "08:01:00")])
    ledger.name_vehicle("v-1", "VF1AAAAA123456789")
    with pytest.raises(LedgerUnusable, match="CREATE ROLE grafana_x LOGIN"):
        ledger.grant("grafana_x")
    name = reader(place)
    assert ledger.grant(name) == []
    with place.server.connect(place.database, name) as connection:
        for view in VIEWS:
            assert connection.execute(f"SELECT * FROM {view.name}".encode()).rowcount == 1
        data = connection.execute("SELECT data->>'cycle_s' FROM record").fetchone()
        assert data == ("60.5",)
        for table in ("identity", "entry", "about", "refusal", "fact", "cycle", "tour"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM {table}".encode())
        for words in ("DELETE FROM record", "CREATE TABLE mine (x int)", "DROP VIEW record"):
            with pytest.raises(psycopg.errors.Error):
                connection.execute(words.encode())
    assert ledger.grant("admin"), "a superuser reads more, and that is said"


def test_views_that_are_made_anew_keep_their_readers(
    ledger: Ledger, place: ServerPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append([record(1)])
    name = reader(place)
    ledger.grant(name)
    monkeypatch.setattr(migrations, "STEPS", {1: lambda connection: None})
    place.change("UPDATE about SET value = '1' WHERE key = 'version'")
    place.open().close()
    with place.server.connect(place.database, name) as connection:
        assert connection.execute("SELECT * FROM record").rowcount == 1


def test_indexes_are_used_for_a_day(ledger: Ledger) -> None:
    day = "BETWEEN '2026-09-21T00:00:00Z' AND '2026-09-22T00:00:00Z'"
    for view, column, index in (
        ("visit", "began", "tour_began"), ("visit", "ended", "tour_ended"),
        ("station_visit", "entered_at", "cycle_entered_at"),
        ("station_visit", "left_at", "cycle_left_at"), ("record", "time", "fact_time"),
        ("record", "recorded_at", "fact_recorded_at"),
    ):  # fmt: skip
        with ledger.reading() as connection:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            select = f"EXPLAIN SELECT * FROM {view} WHERE {column} {day}"
            plan = "\n".join(connection.scalars(text(select)))
        assert index in plan, plan
