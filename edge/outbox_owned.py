"""The file of the outbox while it is ours: opened, watched, and made anew when it is not sound.

A file that was deleted or replaced behind our back is still held open: all of it goes into a new
one, and nothing is lost. From one that is damaged goes what can be read; the rest is noted as lost.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from edge.outbox_damage import Tail, note_lost
from edge.outbox_file import Lost, OutboxDamaged, open_file, refused
from edge.outbox_place import Place, copied, finish, put_in_place
from edge.outbox_salvage import Salvaged, salvage

Told = Callable[[Sequence[Lost]], Sequence[tuple[str, bytes]]]


@dataclass(frozen=True, slots=True)
class Mended:
    """The file of the outbox was made anew: why, where the other lies, what is lost with it."""

    why: str
    aside: Path | None
    salvaged: Salvaged | None


class OwnedFile:
    """The connection to the file. Whoever inherits reads in `_begin` what it has to know of it."""

    id: str
    _position: int

    def __init__(self, path: Path) -> None:
        self.path = path
        # Makes the gap records of what is lost; they are kept in the transaction that loses it.
        self.tell: Told = lambda lost: ()
        self.suspect = ""  # what SQLite said of the file, until somebody has looked after it
        self._open()

    @classmethod
    def opened(cls, path: Path, now_ms: int, **bounds: Any) -> tuple[Self, Mended | None]:
        """The outbox; one that is damaged is put aside, and what can be read of it is in a new one.

        OutboxError for one that this program must not or cannot use.
        """
        try:
            return cls(path, **bounds), None
        except OutboxDamaged as error:
            mended = _salvaged(path, str(error), now_ms, 0)
            return cls(path, **bounds), mended

    def _open(self) -> None:
        path = self.path
        finish(path)
        tail = Tail(path)
        self._db = open_file(path, tail.look)
        try:
            self._begin()
            if tail.lost is not None:
                self._lose_tail(tail.lost)
        except sqlite3.Error as error:
            self._db.close()
            raise refused(path, error) from error
        except OutboxDamaged:
            self._db.close()
            raise
        self._place, self.suspect = Place(path), ""

    def _begin(self) -> None:
        raise NotImplementedError

    def look_after(self, now_ms: int) -> Mended | None:
        """Make the file anew where another lies in its place, or none, or where it is damaged.

        What the open handle holds, or what can be read, is in the new one. What was done, or None.
        OSError, sqlite3.Error or OutboxError when it cannot be done now.
        """
        old, why = self._db, self._place.moved()
        if self.suspect:
            mended = _salvaged(self.path, self.suspect, now_ms, self._position)
        elif why:
            aside = put_in_place(self.path, partial(copied, old), now_ms)
            mended = Mended(why, aside, None)
        else:
            return None
        try:
            self._open()
        except BaseException as error:
            # Nothing is taken until it is opened: a commit into the old file would be nowhere.
            self._db.close()
            self.suspect = self.suspect or f"{self.path} could not be opened again ({error})"
            raise
        finally:
            old.close()
        return mended

    def renew(self) -> str:
        """Take another id, durably: this file is an older copy of what the historian knows."""
        with self._db:
            return self._renew()

    def _renew(self) -> str:
        self.id = uuid.uuid4().hex
        self._db.execute("UPDATE meta SET value = ? WHERE name = 'id'", (self.id,))
        return self.id

    def _lose_tail(self, lost: Lost) -> None:
        """Commits are gone whose positions the historian may know: another id counts anew."""
        with self._db:
            note_lost(self._db, [lost])
            self._renew()


def _salvaged(path: Path, why: str, now_ms: int, highest: int) -> Mended:
    found: list[Salvaged] = []
    make = lambda part: found.append(salvage(path, part, now_ms, highest))  # noqa: E731
    aside = put_in_place(path, make, now_ms)
    return Mended(why, aside, found[0])
