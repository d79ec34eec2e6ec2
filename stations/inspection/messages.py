"""From the bytes of a machine to a message, or to the reasons why it is none.

Two forms say the same: OTC-LAN-like records (`key=value`, a line each) and a JSON object. What is
not sent was not measured: an absent code is never zero. A message of which a part cannot be
believed is refused as a whole, with two exceptions that cost only themselves: a code that this kind
of machine does not have, and a value that no such machine can show. Both are marked, and what they
would have said stays open.

    equipment=suspension-1        the name that the station has for the machine
    serial=SB-2231
    session=v-2026-000123.1       as the station has told the machine
    last_calibration=2026-03-02
    start=2026-11-22T08:14:03     without a zone: that of the machine, by the site file
    end=2026-11-22T08:14:51
    zero=1                        where the machine confirms its zero
    SM101=72                      a unit may follow: `SM101=72 %`
    codes=1                       the number of codes, where the machine counts them
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from stations.inspection.codes import CODES, ITEMS, Code, MachineKind
from stations.inspection.facts import Mark, Message, Reason, Refusal, Value
from stations.inspection.identity import vin_of

BYTES_MAX = 64 << 10
LINE_MAX = 200
LINES_MAX = 500
DIGITS_MAX = 15
HEADERS = ("equipment", "serial", "session", "last_calibration", "start", "end", "zero", "codes")
NEEDED = ("equipment", "serial", "start", "end")
FLAGS = {"1": True, "0": False, "true": True, "false": False, "ok": True, "nok": False}
VIN_LIKE = re.compile(r"(?i)[A-HJ-NPR-Z0-9]{17}")  # is never repeated nor hashed without a key
VIN_LIKE_BYTES = re.compile(rb"(?i)[A-HJ-NPR-Z0-9]{17}")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?\Z", re.ASCII)


@dataclass(slots=True)
class _Doubts:
    """What is wrong with a message, gathered while it is read."""

    reasons: dict[Reason, None] = field(default_factory=dict)
    about: list[str] = field(default_factory=list)

    def add(self, reason: Reason, about: str) -> None:
        self.reasons[reason] = None
        self.about.append(VIN_LIKE.sub("VIN", about)[:80])

    def refusal(self) -> Refusal | None:
        if not self.reasons:
            return None
        return Refusal(reasons=tuple(self.reasons), about=tuple(self.about[:20]))


def read_lines(text: bytes, kind: MachineKind, zone: tzinfo) -> Message | Refusal:
    """An OTC-LAN-like record. A last line without its end is half a record."""
    if len(text) > BYTES_MAX:
        return Refusal(reasons=(Reason.TOO_LONG,), about=(f"{len(text)} bytes",))
    try:
        lines = text.decode("utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        return Refusal(reasons=(Reason.NOT_READABLE,), about=(str(error),))
    doubts = _Doubts()
    if lines.pop():
        doubts.add(Reason.HALF_RECORD, "the last line has no end")
    header, said = _split(lines, doubts)
    count = header.pop("codes", None)
    if count is not None and count != str(len(said)):
        doubts.add(Reason.HALF_RECORD, f"codes={count}, there are {len(said)}")
    read = _Reading(CODES[kind], doubts)
    for code, text_of in said.items():
        shown, _, unit = text_of.partition(" ")
        read.take(code, shown, unit.strip() if unit else None)
    return _message(header, read, zone, doubts)


def _split(lines: list[str], doubts: _Doubts) -> tuple[dict[str, str], dict[str, str]]:
    header: dict[str, str] = {}
    said: dict[str, str] = {}
    if len(lines) > LINES_MAX or any(len(line) > LINE_MAX for line in lines):
        doubts.add(Reason.TOO_LONG, f"{len(lines)} lines")
        return header, said
    for line in lines:
        if not line.strip():
            continue
        key, equals, text = (part.strip() for part in line.partition("="))
        if not equals or not key.isprintable() or not text.isprintable():
            doubts.add(Reason.NOT_READABLE, repr(line))
            continue
        known = header if key in HEADERS else said
        if key in known:
            doubts.add(Reason.SAID_TWICE, key)
        known[key] = text
    return header, said


def read_json(text: bytes, kind: MachineKind, zone: tzinfo) -> Message | Refusal:
    """The body of a webhook: the headers by their names, and `values` by item.

    {"values": {"susp.axle1.eff_l": {"value": 72, "unit": "%"}}, ...}
    """
    if len(text) > BYTES_MAX:
        return Refusal(reasons=(Reason.TOO_LONG,), about=(f"{len(text)} bytes",))
    doubts = _Doubts()

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                doubts.add(Reason.SAID_TWICE, key)
            found[key] = value
        return found

    try:
        said = json.loads(
            text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=once
        )
    except (ValueError, RecursionError) as error:
        reason = Reason.HALF_RECORD if _is_cut(text, error) else Reason.NOT_READABLE
        return Refusal(reasons=(reason,), about=(str(error)[:80],))
    if not isinstance(said, dict) or not isinstance(said.get("values"), dict):
        return Refusal(reasons=(Reason.NOT_READABLE,), about=("no object with values",))
    read = _Reading(ITEMS[kind], doubts)
    for item, one in said["values"].items():
        if not isinstance(one, dict) or not set(one) <= {"value", "unit"} or "value" not in one:
            doubts.add(Reason.BAD_VALUE, item)
            continue
        unit = one.get("unit")
        read.take(item, _text(one["value"]), unit if unit is None else str(unit))
    header: dict[str, str] = {}
    for key, value in said.items():
        if key == "values":
            continue
        if key not in HEADERS or isinstance(value, dict | list):
            doubts.add(Reason.BAD_HEADER, key)
        elif value is not None:
            header[key] = _text(value)
    count = header.pop("codes", None)
    if count is not None and count != str(len(said["values"])):
        doubts.add(Reason.HALF_RECORD, f"codes={count}, there are {len(said['values'])}")
    return _message(header, read, zone, doubts)


def _is_cut(text: bytes, error: Exception) -> bool:
    """Whether an object begins and does not end."""
    shown = text.strip()
    at_end = isinstance(error, json.JSONDecodeError) and error.pos >= len(shown)
    return shown[:1] in (b"{", b"") and (at_end or not shown.endswith(b"}"))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


class _Reading:
    """The values of one message, as they are read."""

    def __init__(self, known: Mapping[str, Code], doubts: _Doubts) -> None:
        self._known, self._doubts = known, doubts
        self.values: dict[str, Value] = {}
        self.marks: list[Mark] = []
        self.vin: str | None = None
        self.said: list[tuple[str, str, str]] = []

    def take(self, name: str, text: str, unit: str | None) -> None:
        """One value under its code or item."""
        one = self._known.get(name)
        self.said.append((name, "VIN" if one and one.form == "vin" else text, unit or ""))
        if one is None:
            self.marks.append(Mark(about=name[:80], reason=Reason.UNKNOWN_CODE))
        elif unit is not None and unit != one.unit:
            self._doubts.add(Reason.UNIT_CHANGED, f"{name}: {unit} is not {one.unit or 'no unit'}")
        elif not text:
            if one.form == "list":
                self.values[one.item] = Value(value=())
            else:
                self.marks.append(Mark(about=one.item, reason=Reason.NO_VALUE))
        else:
            self._form(one, name, text)

    def _form(self, one: Code, name: str, text: str) -> None:
        match one.form:
            case "flag" if text.lower() in FLAGS:
                self.values[one.item] = Value(value=FLAGS[text.lower()])
            case "list":
                words = tuple(word.strip() for word in text.split(",") if word.strip())
                self.values[one.item] = Value(value=words)
            case "vin" if (vin := vin_of(text)) is not None:
                self.vin = vin
            case "number" if (number := number_of(text)) is not None:
                if one.holds(number):
                    self.values[one.item] = Value(value=number, unit=one.unit)
                else:
                    self.marks.append(Mark(about=one.item, reason=Reason.OUT_OF_RANGE))
            case "vin":
                # Which vehicle it is stays open; its number is not repeated in what is kept.
                self.marks.append(Mark(about=one.item, reason=Reason.BAD_VALUE))
            case _:
                self._doubts.add(Reason.BAD_VALUE, f"{name}={text}")


def number_of(text: str) -> Decimal | None:
    """A plain decimal number, exactly as it was sent; None when it is none."""
    if not NUMBER.match(text) or sum(sign.isdigit() for sign in text) > DIGITS_MAX:
        return None
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None


def _message(
    header: Mapping[str, str], read: _Reading, zone: tzinfo, doubts: _Doubts
) -> Message | Refusal:
    """A message of what was read, unless there are doubts."""
    for key in NEEDED:
        if not header.get(key):
            doubts.add(Reason.HALF_RECORD if key == "end" else Reason.BAD_HEADER, key)
    start, end = (_moment(header.get(key, ""), zone, key, doubts) for key in ("start", "end"))
    calibrated = _day(header.get("last_calibration", ""), doubts)
    zero = header.get("zero", "").lower()
    if zero and zero not in FLAGS:
        doubts.add(Reason.BAD_HEADER, "zero")
    if not read.values and read.vin is None and not read.marks and not doubts.reasons:
        doubts.add(Reason.NO_VALUES, "no code")
    refusal = doubts.refusal()
    if refusal is not None or start is None or end is None:
        return refusal or Refusal(reasons=(Reason.BAD_HEADER,))
    return Message(
        id=_hash(header, read.said),
        machine=header["equipment"],
        serial=header["serial"],
        session=header.get("session") or None,
        last_calibration=calibrated,
        start_ms=start,
        end_ms=end,
        zero_ok=FLAGS.get(zero),
        vin=read.vin,
        values=read.values,
        marks=tuple(read.marks),
    )


def _moment(text: str, zone: tzinfo, key: str, doubts: _Doubts) -> int | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        doubts.add(Reason.BAD_HEADER, f"{key}={text}")
        return None


def _day(text: str, doubts: _Doubts) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        doubts.add(Reason.BAD_HEADER, f"last_calibration={text}")
        return None


def _hash(header: Mapping[str, str], said: Iterable[tuple[str, str, str]]) -> str:
    """The same result has the same id, in whatever order and form its parts came."""
    parts = [sorted(header.items()), sorted(said)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def hash_of(text: bytes) -> str:
    """The id of bytes that are no message."""
    return hashlib.sha256(VIN_LIKE_BYTES.sub(b"VIN", text)).hexdigest()
