"""The views say what the records say, in each database, and never a VIN."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from plant.ledger import Ledger, views
from stations.records import File
from tests.plant.ledgers import FilePlace, Place
from tests.plant.records import cycle, record

VIN = "VF1AAAAA123456789"
DAY = "2026-09-21T"


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with place.open() as opened:
        yield opened


def rows(ledger: Ledger, select: str, **values: object) -> list[dict[str, Any]]:
    """What a SELECT finds: times as the texts of the records, JSON as values."""
    with ledger.reading() as connection:
        found = connection.execute(text(select), values).mappings().all()
    return [{name: said(value) for name, value in row.items()} for row in found]


def said(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, str) and value[:1] in ("{", "["):
        return orjson.loads(value)
    return value


def one(ledger: Ledger, select: str, **values: object) -> dict[str, Any]:
    (row,) = rows(ledger, select, **values)
    return row


def everything(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    return {
        view.name: rows(ledger, f"SELECT * FROM {view.name} ORDER BY 1") for view in views.VIEWS
    }


def a_visit() -> list[Any]:
    """One vehicle at three stations; the inspection is done twice."""
    visit = "v-1"
    failed = {"brake.imbalance": {"result": "NotOK"}, "co": {"result": "Undefined"}}
    passed = {"brake.imbalance": {"result": "OK"}, "co": {"result": "Undefined"}}
    gates = [{"verdict": "pass"}, {"verdict": "not_decidable"}]
    flaws = ["joined", "not_seen.resting"]
    return [
        record(1, kind="studio.state", visit=visit, time=f"{DAY}08:00:10.000Z"),
        cycle(2, visit, "studio-1", "08:00:00", "08:01:00"),
        cycle(3, visit, "inspection-1", "08:05:00", "08:07:00", measurements=failed),
        cycle(4, visit, "inspection-1", "08:08:00", "08:09:30", measurements=passed),
        cycle(
            5, visit, "battery-1", "08:20:00", "09:00:00", gates=gates, complete=False, flaws=flaws
        ),
        record(6, kind="device.gap", visit=None, time=f"{DAY}10:00:00.000Z"),
    ]


def test_a_visit_is_summed_up(ledger: Ledger) -> None:
    ledger.append(a_visit())
    assert one(ledger, "SELECT * FROM visit") == {
        "visit": "v-1", "vehicle": None, "site": "flins", "line": "line-1",
        "began": f"{DAY}08:00:00.000Z", "ended": f"{DAY}09:00:00.000Z", "seconds": 3600.0,
        "stations": 3, "station_visits": 4, "incomplete": 1, "records": 5,
        "last_station": "battery-1", "result": "NotDecidable",
    }  # fmt: skip


def test_each_cycle_is_a_station_visit(ledger: Ledger) -> None:
    ledger.append(a_visit())
    found = rows(ledger, "SELECT * FROM station_visit ORDER BY entered_at")
    assert [row["kind"] for row in found] == ["studio", "inspection", "inspection", "battery"]
    assert [row["result"] for row in found] == [None, "NotOK", "OK", "NotDecidable"]
    assert [bool(row["complete"]) for row in found] == [True, True, True, False]
    assert found[-1] == {
        "number": 5, "record": a_visit()[4].id, "visit": "v-1", "vehicle": None, "site": "flins",
        "line": "line-1", "station": "battery-1", "kind": "battery",
        "entered_at": f"{DAY}08:20:00.000Z", "left_at": f"{DAY}09:00:00.000Z", "seconds": 60.5,
        "complete": False, "flaws": "joined, not_seen.resting", "result": "NotDecidable",
    }  # fmt: skip


def test_every_record_is_shown_with_what_it_says(ledger: Ledger) -> None:
    files = (File(name="a.jpg", sha256="0" * 64, bytes=1, type="image/jpeg"),) * 2
    ledger.append([*a_visit(), record(7, files=files, version=3)])
    found = rows(ledger, "SELECT * FROM record ORDER BY number")
    assert [row["number"] for row in found] == [1, 2, 3, 4, 5, 6, 7]
    assert [row["complete"] for row in found] == [None, True, True, True, False, None, None]
    assert found[-1]["data"] == record(7).data
    assert (found[-1]["files"], found[-1]["version"], found[-1]["agent"]) == (2, 3, "pc-1")
    assert found[-1]["agent_version"] == "0.1.0"
    assert found[0]["time"] == f"{DAY}08:00:10.000Z"
    entry = ledger.find()[0]
    (first,) = rows(ledger, "SELECT recorded_at FROM record WHERE number = 7")
    moment = datetime.fromisoformat(first["recorded_at"])
    assert moment.timestamp() * 1000 == entry.recorded_ms


def test_times_are_searched_as_a_dashboard_does(ledger: Ledger) -> None:
    ledger.append(a_visit())
    between = "BETWEEN '2026-09-21T08:02:00Z' AND '2026-09-21T08:30:00Z'"
    for view, column, count in (
        ("station_visit", "entered_at", 3), ("station_visit", "left_at", 2), ("record", "time", 2),
        ("visit", "began", 0),
    ):  # fmt: skip
        found = rows(ledger, f"SELECT count(*) AS n FROM {view} WHERE {column} {between}")
        assert found == [{"n": count}], (view, column)


def test_a_vehicle_has_a_pseudonym_and_its_vin_is_nowhere(ledger: Ledger) -> None:
    ledger.append([*a_visit(), cycle(7, "v-2", "studio-1", "12:00:00", "12:02:00")])
    ledger.append([cycle(8, "v-3", "studio-1", "13:00:00", "13:02:00")])
    ledger.name_vehicle("v-1", VIN)
    ledger.name_vehicle("v-2", VIN)
    ledger.name_vehicle("v-3", "VF1BBBBB123456789")
    name = ledger.pseudonym("v-1")
    assert name is not None and len(name) == 16
    assert ledger.pseudonym("v-2") == name != ledger.pseudonym("v-3")
    assert one(ledger, "SELECT * FROM vehicle WHERE vehicle = :name", name=name) == {
        "vehicle": name, "visits": 2,
        "first_seen": f"{DAY}08:00:00.000Z", "last_seen": f"{DAY}12:02:00.000Z",
    }  # fmt: skip
    visits = rows(ledger, "SELECT visit FROM visit WHERE vehicle = :name", name=name)
    assert {row["visit"] for row in visits} == {"v-1", "v-2"}
    shown = everything(ledger)
    assert "VF1" not in str(shown)
    assert all(row["vehicle"] for row in shown["station_visit"])
    ledger.forget_vehicle(VIN)
    assert name not in str(everything(ledger))
    assert ledger.pseudonym("v-1") is None
    assert len(rows(ledger, "SELECT * FROM visit")) == 3


def test_what_a_view_cannot_show_hides_nothing_else(ledger: Ledger, place: Place) -> None:
    ledger.append(
        [
            record(1, data={"nul": "a\0b\0\0", "no nul": "\\u0000", "both": "\\\0"}),
            record(2),
            record(3, time="2026-02-31T25:61:61.000Z"),
            cycle(4, "v-4", "studio-1", "25:00:00", "08:00:00"),
        ]
    )
    place.change("UPDATE entry SET body = ? WHERE number = 2", b"\xff no JSON")
    found = rows(ledger, "SELECT number, time, data, complete FROM record ORDER BY number")
    nul = "\0" if isinstance(place, FilePlace) else "\N{REPLACEMENT CHARACTER}"
    assert found[0]["data"] == {
        "nul": f"a{nul}b{nul}{nul}", "no nul": "\\u0000", "both": f"\\{nul}"
    }  # fmt: skip
    assert found[1]["data"] is None
    assert found[2]["time"] is None
    assert found[3]["complete"] is None, "no such time of day: no cycle"
    assert found[3]["data"]["cycle_s"] == 60.5


def test_the_views_can_be_made_anew(ledger: Ledger) -> None:
    ledger.append(a_visit())
    before = everything(ledger)
    told: list[tuple[int, int]] = []
    assert ledger.rebuild(lambda done, of: told.append((done, of))) == 6
    assert told == [(6, 6)]
    assert everything(ledger) == before


def test_what_an_older_program_appended_is_derived_later(ledger: Ledger, place: Place) -> None:
    ledger.append(a_visit()[:3])
    ledger.append([])
    with place.open() as other:
        other.append(a_visit()[3:])
        whole = everything(other)
    place.change("DELETE FROM fact")
    place.change("DELETE FROM cycle")
    place.change("DELETE FROM tour")
    ledger.append([record(9, visit=None)])
    now = everything(ledger)
    assert now["visit"] == whole["visit"]
    assert now["record"][:6] == whole["record"]


def test_what_was_cut_off_and_accepted_is_shown_no_more(ledger: Ledger, place: Place) -> None:
    ledger.append(a_visit())
    place.change("DELETE FROM entry WHERE number > 2")
    ledger.anchor()
    ledger.append([cycle(9, "v-1", "battery-1", "09:00:00", "09:01:00")])
    row = one(ledger, "SELECT * FROM visit")
    assert (row["records"], row["station_visits"], row["stations"]) == (3, 2, 2)
    assert row["ended"] == f"{DAY}09:01:00.000Z"


def test_the_columns_are_those_that_are_documented(ledger: Ledger) -> None:
    for view in views.VIEWS:
        with ledger.reading() as connection:
            found = connection.execute(text(f"SELECT * FROM {view.name}"))
            assert list(found.keys()) == [column.name for column in view.columns]
