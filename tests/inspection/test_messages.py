"""What machines say, as lines and as JSON: the same things are wrong with both."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.inspection.codes import CODES, ITEMS, MachineKind
from stations.inspection.facts import Mark, Message, Reason, Refusal, Value
from stations.inspection.messages import BYTES_MAX, hash_of, read_json, read_lines

SUSPENSION = MachineKind.SUSPENSION
HEAD = {
    "equipment": "suspension-1", "serial": "SB-1", "session": "v-1.1",
    "last_calibration": "2026-03-02", "start": "2026-11-22T08:14:03",
    "end": "2026-11-22T08:14:51",
}  # fmt: skip
SAID = {"SM101": "72", "SM102": "70.5"}


def lines(
    head: dict[str, str] = HEAD, said: dict[str, str] = SAID, kind: MachineKind = SUSPENSION
) -> Message | Refusal:
    text = "".join(f"{key}={value}\n" for key, value in {**head, **said}.items())
    return read_lines(text.encode(), kind, UTC)


def as_json(
    head: dict[str, str] = HEAD, said: dict[str, str] = SAID, kind: MachineKind = SUSPENSION
) -> Message | Refusal:
    values: dict[str, Any] = {}
    for code, text in said.items():
        shown, _, unit = text.partition(" ")
        item = CODES[kind][code].item if code in CODES[kind] else code
        values[item] = {"value": shown, **({"unit": unit} if unit else {})}
    return read_json(json.dumps({**head, "values": values}).encode(), kind, UTC)


BOTH = pytest.mark.parametrize("say", [lines, as_json])


@BOTH
def test_a_whole_message(say: Any) -> None:
    said = say()
    assert isinstance(said, Message)
    assert said.values == {
        "susp.axle1.eff_l": Value(value=Decimal(72), unit="%"),
        "susp.axle1.eff_r": Value(value=Decimal("70.5"), unit="%"),
    }
    assert (said.machine, said.serial, said.session) == ("suspension-1", "SB-1", "v-1.1")
    assert said.last_calibration == date(2026, 3, 2) and said.zero_ok is None
    assert said.start_ms == datetime(2026, 11, 22, 8, 14, 3, tzinfo=UTC).timestamp() * 1000
    assert say(dict(reversed(HEAD.items()))).id == said.id != say(HEAD, {"SM101": "72"}).id


@BOTH
@pytest.mark.parametrize(
    ("head", "said", "reason"),
    [
        ({"serial": ""}, SAID, Reason.BAD_HEADER),
        ({"end": ""}, SAID, Reason.HALF_RECORD),
        ({"start": "yesterday"}, SAID, Reason.BAD_HEADER),
        ({"last_calibration": "02/03/2026"}, SAID, Reason.BAD_HEADER),
        ({"zero": "perhaps"}, SAID, Reason.BAD_HEADER),
        ({"codes": "3"}, SAID, Reason.HALF_RECORD),
        ({}, {}, Reason.NO_VALUES),
        ({}, {"SM101": "72 N"}, Reason.UNIT_CHANGED),
        ({}, {"SM101": "7e1"}, Reason.BAD_VALUE),
        ({}, {"SM101": "nan"}, Reason.BAD_VALUE),
        ({}, {"SM101": "1234567890.1234567"}, Reason.BAD_VALUE),
        ({}, {"SM101": "\u0663"}, Reason.BAD_VALUE),
    ],
)
def test_what_is_refused(
    say: Any, head: dict[str, str], said: dict[str, str], reason: Reason
) -> None:
    found = say({**HEAD, **head}, said)
    assert isinstance(found, Refusal) and found.reasons == (reason,), found


@BOTH
def test_what_costs_only_itself(say: Any) -> None:
    found = say(HEAD, {"SM101": "172", "SM102": "", "XX101": "1", "SM201": "0 %"})
    assert isinstance(found, Message)
    assert found.values == {"susp.axle2.eff_l": Value(value=Decimal(0), unit="%")}
    assert [(one.about, one.reason) for one in found.marks] == [
        ("susp.axle1.eff_l", Reason.OUT_OF_RANGE),
        ("susp.axle1.eff_r", Reason.NO_VALUE),
        ("XX101", Reason.UNKNOWN_CODE),
    ]


def test_lines_that_are_none() -> None:
    def reasons(text: bytes) -> tuple[Reason, ...]:
        found = read_lines(text, SUSPENSION, UTC)
        assert isinstance(found, Refusal)
        return found.reasons

    whole = "".join(f"{key}={value}\n" for key, value in {**HEAD, **SAID}.items()).encode()
    assert reasons(whole[:-1]) == (Reason.HALF_RECORD,)
    assert reasons(whole + whole) == (Reason.SAID_TWICE,)
    assert Reason.NOT_READABLE in reasons(b"\xff\xfe")
    assert Reason.NOT_READABLE in reasons(whole + b"nothing\n")
    assert reasons(b"x" * (BYTES_MAX + 1)) == (Reason.TOO_LONG,)
    assert Reason.TOO_LONG in reasons(b"a=" + b"1" * 300 + b"\n")
    # Each beginning of a message is refused, or is one that says less: never other values.
    full = read_lines(whole, SUSPENSION, UTC)
    assert isinstance(full, Message)
    for cut in range(len(whole)):
        begun = read_lines(whole[:cut], SUSPENSION, UTC)
        assert isinstance(begun, Refusal) or begun.values.items() < full.values.items()


def test_json_that_is_none() -> None:
    def reasons(text: str) -> tuple[Reason, ...]:
        found = read_json(text.encode(), SUSPENSION, UTC)
        assert isinstance(found, Refusal)
        return found.reasons

    one = '"susp.axle1.eff_l": {"value": 72}'
    head = json.dumps(HEAD)[1:-1]
    assert reasons("[]") == (Reason.NOT_READABLE,)
    assert reasons("[" * 10_000) == (Reason.NOT_READABLE,)
    assert reasons(f'{{{head}, "values": {{{one}') == (Reason.HALF_RECORD,)
    assert reasons(f'{{{head}, "values": {{{one}, {one}}}}}') == (Reason.SAID_TWICE,)
    assert reasons(f'{{{head}, "values": {{"susp.axle1.eff_l": 72}}}}') == (Reason.BAD_VALUE,)
    assert reasons(f'{{{head}, "more": 1, "values": {{{one}}}}}') == (Reason.BAD_HEADER,)
    assert reasons(f'{{{head}, "values": {{"susp.axle1.eff_l": {{"value": NaN}}}}}}') == (
        Reason.BAD_VALUE,
    )


def test_numbers_stay_as_they_were_sent() -> None:
    text = json.dumps({**HEAD, "values": {}}).replace(
        '"values": {}', '"values": {"susp.axle1.eff_l": {"value": 0.10000000000001}}'
    )
    found = read_json(text.encode(), SUSPENSION, UTC)
    assert isinstance(found, Message)
    assert found.values["susp.axle1.eff_l"].value == Decimal("0.10000000000001")


def test_the_clock_of_a_machine_has_its_zone() -> None:
    text = "".join(f"{key}={value}\n" for key, value in {**HEAD, **SAID}.items()).encode()
    here, there = (read_lines(text, SUSPENSION, zone) for zone in (UTC, ZoneInfo("Europe/Paris")))
    assert isinstance(here, Message) and isinstance(there, Message)
    assert here.start_ms - there.start_ms == 3_600_000
    told = lines({**HEAD, "start": "2026-11-22T09:14:03+01:00"})
    assert isinstance(told, Message) and told.start_ms == here.start_ms


def test_a_vin_is_in_no_reason_and_in_no_hash() -> None:
    vin, other = "VF1AAAAAA12345678", "VF1AAAAAB12345678"
    head = {**HEAD, "equipment": "obd-1"}
    one = lines(head, {"OB001": "0", "OB002": "P0301,P0420", "OB004": vin}, MachineKind.OBD)
    two = lines(head, {"OB001": "0", "OB002": "P0301,P0420", "OB004": other}, MachineKind.OBD)
    assert isinstance(one, Message) and isinstance(two, Message)
    assert one.vin == vin and one.id == two.id
    assert (
        one.values["obd.dtc"].value == ("P0301", "P0420") and one.values["obd.mil"].value is False
    )
    bad = lines(head, {"OB001": vin, "OB006": f"x{vin}"}, MachineKind.OBD)
    assert isinstance(bad, Refusal) and vin not in str(bad)
    short = lines(head, {"OB004": "VF1"}, MachineKind.OBD)
    assert isinstance(short, Message) and short.vin is None
    assert short.marks == (Mark(about="obd.vin_readback", reason=Reason.BAD_VALUE),)
    assert hash_of(vin.encode()) == hash_of(other.encode())


@given(st.binary(max_size=400), st.sampled_from(list(MachineKind)))
def test_no_bytes_raise(text: bytes, kind: MachineKind) -> None:
    for read in (read_lines, read_json):
        found = read(text, kind, UTC)
        assert isinstance(found, Message) or found.reasons


def test_codes_are_in_one_manner() -> None:
    for kind, codes in CODES.items():
        assert codes and len(ITEMS[kind]) == len(codes)
        for code in codes:
            assert len(code) == 5 and code[:2].isupper() and code[2:].isdecimal()
    assert CODES[SUSPENSION]["SM101"].item == "susp.axle1.eff_l"
