"""Times on a command line: what is understood, and what is said of what is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refit.times import NoTime, duration_ms, text_of, time_ms, zone_of

NOW_MS = 1_764_000_000_000
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "zone", "wanted"),
    [
        ("2026-11-01", "UTC", "2026-11-01T00:00:00.000Z"),
        ("2026-11-01", BERLIN, "2026-10-31T23:00:00.000Z"),
        ("2026-07-01T12:30", BERLIN, "2026-07-01T10:30:00.000Z"),
        ("2026-07-01 12:30:05.25", "UTC", "2026-07-01T12:30:05.250Z"),
        ("2026-11-01T12:00:00+01:00", BERLIN, "2026-11-01T11:00:00.000Z"),
        ("2026-11-01T12:00:00Z", BERLIN, "2026-11-01T12:00:00.000Z"),
        ("now", "UTC", text_of(NOW_MS)),
        ("-1h", "UTC", text_of(NOW_MS - 3_600_000)),
        ("-90 min", "UTC", text_of(NOW_MS - 5_400_000)),
        ("-1.5d", BERLIN, text_of(NOW_MS - 129_600_000)),
    ],
)
def test_a_time_is_understood(text: str, zone: str, wanted: str) -> None:
    assert text_of(time_ms(text, NOW_MS, zone_of(zone))) == wanted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("yesterday", "is no time"),
        ("2026-13-01", "is no time"),
        ("1h", "is no time"),
        ("-1y", "is no duration"),
        ("2026-03-29T02:30", "is left out"),
        ("2026-10-25T02:30", "is there twice"),
        ("", "is no time"),
    ],
)
def test_what_is_no_time_is_said(text: str, told: str) -> None:
    with pytest.raises(NoTime, match=told):
        time_ms(text, NOW_MS, zone_of(BERLIN))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("500ms", 500), ("30s", 30_000), ("1m", 60_000), ("1 min", 60_000), ("2w", 1_209_600_000)],
)
def test_durations(text: str, wanted: int) -> None:
    assert duration_ms(text) == wanted


@pytest.mark.parametrize("text", ["0s", "1.5ms", "5", "m", "1M", "-1s"])
def test_what_is_no_duration_is_said(text: str) -> None:
    with pytest.raises(NoTime):
        duration_ms(text)


def test_a_zone_that_is_none_is_said() -> None:
    for name in ("Europe/Berlim", "../etc/passwd", ""):
        with pytest.raises(NoTime, match="no time zone"):
            zone_of(name)


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_every_time_of_the_calendar_comes_back(moment: int) -> None:
    text = text_of(moment)
    assert text.endswith("Z") and len(text) == 24
    assert time_ms(text, NOW_MS) == moment


def test_beyond_the_calendar_is_a_number() -> None:
    assert text_of(1 << 60) == str(1 << 60)
    assert text_of(0) == datetime(1970, 1, 1, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
