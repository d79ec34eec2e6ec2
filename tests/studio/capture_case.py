"""Golden cases of the capture: what the controller, the cameras and the operator do, what follows.

    doc = "What the case shows."
    bad = { ring_005 = ["blurred"] }     # what the judge says of files; `judge = false`: nothing
    turns = [["out_of_focus.ring"]]      # what the judge says of one turn after the other
    timeline = [
      { s = 0, state = "LOADING", visit = "v-1" },   # tags; "?" for one that is not known
      { s = 9, latched = 40 },                       # so many of the planned angles are latched
      { s = 9, latched = 40, without = [5] },        # the fifth trigger was not given
      { s = 9, frames = "ring", to = 40 },           # the camera's frames up to this count
      { s = 9, frames = "ring", from = 3, to = 7 },
      { s = 9, shot = "wheel_002", of = "v-1-1" },   # the answer of a camera that was asked
      { s = 9, lost = "ring", why = "silent" }, { s = 9, back = "ring" },
      { s = 9, choose = "go_on", why = "..." },
      { s = 9, processed = "v-1-1" }, { s = 9, restart = true },
      { s = 9, clock = -3600 },              # the wall's clock is set by so many seconds
    ]
    expect = [
      { s = 9, write = "start" }, { s = 9, back = "start" },
      { s = 9, event = "JobStarted", of = "v-1-1" }, { s = 9, tell = "choose", about = [...] },
      { s = 9, shoot = "wheel_002" },
      { s = 9, end = "v-1-1", complete = false, reasons = [...], missing = [...], pictures = 40,
        files = { spin_004 = "ring_045" } },     # of those that are named
    ]

Between two rows time goes on in seconds, so what follows from waiting has a time of its own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stations.studio import station
from stations.studio.capture import step
from stations.studio.jobs import (
    Action,
    Arrived,
    CameraBack,
    CameraLost,
    Chosen,
    Event,
    Frame,
    Input,
    Job,
    Judge,
    Judged,
    Memory,
    Process,
    Processed,
    Restarted,
    Shoot,
    Shot,
    Tags,
    Tell,
    Tick,
    Write,
)
from stations.studio.manifest import PictureSet, Reason
from stations.studio.station import NO_FRAME, SLOTS, SPIN_ANGLES

CASES = Path(station.__file__).parent / "cases" / "capture"

RING = tuple(
    Shot(set=PictureSet.SPIN, index=index, camera="ring", angle_deg=angle)
    for index, angle in enumerate(SPIN_ANGLES)
)
JOB = Job(
    id="full-360",
    version=3,
    shots=(
        *RING,
        Shot(set=PictureSet.DETAIL, index=0, camera="hand"),
        Shot(set=PictureSet.DETAIL, index=1, camera="hand"),
        Shot(set=PictureSet.WHEEL, index=0, camera="floor"),
        Shot(set=PictureSet.WHEEL, index=1, camera="floor"),
        Shot(set=PictureSet.DAMAGE, index=0, camera="hand", required=False),
    ),
    asked=("floor",),
)


class Played:
    """A case while it is played: the memory goes through JSON after every input."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case, self.memory, self.at_s = case, Memory(), 0.0
        self.counts: dict[str, int] = {}
        self.set_ms = 0
        self.bad = {
            file: tuple(Reason(one) for one in reasons)
            for file, reasons in case.get("bad", {}).items()
        }
        self.about_turns: list[list[str]] = list(case.get("turns", []))
        self.done: list[dict[str, Any]] = []

    def play(self) -> list[dict[str, Any]]:
        """What was done, in the words of the case."""
        for row in self.case["timeline"]:
            while self.at_s + 1 <= row["s"]:
                self.at_s += 1
                self.give(Tick(at_s=self.at_s, time_ms=self.time_ms))
            self.at_s = row["s"]
            for given in self.inputs(row):
                self.give(given)
        return self.done

    def give(self, given: Input) -> None:
        """One input, and the judge's answer to what it leads to."""
        memory, actions = step(JOB, self.memory, given)
        self.memory = Memory.model_validate_json(memory.model_dump_json())
        assert self.memory == memory
        for action in actions:
            if isinstance(action, Judge):
                self.judge(action)
            else:
                self.done.append({"s": self.at_s, **said(action)})

    def judge(self, asked: Judge) -> None:
        """Say what the case says of these files; the next turn is good."""
        if self.case.get("judge", True):
            bad = {one.file: self.bad.pop(one.file) for one in asked.frames if one.file in self.bad}
            number = asked.number
            said = self.about_turns.pop(0) if asked.part == "turn" and self.about_turns else ()
            at = {"at_s": self.at_s, "time_ms": self.time_ms}
            about = {"capture": asked.capture, "number": number, "reasons": tuple(said)}
            self.give(Judged(**about, bad=bad, **at))

    @property
    def time_ms(self) -> int:
        """The wall's time."""
        return round(self.at_s * 1000) + self.set_ms

    def inputs(self, row: dict[str, Any]) -> Iterator[Input]:
        """What one row of the timeline means."""
        self.set_ms += 1000 * row.get("clock", 0)
        at = {"at_s": row["s"], "time_ms": round(row["s"] * 1000) + self.set_ms}
        match row:
            case {"clock": _}:
                yield Tick(**at)
            case {"frames": camera, "to": last}:
                first = row.get("from", self.counts.get(camera, 0) + 1)
                for count in range(first, last + 1):
                    file = f"{camera}_{count:03d}"
                    yield Arrived(frame=Frame(file=file, camera=camera, count=count), **at)
                self.counts[camera] = last
            case {"shot": name}:
                (shot,) = [one for one in JOB.shots if one.name == name]
                file = f"{name}@{row['s']}"
                capture = row.get("of") or getattr(self.memory.running, "capture", None)
                about = {"capture": capture, "set": shot.set, "index": shot.index}
                frame = Frame(file=file, camera=shot.camera, **about)
                yield Arrived(frame=frame, **at)
            case {"lost": camera}:
                yield CameraLost(camera=camera, why=row["why"], **at)
            case {"back": camera}:
                yield CameraBack(camera=camera, **at)
            case {"choose": choice}:
                yield Chosen(choice=choice, why=row.get("why", ""), **at)
            case {"processed": capture}:
                yield Processed(capture=capture, **at)
            case {"restart": True}:
                yield Restarted(**at)
            case _:
                yield Tags(values=tags(row), **at)


def tags(row: dict[str, Any]) -> dict[str, Any]:
    """The values of a row; each is a tag of the studio."""
    values = {name: value for name, value in row.items() if name not in ("s", "latched", "without")}
    for name in values:
        station.Studio.tag(name)
    if "latched" in row:
        gone = {number - 1 for number in row.get("without", ())}
        given = [a for at, a in enumerate(SPIN_ANGLES) if at < row["latched"] and at not in gone]
        values["trigger_angles"] = [a if a in given else NO_FRAME for a in SLOTS]
    return {name: None if value == "?" else value for name, value in values.items()}


def said(action: Action) -> dict[str, Any]:
    """An action in the words of a case."""
    match action:
        case Write(command=command, value=value):
            return {"write" if value else "back": command}
        case Event(name=name, capture=capture):
            return {"event": name, "of": capture}
        case Tell(code=code, about=about):
            return {"tell": code, "about": list(about)}
        case Shoot(shot=shot):
            return {"shoot": shot.name}
        case Process(acquired=one):
            return {
                "end": one.capture,
                "complete": one.complete,
                "reasons": list(one.reasons),
                "missing": list(one.missing),
                "pictures": len(one.pictures),
                "files": {placed.name: placed.file for placed in one.pictures},
            }
    raise AssertionError(action)


def load(path: Path) -> dict[str, Any]:
    """A case; KeyError when it has a key that means nothing."""
    case = tomllib.loads(path.read_text())
    if unknown := set(case) - {"doc", "bad", "turns", "judge", "timeline", "expect"}:
        raise KeyError(f"{path.name} has {sorted(unknown)}")
    return case
