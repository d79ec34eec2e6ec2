"""Records that the agent itself makes: what may be missing, and clocks that jumped."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from stations.records import Draft

TIME_MS_MAX = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z


def rfc3339(time_ms: int) -> str:
    """UTC milliseconds as RFC 3339 text with three decimals and Z.

    A machine may say any time: one outside the years 1970 to 9999 is clamped.
    """
    time_ms = min(max(time_ms, 0), TIME_MS_MAX)
    moment = datetime.fromtimestamp(time_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


class Gap(BaseModel):
    """Samples that may be missing: of which tags ([] = all of the station), when, how many, why.

    `began` is the last time that is known before, `ended` the first after; `count` is None where
    nobody told how many there were.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    connection: str | None
    tags: list[str]
    began: str
    ended: str
    count: int | None
    reason: str

    def draft(self, time_ms: int) -> Draft:
        """The gap as a record at the time at which it was known to have ended."""
        return Draft(kind="gap", time_ms=time_ms, data=self.model_dump())


class ClockStep(BaseModel):
    """A source clock that went back (or says what cannot be): receive times stand in, Uncertain."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    connection: str | None
    tags: list[str]
    by_ms: int

    def draft(self, time_ms: int) -> Draft:
        """The step as a record at the receive time at which it was seen."""
        return Draft(kind="clock_step", time_ms=time_ms, data=self.model_dump())


class FileLost(BaseModel):
    """A file of a record that never reached the media store: the agent's copy is gone or changed.

    `record` is the id of the record that names it; it will never be complete.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    record: str
    name: str
    sha256: str
    bytes: int
    reason: str

    def draft(self, time_ms: int) -> Draft:
        """The loss as a record at the time at which it was found."""
        return Draft(kind="file_lost", time_ms=time_ms, data=self.model_dump())


class RecordTooLong(BaseModel):
    """Stands for a record that was longer than any ledger takes; what it said is lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: str
    version: int
    bytes: int
    bytes_max: int

    def draft(self, time_ms: int, visit: str | None = None) -> Draft:
        """What is kept in its place, at its time and of its visit."""
        return Draft(kind="record_too_long", time_ms=time_ms, visit=visit, data=self.model_dump())
