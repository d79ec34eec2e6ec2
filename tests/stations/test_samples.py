"""Samples: columns in, the same columns out, and no altered byte goes unnoticed."""

import math
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.declare import Type
from stations.samples import EMPTY, Corrupt, Samples, build, concat, encode

INT64 = st.integers(-(2**63), 2**63 - 1)
VALUES: dict[Type, st.SearchStrategy[Any]] = {
    Type.NONE: st.none(),
    Type.BOOL: st.booleans(),
    Type.INT: INT64,
    Type.FLOAT: st.floats(),
    Type.TEXT: st.text(max_size=20),
    Type.INTS: st.lists(INT64, max_size=5),
    Type.FLOATS: st.lists(st.floats(), max_size=5),
}
ROW = st.sampled_from(Type).flatmap(
    lambda kind: st.tuples(
        st.integers(0, 2**32 - 1), INT64, st.integers(0, 2**32 - 1), st.just(kind), VALUES[kind]
    )
)
ROWS = st.lists(ROW, max_size=12)

WHOLE = build(
    [
        (1, 1_700_000_000_000, 0, Type.FLOAT, 1.5),
        (2, 1_700_000_000_001, 0x8000_0000, Type.FLOAT, None),
        (3, 1_700_000_000_002, 0, Type.TEXT, "v-2026-000123"),
        (4, 1_700_000_000_003, 0, Type.FLOATS, [3.7, math.nan, -math.inf]),
        (5, 1_700_000_000_004, 0, Type.INT, -7),
    ]
)
BLOB = WHOLE.to_bytes()


def rows(samples: Samples) -> list[Any]:
    """What every row says, in a form in which NaN equals NaN."""
    return [
        (
            int(samples.tag[i]), int(samples.time[i]), int(samples.status[i]),
            int(samples.type[i]), repr(samples.row(i)),
        )
        for i in range(len(samples))
    ]  # fmt: skip


@given(ROWS)
def test_rows_come_back_from_columns(given_rows: list[Any]) -> None:
    samples = build(given_rows)
    assert len(samples) == len(given_rows)
    for index, (tag, time, status, kind, value) in enumerate(given_rows):
        assert (samples.tag[index], samples.time[index]) == (tag, time)
        assert (samples.status[index], samples.type[index]) == (status, kind)
        assert repr(samples.row(index)) == repr(value)


@given(ROWS)
def test_bytes_round_trip(given_rows: list[Any]) -> None:
    samples = build(given_rows)
    back = Samples.from_bytes(samples.to_bytes())
    assert rows(back) == rows(samples)
    assert back.to_bytes() == samples.to_bytes()


@given(st.lists(ROWS, max_size=4))
def test_concat_is_one_after_another(parts: list[list[Any]]) -> None:
    joined = concat([build(part) for part in parts])
    assert rows(joined) == rows(build([row for part in parts for row in part]))


@given(ROWS, st.data())
def test_slices_masks_and_indices_pick_rows(given_rows: list[Any], data: st.DataObject) -> None:
    samples, all_rows = build(given_rows), rows(build(given_rows))
    cut = data.draw(st.slices(len(given_rows)))
    assert rows(samples[cut]) == all_rows[cut]
    mask = data.draw(st.lists(st.booleans(), min_size=len(all_rows), max_size=len(all_rows)))
    kept = [row for row, keep in zip(all_rows, mask, strict=True) if keep]
    assert rows(samples[np.array(mask, bool)]) == kept
    order = np.array(data.draw(st.permutations(range(len(all_rows)))), np.intp)
    assert rows(samples[order]) == [all_rows[i] for i in order.tolist()]


@given(st.lists(ROWS, min_size=1, max_size=4), st.data())
def test_slices_can_be_joined_compacted_and_stored(
    parts: list[list[Any]], data: st.DataObject
) -> None:
    pieces = [build(part)[data.draw(st.slices(len(part)))] for part in parts]
    joined = concat(pieces)
    wanted = [row for piece in pieces for row in rows(piece)]
    assert rows(joined) == wanted
    small = joined.compact()
    assert rows(small) == wanted
    assert len(small.side) == int(joined.in_side.sum())
    assert rows(Samples.from_bytes(joined.to_bytes())) == wanted


def test_a_slice_stores_only_the_texts_that_it_uses() -> None:
    long = build([(1, 0, 0, Type.TEXT, "x" * 1000), (1, 1, 0, Type.TEXT, "y")])
    assert len(long[1:].to_bytes()) < 100


def test_every_changed_byte_is_detected() -> None:
    for position in range(len(BLOB)):
        for flip in range(1, 256):
            altered = bytearray(BLOB)
            altered[position] ^= flip
            with pytest.raises(Corrupt):
                Samples.from_bytes(bytes(altered))


def test_every_truncation_and_every_extra_byte_is_detected() -> None:
    for length in range(len(BLOB)):
        with pytest.raises(Corrupt):
            Samples.from_bytes(BLOB[:length])
        with pytest.raises(Corrupt):
            Samples.from_bytes(BLOB[length + 1 :])
    with pytest.raises(Corrupt):
        Samples.from_bytes(BLOB + b"\0")
    with pytest.raises(Corrupt):
        Samples.from_bytes(BLOB + BLOB)


@given(ROWS.filter(bool), st.data())
def test_any_altered_blob_is_detected(given_rows: list[Any], data: st.DataObject) -> None:
    blob = bytearray(build(given_rows).to_bytes())
    position = data.draw(st.integers(0, len(blob) - 1))
    blob[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Corrupt):
        Samples.from_bytes(bytes(blob))


def _sealed(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (struct.pack("<2sBxIII", b"RS", 2, 0, 0, 0), "version 1"),
        (struct.pack("<2sBxIII", b"XX", 1, 0, 0, 0), "version 1"),
        (struct.pack("<2sBxIII", b"RS", 1, 0, 2, 4) + b"\0" * 4, "shorter than its index"),
        (struct.pack("<2sBxIIII", b"RS", 1, 0, 1, 4, 9), "does not have the length"),
    ],
)
def test_a_sealed_blob_with_a_wrong_inside_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(Corrupt, match=problem):
        Samples.from_bytes(_sealed(body))


def test_the_views_of_the_value_column() -> None:
    assert WHOLE.floats[0] == 1.5 and WHOLE.ints[4] == -7
    assert WHOLE.in_side.tolist() == [False, False, True, True, False]
    assert len(EMPTY) == 0 and len(Samples.from_bytes(EMPTY.to_bytes())) == 0
    assert concat([]) is EMPTY and concat([WHOLE]) is WHOLE


@given(st.floats())
def test_a_float_keeps_its_bits(value: float) -> None:
    bits, entry = encode(Type.FLOAT, value)
    assert entry is None and struct.pack("<Q", bits) == struct.pack("<d", value)
