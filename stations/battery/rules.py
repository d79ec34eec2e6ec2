"""From the station's samples to its records: `battery.state` at each change, one
`battery.qualification` for each pack.

The trace of voltage and current is kept from the first rest to the end and judged when the cycle
ends, since samples of the cycler may arrive after the sequence has gone on.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from stations.battery import gates, pulses, snapshots
from stations.battery.limits import DCIR_SECONDS
from stations.battery.pulses import SIGNS, Pulse, Series
from stations.battery.results import Qualification, Reported, Resistance
from stations.battery.states import BatteryState
from stations.battery.station import Battery
from stations.cycle import Cycle, Ended, Scheme, follow
from stations.declare import Tag
from stations.judge import Now
from stations.records import Draft

S = BatteryState
TRIGGERS = (Battery.state, Battery.visit)
TRACE_MAX = 20_000  # samples of each trace; beyond it nothing is added and the record says so
TRACED = tuple(
    state.name
    for state in (S.CLOSING, S.REST, S.DISCHARGE, S.RELAX, S.CHARGE, S.SETTLE, S.DISCONNECTING)
)
TRACE = (
    "voltage_ms", "voltage_v", "current_ms", "current_a", "voltage_lost_ms", "current_lost_ms",
)  # fmt: skip
SCHEME = Scheme(
    kind="battery",
    state=Battery.state,
    visit=Battery.visit,
    idle=S.IDLE,
    done=S.DONE,
    needed=(S.ISOLATION, S.REST, S.DISCHARGE, S.RELAX, S.CHARGE, S.SETTLE),
    planned_s=240.0,
)


@dataclass(frozen=True)
class Memory(Cycle):
    """What the rules carry: the trace so far, and what was seen at the end of each step."""

    voltage_ms: tuple[int, ...] = ()
    voltage_v: tuple[float, ...] = ()
    current_ms: tuple[int, ...] = ()
    current_a: tuple[float, ...] = ()
    voltage_lost_ms: tuple[int, ...] = ()
    current_lost_ms: tuple[int, ...] = ()
    is_trace_cut: bool = False
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in TRACE:
            object.__setattr__(self, name, tuple(getattr(self, name)))


def judge(memory: Memory, now: Now) -> tuple[Memory, list[Draft]]:
    """One look: see `stations.judge`."""
    memory = _traced(memory, now)
    after, drafts, ended = follow(SCHEME, memory, now)
    if _is_same_cycle(memory, after) and after.state != memory.state:
        after = replace(after, seen=snapshots.taken(after.seen, memory, now))
        if after.state in TRACED and not after.current_ms:
            after = _begun(after, now)
    if ended is not None:
        seen = after if _is_same_cycle(memory, after) else memory
        drafts = [*drafts, _qualification(ended, seen)]
    if not _is_same_cycle(memory, after) or ended is not None:
        after = _forgotten(after)
    return after, drafts


def _is_same_cycle(one: Memory, other: Memory) -> bool:
    return (one.visit, one.started_ms) == (other.visit, other.started_ms)


def _traced(memory: Memory, now: Now) -> Memory:
    if not memory.is_open or memory.state not in TRACED:
        return memory
    voltage_ms, volts = now.series(Battery.voltage)
    current_ms, amperes = now.series(Battery.current)
    room = TRACE_MAX - max(len(memory.voltage_ms), len(memory.current_ms))
    return replace(
        memory,
        voltage_ms=(*memory.voltage_ms, *voltage_ms[:room].tolist()),
        voltage_v=(*memory.voltage_v, *volts[:room].tolist()),
        current_ms=(*memory.current_ms, *current_ms[:room].tolist()),
        current_a=(*memory.current_a, *amperes[:room].tolist()),
        voltage_lost_ms=_lost(memory.voltage_lost_ms, Battery.voltage, now),
        current_lost_ms=_lost(memory.current_lost_ms, Battery.current, now),
        is_trace_cut=memory.is_trace_cut or max(len(voltage_ms), len(current_ms)) > room,
    )


def _lost(marks: tuple[int, ...], tag: Tag[float], now: Now) -> tuple[int, ...]:
    """A number that is Bad now does not hold any longer; a series alone would not show that."""
    reading = now.readings.get(tag.name)
    if reading is None or reading.is_good or reading.time_ms in marks[-1:]:
        return marks
    return (*marks, reading.time_ms)


def _begun(memory: Memory, now: Now) -> Memory:
    """The trace begins with what holds already: a current that stays 0 is not sampled again."""
    if now.get(Battery.voltage) is not None:
        volts = now[Battery.voltage]
        memory = replace(memory, voltage_ms=(volts.time_ms,), voltage_v=(volts.value,))
    if now.get(Battery.current) is not None:
        amperes = now[Battery.current]
        memory = replace(memory, current_ms=(amperes.time_ms,), current_a=(amperes.value,))
    return memory


def _forgotten(memory: Memory) -> Memory:
    return replace(
        memory,
        voltage_ms=(),
        voltage_v=(),
        current_ms=(),
        current_a=(),
        voltage_lost_ms=(),
        current_lost_ms=(),
        is_trace_cut=False,
        seen={},
    )


def _qualification(ended: Ended, memory: Memory) -> Draft:
    voltage = Series.of(memory.voltage_ms, memory.voltage_v, memory.voltage_lost_ms)
    current = Series.of(memory.current_ms, memory.current_a, memory.current_lost_ms)
    found = {direction: pulses.find(direction, current) for direction in SIGNS}
    isolation = snapshots.isolation(memory.seen)
    cells = snapshots.cells(memory.seen)
    temperatures = snapshots.temperatures(memory.seen)
    common = ended.common()
    if memory.is_trace_cut:
        common["flaws"] = (*common["flaws"], "trace_cut")
        common["complete"] = False
    data = Qualification(
        **common,
        identity=snapshots.identity(memory.seen),
        held=ended.entered(S.HOLD) > 0,
        isolation=isolation,
        gates=gates.judged(isolation, cells, temperatures),
        ocv=pulses.open_circuit(found["discharge"], voltage, _rested_s(ended)),
        dcir=tuple(
            _resistance(found, voltage, current, seconds, direction)
            for direction in SIGNS
            for seconds in DCIR_SECONDS
        ),
        cells=cells,
        temperatures=temperatures,
        moved=tuple(
            pulses.moved(direction, pulse, voltage, current) for direction, pulse in found.items()
        ),
        reported=Reported.model_validate(memory.seen.get("reported", {})),
    )
    return Draft(
        kind="battery.qualification",
        time_ms=ended.ended_ms,
        visit=ended.visit or None,
        data=data.model_dump(mode="json"),
    )


def _rested_s(ended: Ended) -> float | None:
    ms, times = ended.spent.get(S.REST.name, (0, 0))
    return ms / 1000 if times else None


def _resistance(
    found: dict[pulses.Direction, Pulse | None],
    voltage: Series,
    current: Series,
    seconds: float,
    direction: pulses.Direction,
) -> Resistance:
    pulse = found[direction]
    if pulse is None:
        return pulses.missing(direction, seconds)
    return pulses.resistance(pulse, voltage, current, seconds)
