"""Unchanged, bad quality, no data, offline and a historian that is down: each looks its own way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from plant.dashboards import looks
from tests.dashboards.grafana import View
from tests.dashboards.made import Json, board, panels
from tests.dashboards.proof import Answer, Stores
from tests.servers import InfluxDB

pytestmark = pytest.mark.system
END_MS = 1_790_000_000_000 // 60_000 * 60_000
MINUTE_MS = 60_000
# Every situation lasts ten minutes, in this order; in the last the historian is down.
SITUATIONS: tuple[tuple[str, str], ...] = (
    ("unchanged", 'online=true,why="",phase=2i,state_name="TURNING",state=3i,silent_s=0.4'),
    ("bad quality", 'online=true,why="",phase=5i,state_name="bad quality",silent_s=0.4'),
    ("no data", 'online=true,why="",phase=5i,state_name="no data"'),
    ("offline", 'online=false,why="NDEATH",phase=0i,state_name="offline",silent_s=90.0'),
)
LASTS_MS = 10 * MINUTE_MS
SPAN_MS = (len(SITUATIONS) + 1) * LASTS_MS


def seeded(situation: int, end_ms: int) -> Iterator[str]:
    """The heartbeats of one situation that lasts until `end_ms`."""
    fields = SITUATIONS[situation][1]
    for time_ms in range(end_ms - LASTS_MS, end_ms, 30_000):
        yield f"station_state,site=demo,line=line-1,station=studio-1 {fields} {time_ms}"


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with InfluxDB(tmp_path_factory.mktemp("looks")) as server:
        names = [name.replace(" ", "_") for name, _ in SITUATIONS]
        for name in (*names, "history"):
            server.ask(f"CREATE DATABASE {name}")
        history: list[str] = []
        for number, name in enumerate(names):
            server.put("\n".join(seeded(number, END_MS)), name)
            ago = LASTS_MS * (len(SITUATIONS) - number)
            history += seeded(number, END_MS - ago)
        server.put("\n".join(history), "history")
        server.put(_samples(), "unchanged")
        server.put(_samples(), "bad_quality")
        server.put(_bad(), "bad_quality")
        server.put(_samples(), "offline")
        stores = Stores(server.port, {}, None)
        yield stores
        stores.close()


def _samples() -> str:
    """A number that is reported once and then does not change."""
    return (
        "studio,site=demo,line=line-1,station=studio-1"
        f" illuminance=900.0,illuminance_q=0i {END_MS - LASTS_MS}"
    )


def _bad() -> str:
    """A while later it has no value any more."""
    return (
        "studio,site=demo,line=line-1,station=studio-1"
        f" illuminance_q={0x808C0000 + (1 << 32)}i {END_MS - 5 * MINUTE_MS}"
    )


def shown(mappings: list[Json], value: Any) -> tuple[str, str]:
    """Word and colour of a value after Grafana's value mappings."""
    for one in mappings:
        options = one["options"]
        if one["type"] == "value" and str(value) in options:
            return options[str(value)]["text"], options[str(value)]["color"]
        if one["type"] == "regex" and re.fullmatch(options["pattern"], str(value)):
            return options["result"]["text"], options["result"]["color"]
        if one["type"] == "range" and _within(options, value):
            return options["result"]["text"], options["result"]["color"]
    return str(value), ""


def _within(options: Json, value: Any) -> bool:
    low, high = options["from"], options["to"]
    return (low is None or float(value) >= low) and (high is None or float(value) <= high)


def answer(stores: Stores, database: str, name: str, title: str, end_ms: int) -> list[Answer]:
    """What the targets of one panel give from one database."""
    stores.databases = {"demo-samples": database}
    made = board(name)
    made["panels"] = [panel for panel in panels(made) if panel["title"] == title]
    view = View(end_ms - SPAN_MS, end_ms, {"station": "studio-1"})
    return list(stores.answers(name, made, view))


def tile(stores: Stores, database: str, end_ms: int = END_MS) -> tuple[str, str] | None:
    """How the large tile of Andon looks; None: no tile, for nothing was said."""
    (one,) = answer(stores, database, "andon-line-1", "studio-1", end_ms)
    found = one.columns.get("state_name")
    mappings = one.panel["fieldConfig"]["defaults"]["mappings"]
    return shown(mappings, found[0]) if found else None


def test_the_tiles_of_andon_show_four_situations_differently(stores: Stores) -> None:
    looked = {name: tile(stores, name.replace(" ", "_")) for name, _ in SITUATIONS}
    assert looked == {
        "unchanged": ("turning", looks.GREEN),
        "bad quality": ("bad quality", looks.PURPLE),
        "no data": ("no data", looks.PALE),
        "offline": ("offline", looks.BLACK),
    }


def test_a_tile_goes_out_when_the_historian_says_nothing(stores: Stores) -> None:
    assert tile(stores, "unchanged", END_MS + MINUTE_MS // 2) is not None
    assert tile(stores, "unchanged", END_MS + 2 * MINUTE_MS) is None


def test_the_lanes_show_the_situations_one_after_another(stores: Stores) -> None:
    end_ms = END_MS
    for name, title in (("history-line-1", "States"), ("station-studio", "State over time")):
        (one,) = answer(stores, "history", name, title, end_ms)
        mappings = one.panel["fieldConfig"]["defaults"]["mappings"]
        values = one.columns["last"]
        drawn = [shown(mappings, value)[0] for value in values if value is not None]
        assert list(dict.fromkeys(drawn)) == ["turning", "bad quality", "no data", "offline"]
        # While the historian was down, nothing is drawn, and until then nothing is missing.
        first = values.index("TURNING")
        said = 3 * LASTS_MS // MINUTE_MS
        assert None not in values[first : first + said]
        assert values[-(LASTS_MS // MINUTE_MS - 1) :] == [None] * (LASTS_MS // MINUTE_MS - 1)


def shades(stores: Stores, database: str) -> tuple[list[Any], set[str]]:
    """The values of a number, and which shades are drawn over it at the end."""
    value, not_good, away = answer(stores, database, "station-studio", "illuminance", END_MS)
    drawn = set()
    if any(one is not None and one >= 1 for one in not_good.columns["last"][-2:]):
        drawn.add(not_good.alias)
    if away.values():
        drawn.add(away.alias)
    return value.values(), drawn


def test_a_number_that_stays_is_a_level_line_and_shaded_when_bad_or_offline(
    stores: Stores,
) -> None:
    level, none = shades(stores, "unchanged")
    assert set(level) == {900.0} and len(level) > 60 and none == set()
    assert shades(stores, "bad_quality")[1] == {"not good"}
    assert shades(stores, "offline")[1] == {"machine offline"}


def test_a_number_that_never_came_is_no_line_at_all(stores: Stores) -> None:
    value, not_good, away = answer(stores, "no_data", "station-studio", "illuminance", END_MS)
    assert (value.values(), not_good.values(), away.values()) == ([], [], [])
