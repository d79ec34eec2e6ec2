"""Times as people write them on a command line, and as files hold them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UNITS_MS = {
    "ms": 1, "s": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000,
    "w": 604_800_000,
}  # fmt: skip
AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)\Z")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HINT = (
    'write "2026-11-01", "2026-11-01T12:30", "2026-11-01T12:30:00+01:00", "now", '
    'or how long ago, such as "-90m" or "-7d"'
)


class NoTime(ValueError):
    """A text that is no time or no duration, with what would be right."""


def text_of(time_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds; a number where the calendar ends."""
    try:
        moment = EPOCH + timedelta(milliseconds=time_ms)
    except OverflowError:
        return str(time_ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.").rjust(20, "0") + f"{time_ms % 1000:03}Z"


def duration_ms(text: str) -> int:
    """Milliseconds of `500ms`, `30s`, `1m` or `1 min`, `2h`, `1d` or `1w`; NoTime otherwise."""
    match = AMOUNT.match(text.strip())
    if match is None or match[2] not in UNITS_MS:
        raise NoTime(f'"{text}" is no duration: write it like "30s", "1m", "2h" or "1d"')
    amount = float(match[1]) * UNITS_MS[match[2]]
    if amount < 1 or amount != int(amount):
        raise NoTime(f'"{text}" is not a whole number of milliseconds of at least 1')
    return int(amount)


def time_ms(text: str, now_ms: int, zone: tzinfo = UTC) -> int:
    """UTC milliseconds of a time: ISO 8601, "now", or how long ago; NoTime otherwise.

    A time without an offset is one of `zone`, where it must be there once: not in the hour that a
    change of clocks leaves out or repeats.
    """
    text = text.strip()
    if text == "now":
        return now_ms
    if text.startswith("-"):
        return now_ms - duration_ms(text[1:])
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise NoTime(f'"{text}" is no time: {HINT}') from error
    if found.tzinfo is None:
        found = _placed(found, text, zone)
    return (found - EPOCH) // timedelta(milliseconds=1)


def _placed(found: datetime, text: str, zone: tzinfo) -> datetime:
    first, second = (found.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    # A clock that was put forward leaves an hour out: the way through UTC does not come back.
    is_there = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == found
    what = "is there twice" if is_there else "is left out"
    raise NoTime(f'"{text}" {what} when clocks change in {zone}: write it with its offset')


def zone_of(name: str) -> tzinfo:
    """A time zone by its name, such as Europe/Berlin; NoTime when there is none."""
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise NoTime(
            f'no time zone "{name}": write one such as "Europe/Berlin" or "UTC"'
        ) from error
