"""How many records still miss files, kept up to date beside a historian that has both."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from plant.ledger import Ledger, LedgerError
from plant.media.store import MediaStore, MediaStoreError
from plant.media.wanted import Counts, Wanted
from wire.metrics import Metrics

EVERY_S = 30.0

log = structlog.get_logger("media")


class _Ended(Exception):
    """Nobody wants to know any more."""


class Completeness:
    """Looks at ledger and media store every EVERY_S, on a thread of its own until `close`."""

    def __init__(self, folder: Path, store: MediaStore, ledger: Ledger) -> None:
        self.counts = Counts(0, 0, 0)
        self.trouble = ""
        self._folder, self._store, self._ledger = folder, store, ledger
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="media-records", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; a second time does nothing."""
        self._stopping.set()
        self._thread.join()

    def describe(self, metrics: Metrics) -> None:
        """Add what it knows to the metrics of its process."""
        add_metrics(metrics, lambda: self)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with Wanted(self._folder) as wanted:
                    wanted.refresh(self._ledger, self._store, self._go_on)
                    self.counts = wanted.counts()
            except _Ended:
                return
            except (sqlite3.Error, LedgerError, MediaStoreError, OSError) as error:
                if not self.trouble:
                    log.error("it is not known which records are complete", why=str(error))
                self.trouble = str(error)
            else:
                self.trouble = ""
            self._stopping.wait(EVERY_S)

    def _go_on(self, done: int, of: int) -> None:
        if self._stopping.is_set():
            raise _Ended


def add_metrics(metrics: Metrics, known: Callable[[], Completeness]) -> None:
    """The metrics of the records that have files; `known` is asked for when they are read."""
    metrics.gauge(
        "media_records", "Records of the ledger that name files", lambda: known().counts.records
    )
    metrics.gauge(
        "media_records_incomplete",
        "Those of them some of whose files are not there yet",
        lambda: known().counts.records - known().counts.complete,
    )
