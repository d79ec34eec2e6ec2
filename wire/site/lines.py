"""The lines of a site: their takt, and when they are planned to work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from wire.site.connections import Part
from wire.site.problems import Wrong
from wire.site.values import DurationMs, Name

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MIN = 24 * 60
MOMENT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")
Interval = tuple[int, int]


def minutes(text: str) -> int:
    """Minutes since midnight of `06:00`; Wrong when it is no time of day."""
    match = MOMENT.match(text)
    if match is None:
        raise Wrong(f'"{text}" is no time of day', 'write it like "06:00", from 00:00 to 23:59')
    return 60 * int(match[1]) + int(match[2])


def zone_of(name: str) -> tzinfo:
    """The time zone of this name in the IANA database."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _moment(text: str) -> str:
    minutes(text)
    return text


def _span(text: str) -> str:
    begin, dash, end = text.partition("-")
    if not dash:
        raise Wrong(f'"{text}" is no time from and to', 'write it like "09:00-09:15"')
    if minutes(begin) == minutes(end):
        raise Wrong(f'"{text}" is no time at all', 'write it like "09:00-09:15"')
    return text


def _zone(text: str) -> str:
    try:
        zone_of(text)
    except (LookupError, ValueError, OSError) as error:
        hint = 'write a name of the IANA database, such as "Europe/Paris" or "UTC"'
        raise Wrong(f'"{text}" is no time zone that is known here', hint) from error
    return text


Moment = Annotated[str, AfterValidator(_moment)]
Span = Annotated[str, AfterValidator(_span)]
Zone = Annotated[str, AfterValidator(_zone)]


class ShiftConfig(Part):
    """A team's time on a line; past midnight where it ends before it begins."""

    name: str = Field(default="", description="what the shift is called")
    days: tuple[Day, ...] = Field(
        default=DAYS, strict=False, description='days on which it begins, such as ["mon", "tue"]'
    )
    begin: Moment = Field(description='when it begins, in the time zone of its line: "06:00"')
    end: Moment = Field(description='when it ends: "14:00"')
    breaks: tuple[Span, ...] = Field(
        default=(), strict=False, description='what is not worked of it, such as ["09:00-09:15"]'
    )

    @model_validator(mode="after")
    def _fits(self) -> ShiftConfig:
        if minutes(self.begin) == minutes(self.end):
            raise Wrong(
                f"begins and ends at {self.begin}", "leave all shifts out for a day of 24 h"
            )
        for text in self.breaks:
            begin, end = self._within(text)
            if not begin < end <= self._length():
                hint = "a break lies within its shift"
                raise Wrong(f"the break {text} is not in {self.begin}-{self.end}", hint)
        return self

    def parts(self) -> list[Interval]:
        """What is worked of it: minutes from and to since its beginning, in order."""
        parts, since = [], 0
        for begin, end in sorted(map(self._within, self.breaks)):
            parts.append((since, begin))
            since = max(since, end)
        return [(one, other) for one, other in (*parts, (since, self._length())) if one < other]

    def _length(self) -> int:
        return (minutes(self.end) - minutes(self.begin)) % DAY_MIN

    def _within(self, text: str) -> Interval:
        begin, _, end = text.partition("-")
        start = minutes(self.begin)
        return (minutes(begin) - start) % DAY_MIN, (minutes(end) - start) % DAY_MIN


class LineConfig(Part):
    """A production line: how fast it is to be, and when it is planned to work."""

    name: Name = Field(description="name of the line, as the stations say it")
    takt_ms: DurationMs | None = Field(
        default=None,
        validation_alias="takt",
        description='planned time from vehicle to vehicle at its end, such as "6 min"',
    )
    bottleneck: str = Field(
        default="",
        description="station whose OEE is that of the line; by default the one planned slowest",
    )
    zone: Zone = Field(default="UTC", description="time zone of its shifts")
    shift: tuple[ShiftConfig, ...] = Field(
        default=(), strict=False, description="its shifts; without any it is planned all the time"
    )

    def busy(self, start_ms: int, end_ms: int) -> list[Interval]:
        """Planned busy time (ISO 22400-2 PBT) in UTC ms: disjoint, in order, within the window."""
        if not self.shift:
            return [(start_ms, end_ms)] if start_ms < end_ms else []
        found: list[Interval] = []
        for begin, end in sorted(self._shifts(start_ms, end_ms)):
            begin, end = max(begin, start_ms), min(end, end_ms)
            if found and begin <= found[-1][1]:
                found[-1] = (found[-1][0], max(found[-1][1], end))
            elif begin < end:
                found.append((begin, end))
        return found

    def _shifts(self, start_ms: int, end_ms: int) -> Iterator[Interval]:
        zone = zone_of(self.zone)
        day = datetime.fromtimestamp(start_ms / 1000, zone).date() - timedelta(days=1)
        last = datetime.fromtimestamp(end_ms / 1000, zone).date()
        while day <= last:
            for shift in self.shift:
                if DAYS[day.weekday()] in shift.days:
                    start = minutes(shift.begin)
                    for begin, end in shift.parts():
                        yield _utc(day, start + begin, zone), _utc(day, start + end, zone)
            day += timedelta(days=1)


def _utc(day: date, minute: int, zone: tzinfo) -> int:
    """UTC ms of a time of day as the clock on the wall says it, also over a change of the clock."""
    local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minute)
    return round(local.astimezone(UTC).timestamp()) * 1000
