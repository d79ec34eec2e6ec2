"""Bytes of notifications to columns: the short cut and the long way agree, and nothing is lost."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.sources import variants
from edge.sources.notification import parse_publish
from edge.sources.source import Item
from edge.sources.variants import EPOCH_TICKS, Expected, decode
from stations.declare import Node, Type
from stations.status import BAD, BAD_NO_DATA, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, GOOD, UNCERTAIN
from tests.sources.recorder import tag

KINDS: list[Any] = [float, int, bool, str, list[float], list[int]]
ITEMS = [
    Item(100 + i, tag(f"t{i}", kind, Node(f"N{i}"), length=2 if "list" in str(kind) else 0))
    for i, kind in enumerate(KINDS)
]
EXPECTED = Expected.of(ITEMS)
RECEIVED = 17_000_000_000_000_000
V = ua.VariantType
RANGES = {
    V.SByte: 7, V.Byte: 8, V.Int16: 15, V.UInt16: 16, V.Int32: 31, V.UInt32: 32, V.Int64: 63,
    V.UInt64: 64,
}  # fmt: skip


@st.composite
def values(draw: st.DrawFn) -> ua.Variant:
    kind = draw(st.sampled_from([*RANGES, V.Boolean, V.Float, V.Double, V.String, V.LocalizedText,
                                 V.DateTime, V.Null, V.ByteString]))  # fmt: skip
    is_array = draw(st.booleans()) and kind is not V.Null
    one: Any
    if kind in RANGES:
        bits = RANGES[kind]
        low = 0 if kind.name.startswith(("U", "B")) else -(1 << bits)
        one = st.integers(low, (1 << bits) - 1)
    else:
        one = {
            V.Boolean: st.booleans(), V.Float: st.floats(width=32), V.Double: st.floats(),
            V.String: st.none() | st.text(max_size=8),
            V.LocalizedText: st.builds(ua.LocalizedText, st.none() | st.text(max_size=8)),
            V.DateTime: st.just(datetime(2026, 1, 1, tzinfo=UTC)), V.Null: st.none(),
            V.ByteString: st.binary(max_size=4),
        }[kind]  # fmt: skip
    value = draw(st.lists(one, max_size=3)) if is_array else draw(one)
    return ua.Variant(value, kind, is_array=is_array)


STATUSES = st.sampled_from([GOOD, GOOD, UNCERTAIN, BAD, 0x480, UNCERTAIN | 0x480, 0x800A0000])
RAW_TIMES = st.sampled_from([0, 1, EPOCH_TICKS + 7, EPOCH_TICKS + 17_000_000_000_123_457])


@st.composite
def entries(draw: st.DrawFn) -> bytes:
    """One MonitoredItemNotification as a server may send it."""
    handle = draw(st.sampled_from([*(item.number for item in ITEMS), 9]))
    mask = draw(st.sampled_from([0x0F, 0x0D, 0x05, 0x07, 0x0B, 0x01, 0x02, 0x06, 0x3F, 0x15]))
    data = struct.pack("<IB", handle, mask)
    if mask & variants.VALUE:
        data += ua.ua_binary.variant_to_binary(draw(values()))
    if mask & variants.STATUS:
        data += struct.pack("<I", draw(STATUSES))
    for bit, layout in ((variants.SOURCE, "<q"), (variants.SOURCE_PICO, "<H"),
                        (variants.SERVER, "<q"), (variants.SERVER_PICO, "<H")):  # fmt: skip
        if mask & bit:
            data += struct.pack(layout, draw(RAW_TIMES) if layout == "<q" else 5)
    return data


def _change(parts: list[bytes]) -> bytes:
    return struct.pack("<i", len(parts)) + b"".join(parts) + struct.pack("<i", 0)


def change_of(number: int, variant: ua.Variant) -> bytes:
    """A DataChangeNotification with one value."""
    return _change([struct.pack("<IB", number, 0x01) + ua.ua_binary.variant_to_binary(variant)])


def _same(one: variants.Decoded, other: variants.Decoded) -> None:
    for name in ("tag", "time", "status", "type", "value"):
        np.testing.assert_array_equal(getattr(one.samples, name), getattr(other.samples, name))
    assert one.samples.side == other.samples.side
    for name in ("ticks", "mismatched", "overflowed"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.unknown == other.unknown


@settings(max_examples=300)
@given(st.lists(st.tuples(entries(), st.integers(1, 9)), max_size=8))
def test_the_short_cut_gives_the_same_columns_as_the_long_way(
    runs: list[tuple[bytes, int]],
) -> None:
    changes = [_change([entry for entry, times in runs for _ in range(times)])]
    _same(decode(changes, EXPECTED, RECEIVED), decode(changes, EXPECTED, RECEIVED, by_item=True))


def _one(number: int, variant: ua.Variant | None, status: int = 0, source: int = 1) -> Any:
    data = struct.pack("<IB", number, 0x07 if variant is not None else 0x06)
    if variant is not None:
        data += ua.ua_binary.variant_to_binary(variant)
    data += struct.pack("<Iq", status, EPOCH_TICKS + source)
    found = decode([_change([data])], EXPECTED, RECEIVED)
    return int(found.samples.status[0]), found.samples.row(0)


@pytest.mark.parametrize(
    ("number", "variant", "value"),
    [
        (100, ua.Variant(1.5, V.Float), 1.5),
        (100, ua.Variant(-3, V.Int16), -3.0),
        (100, ua.Variant(0xFFFF_FFFF, V.UInt32), 4294967295.0),
        (101, ua.Variant(-284, V.Int32), -284),
        (101, ua.Variant((1 << 63) - 1, V.UInt64), (1 << 63) - 1),
        (102, ua.Variant(True, V.Boolean), True),
        (103, ua.Variant("é", V.String), "é"),
        (103, ua.Variant(ua.LocalizedText("hello", "en")), "hello"),
        (103, ua.Variant(datetime(2026, 1, 2, 3, 4, 5, 600_000, UTC)),
         "2026-01-02T03:04:05.600000Z"),
        (103, ua.Variant(UUID(int=5)), "00000000-0000-0000-0000-000000000005"),
        (104, ua.Variant([1, 2], V.Int16), [1.0, 2.0]),
        (105, ua.Variant([3, -4], V.Int64), [3, -4]),
        (105, ua.Variant([True, False], V.Boolean), [1, 0]),
    ],
)  # fmt: skip
def test_types_that_fit_give_values(number: int, variant: ua.Variant, value: Any) -> None:
    assert _one(number, variant) == (GOOD, value)


@pytest.mark.parametrize(
    ("number", "variant", "status"),
    [
        (100, ua.Variant(1 << 40, V.Int64), BAD_TYPE_MISMATCH),
        (100, ua.Variant("1.5", V.String), BAD_TYPE_MISMATCH),
        (100, ua.Variant(True, V.Boolean), BAD_TYPE_MISMATCH),
        (101, ua.Variant(1.0, V.Double), BAD_TYPE_MISMATCH),
        (101, ua.Variant(1 << 63, V.UInt64), BAD_OUT_OF_RANGE),
        (105, ua.Variant([1, 1 << 63], V.UInt64), BAD_OUT_OF_RANGE),
        (102, ua.Variant(1, V.Byte), BAD_TYPE_MISMATCH),
        (103, ua.Variant(b"x", V.ByteString), BAD_TYPE_MISMATCH),
        (104, ua.Variant([1.0, 2.0, 3.0], V.Double), BAD_TYPE_MISMATCH),
        (100, ua.Variant(None, V.Null), BAD_NO_DATA),
        (103, ua.Variant(None, V.String), BAD_NO_DATA),
        (100, None, BAD_NO_DATA),
    ],
)
def test_what_does_not_fit_has_a_status_and_no_value(
    number: int, variant: ua.Variant | None, status: int
) -> None:
    assert _one(number, variant) == (status, None)


def test_a_status_without_a_value_is_kept() -> None:
    assert _one(100, None, status=0x808C0000) == (0x808C0000, None)
    assert _one(100, ua.Variant("text", V.String), status=0x808C0000) == (0x808C0000, None)


def test_a_float_that_is_no_number_is_told_as_it_came() -> None:
    status, value = _one(100, ua.Variant(math.nan, V.Double))
    assert status == GOOD and math.isnan(value)


def test_the_overflow_bit_is_taken_out_of_the_status() -> None:
    data = struct.pack("<IBBdIq", 100, 0x07, 11, 2.0, 0x480, EPOCH_TICKS + 50_000)
    found = decode([_change([data] * 5)], EXPECTED, RECEIVED)
    assert found.overflowed.all() and (found.samples.status == GOOD).all()


def test_times_keep_100_ns_and_fall_back_to_server_and_receipt() -> None:
    exact = EPOCH_TICKS + 17_000_000_000_000_003
    parts = [
        struct.pack("<IBBdqq", 100, 0x0D, 11, 1.0, exact, 5),
        struct.pack("<IBBdqq", 100, 0x0D, 11, 1.0, 0, exact + 1),
        struct.pack("<IBBd", 100, 0x01, 11, 1.0),
    ]
    found = decode([_change(parts)], EXPECTED, RECEIVED)
    assert found.ticks.tolist() == [17_000_000_000_000_003, 17_000_000_000_000_004, RECEIVED]


def test_what_was_not_asked_for_is_counted() -> None:
    found = decode([_change([struct.pack("<IBBd", 9, 0x01, 11, 1.0)])], EXPECTED, RECEIVED)
    assert len(found.samples) == 0 and found.unknown == 1


def test_a_usual_run_is_one_view(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise AssertionError("an item was decoded by itself")

    monkeypatch.setattr(variants, "_single", fail)
    parts = [struct.pack("<IBBdIqq", 100, 0x0F, 11, float(i), 0, EPOCH_TICKS + i, 5)
             for i in range(1000)]  # fmt: skip
    found = decode([_change(parts)], EXPECTED, RECEIVED)
    assert found.samples.floats.tolist() == [float(i) for i in range(1000)]
    assert set(found.samples.type.tolist()) == {Type.FLOAT}


def test_a_publish_response_of_the_library_is_taken_apart() -> None:
    response = ua.PublishResponse()
    response.Parameters.SubscriptionId = 7
    response.Parameters.AvailableSequenceNumbers = [3, 4]
    item = ua.MonitoredItemNotification(ClientHandle=100, Value=ua.DataValue(ua.Variant(2.5)))
    change = ua.DataChangeNotification(MonitoredItems=[item])
    message = response.Parameters.NotificationMessage
    message.SequenceNumber, message.NotificationData = 4, [change]
    response.Parameters.Results = [ua.StatusCode(), ua.StatusCode(ua.StatusCodes.BadInternalError)]
    found = parse_publish(struct_to_binary(response))
    assert (found.subscription, found.sequence, found.refused) == (7, 4, 1)
    assert not found.is_keep_alive and found.status is None
    decoded = decode(found.changes, EXPECTED, RECEIVED)
    assert decoded.samples.row(0) == 2.5


@pytest.mark.parametrize("wrap", [str, ua.LocalizedText])
def test_a_text_that_is_not_utf_8_is_latin_1_and_costs_no_other_value(wrap: Any) -> None:
    changes = ua.DataChangeNotification()
    raw = b"M\xfcller".decode(errors="surrogateescape")  # as the library gives it
    for handle, value in ((100, 1.5), (103, wrap(raw)), (101, 7)):
        item = ua.MonitoredItemNotification()
        item.ClientHandle, item.Value = handle, ua.DataValue(ua.Variant(value))
        changes.MonitoredItems.append(item)
    body = struct_to_binary(changes)
    samples = decode([body], EXPECTED, RECEIVED).samples
    assert [samples.row(i) for i in range(3)] == [1.5, "Müller", 7]
