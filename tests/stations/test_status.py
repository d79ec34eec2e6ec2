"""StatusCodes: the severity decides what can be relied on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations import status


@pytest.mark.parametrize(
    ("code", "good", "bad", "quality"),
    [
        (status.GOOD, True, False, 192),
        (status.OVERFLOW, True, False, 192),
        (status.UNCERTAIN, False, False, 500),
        (status.UNCERTAIN_LAST_USABLE_VALUE, False, False, 500),
        (status.BAD, False, True, 0),
        (status.BAD_NO_COMMUNICATION, False, True, 0),
        (0xC000_0000, False, True, 0),
    ],
)
def test_severities(code: int, good: bool, bad: bool, quality: int) -> None:
    assert (status.is_good(code), status.is_bad(code), status.quality(code)) == (good, bad, quality)


@given(st.integers(0, 2**32 - 1))
def test_a_code_is_never_good_and_bad(code: int) -> None:
    assert not (status.is_good(code) and status.is_bad(code))
    assert status.quality(code) == (
        192 if status.is_good(code) else 0 if status.is_bad(code) else 500
    )


def test_every_bad_code_is_bad_and_unlike_the_others() -> None:
    codes = {name: code for name, code in vars(status).items() if name.startswith("BAD")}
    assert all(status.is_bad(code) for code in codes.values())
    assert len(set(codes.values())) == len(codes)
