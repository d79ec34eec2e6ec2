"""The chain over the entries, and where its head is kept a second time.

The hash of an entry is SHA-256 over the hash of the entry before it, its number, the time at which
it was recorded and the canonical bytes of its record. Whoever can write the database can cut off
its tail without breaking that chain; so number and hash of the last entry are also kept in a file
beside it (or elsewhere: `head`), written after each commit. Against somebody who can write both
helps only a copy of the head in a third place: `refit ledger verify` prints it for that purpose.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from plant.ledger.facts import LedgerDamaged, LedgerUnavailable
from wire.disk import made_durably, sync_folder


def beginning(ledger: str) -> bytes:
    """The hash before the first entry; `ledger` is the identity of the ledger."""
    return hashlib.sha256(b"refit ledger " + ledger.encode()).digest()


def link(previous: bytes, number: int, recorded_ms: int, body: bytes) -> bytes:
    """The hash of an entry: SHA-256 of previous hash, number, time (8 bytes each), body."""
    signed = previous + number.to_bytes(8) + recorded_ms.to_bytes(8, signed=True) + body
    return hashlib.sha256(signed).digest()


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a ledger: its number (0: there is none) and its hash."""

    ledger: str
    number: int
    hash: bytes


class HeadFile:
    """The head of a chain in a file of its own, replaced as a whole and on disk on return."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Head | None:
        """What the file says; None when there is none. LedgerDamaged when it cannot be read."""
        try:
            said = orjson.loads(self.path.read_bytes())
            return Head(str(said["ledger"]), int(said["number"]), bytes.fromhex(said["hash"]))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LedgerUnavailable(f"{self.path}: {error}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerDamaged(f"{self.path} is no head of a ledger: {error}") from error

    def advance(self, head: Head) -> None:
        """Replace what the file says, unless another process has written a later entry since."""
        with self._alone():
            there = self.read()
            if there is None or there.ledger != head.ledger or there.number < head.number:
                self._write(head)

    def write(self, head: Head) -> None:
        """Replace what the file says, whatever it says."""
        with self._alone():
            self._write(head)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time, by a lock on the folder: the file itself is replaced."""
        try:
            made_durably(self.path.parent)
            folder = os.open(self.path.parent, os.O_RDONLY)
        except OSError as error:
            raise LedgerUnavailable(f"{self.path}: {error}") from error
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _write(self, head: Head) -> None:
        said = {"ledger": head.ledger, "number": head.number, "hash": head.hash.hex()}
        fresh = self.path.with_name(self.path.name + ".new")
        try:
            with fresh.open("wb") as file:
                file.write(orjson.dumps(said) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
            sync_folder(self.path.parent)
        except OSError as error:
            raise LedgerUnavailable(f"{self.path}: {error}") from error
