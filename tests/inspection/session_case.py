"""Golden cases of an inspection's session: what happens, and what follows.

    doc = "What the case shows."
    timeline = [
      { s = 0, lane = "v-1" },          # the lane's computer; "?" when it cannot be asked
      { s = 0, order = "v-1", fuel = "diesel", first = "2015-04-01", vin = "A" },
      { s = 5, part = "brakes" },       # a machine brings all that a part needs
      { s = 5, part = "brakes", axle = 1 },
      { s = 5, from = "obd", say = { "obd.mil" = false }, vin = "A", serial = "other" },
      { s = 6, by = "anna", verb = "take", step = "brakes", why = "..." },
      { s = 7, down = "brakes" }, { s = 7, up = "brakes" },
      { s = 8, recorded = "v-1.1" }, { s = 9, restart = true },
    ]
    expect = [
      { s = 0, open = "v-1.1" }, { s = 5, took = "brakes", marks = ["..."] },
      { s = 5, again = "brakes" }, { s = 5, refused = "brakes", reasons = ["wrong_serial"] },
      { s = 6, answer = "ok", about = [] }, { s = 6, tell = "step_slow", about = [] },
      { s = 8, end = "v-1.1", why = "finished", open = [], session = { identity = "match" } },
    ]

`from = NAME` and `part = STEP` go through the bytes of a JSON message; `session`, `serial`,
`start`, `end`, `calibrated` and `unit` change what the machine says. Values of
a part are those of VALUES.
"""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stations.inspection import station
from stations.inspection.codes import ITEMS, MachineKind
from stations.inspection.facts import Ended, MachineConfig, Memory, Order, Plan, Refusal, StepName
from stations.inspection.happenings import (
    Action,
    Answer,
    Chosen,
    Delivered,
    InLane,
    Input,
    MachineIs,
    Ordered,
    Recorded,
    Report,
    Restarted,
    Tell,
    Tick,
    Unreadable,
    Verdict,
)
from stations.inspection.identity import vin_hash
from stations.inspection.messages import hash_of, read_json
from stations.inspection.requirements import MACHINES, NEEDED
from stations.inspection.session import step
from stations.inspection.session_record import report

CASES = Path(station.__file__).parent / "cases" / "session"
BEGAN_MS = round(datetime(2026, 11, 25, 8, tzinfo=UTC).timestamp() * 1000)
KEY = b"a key of this test"
NAMES = {kind: kind.name.lower() for kind in MachineKind}
PLAN = Plan(
    machines={
        name: MachineConfig(
            name=name, kind=kind, serial=f"{name}-1", calibration_days=365,
            zero=kind is MachineKind.BRAKES,
        )
        for kind, name in NAMES.items()
    },
    inspectors={"anna": "075Z1001", "bea": "075Z1002"},
    centre="S075Z123",
)  # fmt: skip
VALUES = {
    "force": "2500", "weight": "350", "park": "1400", "slip": "-3.5", "eff": "71", "dip": "1.1",
    "co": "0.1", "lambda": "1.001", "k": "0.31", "mil": False, "ready": True, "ground": "12.5",
    "tread": "5.2", "level": "71",
}  # fmt: skip


def vin(letter: str) -> str:
    """A VIN for a letter."""
    return f"VF1AAAAA{letter}12345678"


def at(seconds: float) -> str:
    """A moment of the case, as a machine says it."""
    return datetime.fromtimestamp(BEGAN_MS / 1000 + seconds, UTC).isoformat()


def usual(item: str) -> Any:
    """What a healthy car shows."""
    words = item.rpartition(".")[2].split("_")
    return next(value for key, value in VALUES.items() if key in words[0])


def said(kind: MachineKind, row: dict[str, Any], session: str, items: dict[str, Any]) -> bytes:
    """What a machine says in one row."""
    name, seconds = NAMES[kind], row["s"]
    values: dict[str, Any] = {
        item: {"value": value, "unit": row.get("unit", ITEMS[kind][item].unit)}
        if item in ITEMS[kind]
        else {"value": value}
        for item, value in items.items()
    }
    if "vin" in row:
        values["obd.vin_readback"] = {"value": vin(row["vin"])}
    head = {
        "equipment": row.get("equipment", name),
        "serial": row.get("serial", f"{name}-1"),
        "session": row.get("session", session),
        "last_calibration": row.get("calibrated", "2026-03-02"),
        "start": at(row.get("start", seconds)),
        "end": at(row.get("end", seconds)),
        "zero": "1",
    }
    return json.dumps({**head, "values": values}).encode()


def order(row: dict[str, Any]) -> Order:
    """The order of one row."""
    vehicle = {
        "category": row.get("category", "M1"),
        "first_registration": row.get("first", "2018-05-04"),
        "fuel": row.get("fuel", "petrol"),
        **row.get("vehicle", {}),
    }
    return Order(
        visit=row["order"],
        kind=row.get("kind", "full"),
        vehicle=vehicle,
        vin_hash=vin_hash(KEY, vin(row["vin"])) if "vin" in row else None,
        earlier=tuple(row.get("earlier", ())),
        earlier_date=row.get("earlier_date"),
    )


class Played:
    """A case while it is played; the memory goes through JSON after every input."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case, self.memory, self.at_s = case, Memory(), 0.0
        self.done: list[dict[str, Any]] = []
        self.number = 0
        self.ended: list[Ended] = []

    def play(self) -> list[dict[str, Any]]:
        """What was done, in the words of the case; time goes on in minutes."""
        for row in self.case["timeline"]:
            while self.at_s + 60 <= row["s"]:
                self.at_s += 60
                self.give(Tick(time_ms=self.now_ms()))
            self.at_s = row["s"]
            self.give(self.input(row))
        return self.done

    def now_ms(self) -> int:
        """The time of the case."""
        return BEGAN_MS + round(self.at_s * 1000)

    def give(self, given: Input) -> None:
        """One input."""
        memory, actions = step(PLAN, self.memory, given)
        self.memory = Memory.model_validate_json(memory.model_dump_json())
        assert self.memory == memory
        for action in actions:
            self.done.append({"s": self.at_s, **shown(action)})
            if isinstance(action, Report):
                self.ended.append(action.ended)

    def input(self, row: dict[str, Any]) -> Input:
        """What one row of the timeline means."""
        now, self.number = {"time_ms": self.now_ms()}, self.number + 1
        id = row.get("id", f"choice-{self.number}")
        match row:
            case {"lane": visit}:
                return InLane(visit=None if visit == "?" else visit, **now)
            case {"order": _}:
                return Ordered(id=id, order=order(row), **now)
            case {"part": name}:
                part = StepName(name)
                items = {one: usual(one) for one in NEEDED[part] if matches(one, row)}
                return self.heard(MACHINES[part], row, items)
            case {"from": name, "bytes": text}:
                kind = next(kind for kind, one in NAMES.items() if one == name)
                return self.message(kind, text.encode())
            case {"from": name, "say": items}:
                kind = next(kind for kind, one in NAMES.items() if one == name)
                return self.heard(kind, row, items)
            case {"verb": verb}:
                findings = tuple((code, where or None) for code, where in row.get("findings", ()))
                words = {key: row[key] for key in WORDS if key in row}
                return Chosen(id=id, by=row["by"], verb=verb, findings=findings, **words, **now)
            case {"recorded": session}:
                return Recorded(session=session, **now)
            case {"down": machine}:
                return MachineIs(machine=machine, down="not connected", **now)
            case {"up": machine}:
                return MachineIs(machine=machine, down="", **now)
            case {"restart": True}:
                return Restarted(**now)
        raise KeyError(row)

    def heard(self, kind: MachineKind, row: dict[str, Any], items: dict[str, Any]) -> Input:
        """A machine says these items."""
        session = self.memory.session
        return self.message(
            kind, said(kind, row, "" if session is None else session.session, items)
        )

    def message(self, kind: MachineKind, text: bytes) -> Input:
        """A machine says these bytes."""
        read, now, name = read_json(text, kind, UTC), self.now_ms(), NAMES[kind]
        if isinstance(read, Refusal):
            return Unreadable(machine=name, id=hash_of(text), refusal=read, time_ms=now)
        hashed = None if read.vin is None else vin_hash(KEY, read.vin)
        message = read.model_copy(update={"vin": None})
        return Delivered(machine=name, message=message, vin_hash=hashed, time_ms=now)


WORDS = ("step", "machine", "visit", "why", "km", "values")


def matches(item: str, row: dict[str, Any]) -> bool:
    """Whether a row brings an item: all, or those of an axle."""
    return "axle" not in row or f"axle{row['axle']}." in item


def shown(action: Action) -> dict[str, Any]:
    """An action in the words of a case."""
    match action:
        case Verdict(machine=machine, reasons=reasons) if reasons:
            return {"refused": machine, "reasons": [str(one) for one in reasons]}
        case Verdict(machine=machine, again=True):
            return {"again": machine}
        case Verdict(machine=machine, marks=marks):
            return {"took": machine, "marks": [f"{one.about} {one.reason}" for one in marks]}
        case Answer(said=words, about=about):
            return {"answer": words, "about": list(about)}
        case Tell(code="session_opened", about=(session,)):
            return {"open": session}
        case Tell(code=code, about=about):
            return {"tell": code, "about": list(about)}
        case Report(ended=ended):
            made = report(PLAN, ended)
            session = made.model_dump(mode="json")["session"]
            return {
                "end": ended.session.session,
                "why": ended.why,
                "flaws": list(made.flaws),
                "missing": list(made.not_decidable),
                "values": {
                    item: one.value
                    for item, one in made.measurements.items()
                    if one.value is not None
                },
                "session": session,
            }
    raise AssertionError(action)


def holds(expected: Any, found: Any) -> bool:
    """Whether all that is expected is found; of tables, the keys that are named."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(holds(value, found.get(key)) for key, value in expected.items())
    if isinstance(expected, list) and isinstance(found, list | tuple):
        return len(expected) == len(found) and all(map(holds, expected, found))
    return bool(expected == found)


def load(path: Path) -> dict[str, Any]:
    """A case; KeyError when it has a key that means nothing."""
    case = tomllib.loads(path.read_text())
    if unknown := set(case) - {"doc", "timeline", "expect"}:
        raise KeyError(f"{path.name} has {sorted(unknown)}")
    return case
