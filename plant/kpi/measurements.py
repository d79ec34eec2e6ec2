"""The historian's own measurements: every field with its type, so that it never changes.

The reference page is made of this. A field whose name has a `*` stands for many.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from plant.stores import store
from stations.declare import Type

BOOL, INT, FLOAT, TEXT = Type.BOOL, Type.INT, Type.FLOAT, Type.TEXT


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `always` written, or absent where it has no value (never 0, never NaN)."""

    name: str
    type: Type
    doc: str
    unit: str = ""
    always: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement; `when` says which time its points have and when they are written."""

    name: str
    doc: str
    when: str
    fields: tuple[Field, ...]

    def type_of(self, name: str) -> Type:
        """The type of a field; KeyError when it is none of this measurement's."""
        for field in self.fields:
            if fnmatchcase(name, field.name):
                return field.type
        raise KeyError(f"{self.name} has no field {name!r}")


_STATE = (
    Field("online", BOOL, "the birth of the station stands", always=True),
    Field("why", TEXT, "why it is not online: `NDEATH`, `DDEATH`, `not heard yet`", always=True),
    Field("phase", INT, "what its state means for the line, see above"),
    Field(
        "state_name", TEXT,
        "the state as it is declared; `offline`, `bad quality` or `no data` where it is not known",
    ),
    Field("quality", TEXT, "of the state: `good`, `uncertain`, `bad`, `none` when never heard"),
    Field("state", INT, "the state's number on the wire, where it is known"),
    Field("state_status", INT, "StatusCode of the latest sample of the state"),
    Field("since_s", FLOAT, "since when it is in this state", "s"),
    Field("silent_s", FLOAT, "since when no sample at all has come from the station", "s"),
    Field("visit", TEXT, "visit at the station; empty without a vehicle"),
)  # fmt: skip
_CYCLE = (
    Field("cycle_s", FLOAT, "from arrival to done", "s", always=True),
    Field("ok", BOOL, "a good piece (GQ): complete, and its result can be used", always=True),
    Field("complete", BOOL, "the record has no flaws", always=True),
    Field("flaws", TEXT, "codes of the flaws, separated by commas", always=True),
    Field("visit", TEXT, "the visit", always=True),
    Field("planned_s", FLOAT, "planned run time of one vehicle here (PRI)", "s", always=True),
    Field("takt_s", FLOAT, "planned takt of the line", "s"),
)
_STOP = (
    Field("reason", TEXT, "the cause that the machine gave, else the state", always=True),
    Field("duration_s", FLOAT, "how long it lasted", "s", always=True),
    Field("state_name", TEXT, "the state in which it stood", always=True),
    Field("visit", TEXT, "the visit; empty without a vehicle", always=True),
)
_GAP = (
    Field("duration_s", FLOAT, "how long samples may be missing", "s", always=True),
    Field("reason", TEXT, "why, as the gap record says it", always=True),
    Field("tags", TEXT, "of which tags, separated by commas; empty: all", always=True),
    Field("samples", INT, "how many, where that is known"),
)
_REASON = (
    Field("*_s", FLOAT, "time stopped in the hour for this reason", "s"),
    Field("*_n", INT, "stops for this reason that ended in the hour"),
)
_KPI = (
    Field("pbt_s", FLOAT, "planned busy time (PBT), in the present hour up to now", "s", True),
    Field("apt_s", FLOAT, "actual production time (APT): working", "s", True),
    Field("adet_s", FLOAT, "actual unit delay time (ADET): stopped", "s", True),
    Field("adot_s", FLOAT, "actual unit down time (ADOT): idle and blocked", "s", True),
    Field("idle_s", FLOAT, "of it without a vehicle", "s", True),
    Field("blocked_s", FLOAT, "of it with a vehicle that is done", "s", True),
    Field("unknown_s", FLOAT, "offline, bad or never heard: part of PBT alone", "s", True),
    Field("pri_s", FLOAT, "planned run time per item (PRI)", "s", True),
    Field("pq", INT, "produced quantity (PQ): cycles that ended in the hour", "", True),
    Field("gq", INT, "good quantity (GQ)", "", True),
    Field("run_s", FLOAT, "PRI x PQ", "s", True),
    Field("good_run_s", FLOAT, "PRI x GQ", "s", True),
    Field("availability", FLOAT, "APT / PBT"),
    Field("effectiveness", FLOAT, "PRI x PQ / APT"),
    Field("quality", FLOAT, "GQ / PQ"),
    Field("oee", FLOAT, "availability x effectiveness x quality"),
)
_LINE = (
    Field("vehicles_out", INT, "cycles that ended at the end of the line", always=True),
    Field("pbt_s", FLOAT, "planned busy time of the line, up to now", "s", True),
    Field("takt_s", FLOAT, "planned takt", "s"),
    Field("planned_out", FLOAT, "pbt_s / takt_s"),
    Field("actual_s", FLOAT, "takt reached: between_s / vehicles_between", "s"),
    Field("between_s", FLOAT, "planned busy time between vehicles out", "s", True),
    Field("vehicles_between", INT, "how many such times ended in the hour", "", True),
    Field("bottleneck", TEXT, "the station whose OEE counts for the line"),
    Field("availability", FLOAT, "of the bottleneck"),
    Field("effectiveness", FLOAT, "of the bottleneck"),
    Field("quality", FLOAT, "of the bottleneck"),
    Field("oee", FLOAT, "of the bottleneck"),
)
_HOUR = (
    "with the time of the beginning of the hour, UTC; the present hour is written each minute, "
    "an earlier one again when data of it came late"
)

STATION_STATE = Measurement(
    store.STATION_STATE,
    "What a station does, said again and again, so that a timeline has a beginning.",
    "every 30 s at the historian's time, and at each change at the time of the sample",
    _STATE,
)
STATION_CYCLE = Measurement(
    store.STATION_CYCLE,
    "One vehicle's work at a station.",
    "with the time of its end, from the record that the station's rules made of it",
    _CYCLE,
)
STATION_STOP = Measurement(
    store.STATION_STOP,
    "One stop of a station.",
    "with the time of its end, from the records of the station's changes of state",
    _STOP,
)
STATION_GAP = Measurement(
    store.STATION_GAP,
    "A time in which samples of a station may be missing.",
    "with the time of its beginning, from the gap record",
    _GAP,
)
STOP_REASON = Measurement(
    store.STOP_REASON,
    "The stops of an hour by reason, two fields for each (`guard_s`, `guard_n`).",
    _HOUR,
    _REASON,
)
STATION_KPI = Measurement(
    store.STATION_KPI, "Numerators and denominators after ISO 22400-2.", _HOUR, _KPI
)
LINE_KPI = Measurement(store.LINE_KPI, "A line's takt and output; no station.", _HOUR, _LINE)
MEASUREMENTS = (
    STATION_STATE, STATION_CYCLE, STATION_STOP, STATION_GAP, STOP_REASON, STATION_KPI, LINE_KPI,
)  # fmt: skip
