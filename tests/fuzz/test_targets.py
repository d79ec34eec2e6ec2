"""Changed inputs of every decoder: a value or a refusal, in bounded memory, never anything else."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.cases import CASES
from tests.fuzz.targets import TARGETS, Target, target

MEMORY_MAX = 32 << 20  # bytes that a decoder may take for an input of at most INPUT_MAX
INPUT_MAX = 65_536
EACH = pytest.mark.parametrize("target", TARGETS, ids=lambda one: one.name)


@st.composite
def changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A seed with some bytes flipped, cut out, doubled, or put in; or bytes of no origin."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=300))
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["flip", "cut", "double", "put", "end"])):
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at : at + draw(st.integers(1, 16))]
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 64))]
            case "put":
                data[at:at] = draw(
                    st.binary(max_size=8) | st.sampled_from([b"\xff" * 4, b"\xff" * 8, b"\x7f" * 4])
                )
            case "end":
                del data[at:]
    return bytes(data)


@EACH
def test_every_seed_is_understood(target: Target) -> None:
    accepted = 0
    for data in target.seeds():
        try:
            target.run(data)
        except target.refusals:
            continue
        accepted += 1
    assert accepted, "no seed is a right input, so the fuzzing would begin outside"


@EACH
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_changed_bytes_are_a_value_or_a_refusal(target: Target, data: st.DataObject) -> None:
    target.try_out(data.draw(changed(target.seeds())))


@EACH
@pytest.mark.parametrize("filler", [b"\x00", b"\xff", b"[\x12"])
def test_a_long_input_takes_bounded_memory(target: Target, filler: bytes) -> None:
    longs = [(seed + filler * INPUT_MAX)[:INPUT_MAX] for seed in (b"", *target.seeds()[:2])]
    tracemalloc.start()
    try:
        for data in longs:
            tracemalloc.reset_peak()
            target.try_out(data)
            assert tracemalloc.get_traced_memory()[1] < MEMORY_MAX
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("case", CASES, ids=lambda one: one[2][:40])
def test_what_was_found_once_is_refused(case: tuple[str, str, str]) -> None:
    name, digits, _ = case
    tracemalloc.start()
    try:
        target(name).try_out(bytes.fromhex(digits))
        assert tracemalloc.get_traced_memory()[1] < MEMORY_MAX
    finally:
        tracemalloc.stop()
