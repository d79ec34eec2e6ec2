"""What is done to a pack, as data: steps, limits and the gates, read from a table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stations.battery.cell import PackSpec
from stations.battery.data import table

StepKind = Literal["rest", "charge", "discharge", "pulse"]
PROTOCOLS = tuple(table("protocols")["protocol"])
TAPER_S = 1500.0  # how long the end of a charge takes at a constant voltage, by experience
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step; currents in A, positive charges. `seconds`: its length, or the most it may take."""

    name: str
    kind: StepKind
    seconds: float
    resume: str
    current_a: float = 0.0
    until_current_a: float | None = None
    until_moved_ah: float | None = None
    sample_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What closes a gate or ends a run: see the table's comments."""

    isolation_ohm_per_v: float
    cell_v: tuple[float, float]
    temperature_max_degc: float
    temperature_spread_max_k: float
    rise_max_k_per_min: float
    current_max_a: float
    age_max_s: float
    link_open_v: float
    start_degc: tuple[float, float]
    start_spread_k: float
    cell_spread_v: float
    patience_s: float
    quiet_s: float
    restarts_max: int


@dataclass(frozen=True, slots=True)
class CyclerLimits:
    """What the cycler itself is told first, tighter than our own limits; A and V without sign."""

    current_max_a: float
    voltage_max_v: float
    voltage_min_v: float


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol for one pack model: `cells` in series, each charged within `cell_v`.

    `sha256` names the table it came from.
    """

    id: str
    title: str
    cells: int
    cell_v: tuple[float, float]
    rated_ah: float
    steps: tuple[Step, ...]
    limits: Limits
    cycler: CyclerLimits
    sha256: str

    def index(self, name: str) -> int:
        """Where a step is; LookupError when there is none."""
        for place, step in enumerate(self.steps):
            if step.name == name:
                return place
        raise LookupError(f"no step {name!r} in {self.id}")


def protocol(name: str, spec: PackSpec, tables: Mapping[str, Any] | None = None) -> Protocol:
    """The protocol of this name; LookupError with the known names, ValueError if it is wrong."""
    tables = tables or table("protocols")
    if name not in tables["protocol"]:
        raise LookupError(f"no protocol {name!r}; known are {', '.join(tables['protocol'])}")
    found = tables["protocol"][name]
    limits = _limits(tables, spec)
    part = tables["limits"]["cycler_tighter"]
    made = Protocol(
        id=f"{name}/{found['version']}",
        title=found["title"],
        cells=spec.series,
        cell_v=spec.cell_v,
        rated_ah=spec.rated_ah,
        steps=tuple(_step(row, spec) for row in found["step"]),
        limits=limits,
        cycler=CyclerLimits(
            current_max_a=part * limits.current_max_a,
            voltage_max_v=part * limits.cell_v[1] * spec.series,
            voltage_min_v=limits.cell_v[0] * spec.series / part,
        ),
        sha256=hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest(),
    )
    _check(made)
    return made


def expected_s(steps: Protocol, soc: float, health: float = 1.0) -> tuple[float, ...]:
    """How long each step will take from a state of charge (0 to 1), with a guessed health."""
    lengths = []
    left = soc
    for step in steps.steps:
        seconds = step.seconds
        if step.kind in ("charge", "discharge"):
            room = (1 - left if step.kind == "charge" else left) * steps.rated_ah * health
            ends = step.until_moved_ah is None or step.until_moved_ah >= room
            moved = room if step.until_moved_ah is None else min(step.until_moved_ah, room)
            seconds = HOUR_S * moved / abs(step.current_a)
            if step.kind == "charge" and ends:
                seconds += TAPER_S
            left += (1 if step.kind == "charge" else -1) * moved / (steps.rated_ah * health)
        lengths.append(min(seconds, step.seconds))
    return tuple(lengths)


def _step(row: Mapping[str, Any], spec: PackSpec) -> Step:
    known = {"name", "kind", "seconds", "current_c", "until_current_c", "until_moved_c"}
    unknown = set(row) - known - {"sample_s", "resume"}
    if unknown:
        raise ValueError(f"step {row.get('name')!r}: unknown {', '.join(sorted(unknown))}")
    rated = spec.rated_ah
    until_a, until_ah = row.get("until_current_c"), row.get("until_moved_c")
    return Step(
        name=row["name"],
        kind=row["kind"],
        seconds=float(row["seconds"]),
        resume=row.get("resume", row["name"]),
        current_a=rated * row.get("current_c", 0.0),
        until_current_a=None if until_a is None else rated * until_a,
        until_moved_ah=None if until_ah is None else rated * until_ah,
        sample_s=float(row.get("sample_s", 1.0)),
    )


def _limits(tables: Mapping[str, Any], spec: PackSpec) -> Limits:
    during, start, restart = tables["limits"], tables["start"], tables["restart"]
    return Limits(
        isolation_ohm_per_v=during["isolation_ohm_per_v"],
        cell_v=(during["cell_v"][0], during["cell_v"][1]),
        temperature_max_degc=during["temperature_max_degc"],
        temperature_spread_max_k=during["temperature_spread_max_k"],
        rise_max_k_per_min=during["rise_max_k_per_min"],
        current_max_a=during["current_c_max"] * spec.rated_ah,
        age_max_s=during["age_max_s"],
        link_open_v=during["link_open_v"],
        start_degc=(start["temperature_degc"][0], start["temperature_degc"][1]),
        start_spread_k=start["temperature_spread_k"],
        cell_spread_v=start["cell_spread_v"],
        patience_s=start["patience_s"],
        quiet_s=restart["quiet_s"],
        restarts_max=restart["most"],
    )


def _check(made: Protocol) -> None:
    """ValueError for a step that could not be run: wrong sign, above the limits, without end."""
    names = [step.name for step in made.steps]
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"{made.id}: steps need names of their own")
    for step in made.steps:
        sign = {"rest": 0, "charge": 1, "discharge": -1}.get(step.kind)
        flows = (step.current_a > 0) - (step.current_a < 0)
        if (sign is not None and flows != sign) or (step.kind == "pulse" and not flows):
            raise ValueError(f"step {step.name!r}: a {step.kind} of {step.current_a:g} A")
        if abs(step.current_a) > made.limits.current_max_a:
            raise ValueError(f"step {step.name!r}: {step.current_a:g} A is above the limit")
        if step.seconds <= 0 or step.sample_s <= 0:
            raise ValueError(f"step {step.name!r}: seconds and sample_s are above 0")
        if step.kind == "charge" and step.until_current_a is None:
            raise ValueError(f"step {step.name!r}: a charge wants until_current_c")
        made.index(step.resume)
