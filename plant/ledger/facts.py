"""What the ledger gives and takes, and the ways in which it can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class LedgerError(Exception):
    """The ledger cannot do what was asked; the message says why."""


class LedgerUnavailable(LedgerError):
    """Not now: the disk is full, the database is locked or away. Asking again may help."""


class LedgerUnusable(LedgerError):
    """Not with this program: no ledger, or one of a newer version."""


class LedgerDamaged(LedgerError):
    """Entries that were there are not there any more, or not as they were."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as the ledger has it. `body` are the canonical bytes of the record."""

    number: int
    id: str
    kind: str
    site: str
    line: str
    station: str
    visit: str | None
    time: str
    recorded_ms: int
    body: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of each record of a batch: taken now, known from before, or refused and why."""

    taken: tuple[str, ...]
    known: tuple[str, ...]
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Bytes that did not become an entry; `count` says how often they came.

    `id` may be empty, and `body` may be only the first of `size` bytes.
    """

    id: str
    why: str
    agent: str
    first_ms: int
    last_ms: int
    count: int
    size: int
    body: bytes
