"""What the demo makes of records that are new in its ledger: files under its folder.

`MAKERS` is the one place to add a kind. One thread of its own makes one file after the other, the
newest records first where there are too many; what cannot be made is told and left.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from plant.ledger import Entry, Ledger, LedgerError, open_ledger
from refit.demo_reports import inspection_report
from stations.records import Record
from wire.clock import SystemClock
from wire.site import Site

POLL_S = 0.5
WAITING_MAX = 16
"""Records that wait at most; of more the oldest are not made into files, which is told."""
ARRIVE_S = 120.0
"""For so long the files of a record are waited for."""
KEPT_MAX = 50
"""A demo may run for days: so many files of a kind are kept, the newest."""
TOLD_MAX = 5
STOP_S = 0.3

Progress = Callable[[int, int], None]
Make = Callable[[Site, Entry, Path, Progress], Path]
"""The site, a record, the folder of its kind, what is called now and then -> what to open."""


def vehicle_page(site: Site, entry: Entry, folder: Path, progress: Progress) -> Path:
    """The page of a vehicle that was in the studio."""
    from plant.pages.page import make_page
    from refit.studio.captures import opened
    from wire.texts import Texts

    with opened(entry.id, site.file) as capture:
        return make_page(capture, folder / (entry.visit or entry.id), Texts("en"), progress)


@dataclass(frozen=True, slots=True)
class Maker:
    """`name` is the folder and the key in JSON, `kind` that of the records, `what` for people."""

    name: str
    kind: str
    what: str
    make: Make


MAKERS = (
    Maker("pages", "studio.capture", "vehicle page", vehicle_page),
    Maker("reports", "inspection.report", "inspection report", inspection_report),
)


@dataclass(slots=True)
class _Job:
    maker: Maker
    entry: Entry
    until: float = field(default_factory=lambda: time.monotonic() + ARRIVE_S)


class _Stopped(Exception):
    pass


class DemoFiles:
    """Makes the files while the demo runs. `made` and `problems` may be read at any time."""

    def __init__(self, site: Site, folder: Path, makers: tuple[Maker, ...] = MAKERS) -> None:
        self._site, self._folder, self._makers = site, folder, makers
        self.made: dict[str, list[Path]] = {one.name: [] for one in makers}
        self.problems: deque[str] = deque(maxlen=TOLD_MAX)
        self._seen = dict.fromkeys(self.made, 0)
        self._waiting: deque[_Job] = deque()
        self._stopping, self._rounds = threading.Event(), 0
        self._thread = threading.Thread(target=self._run, name="demo files", daemon=True)

    def start(self) -> None:
        """Look at the ledger from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End: a file that is being made is not made. Who makes it may not look up for long."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def finish(self, seconds: float) -> None:
        """Wait until all that is in the ledger now is made, or so long."""
        deadline, whole = time.monotonic() + seconds, self._rounds + 2
        while self._waiting or self._rounds < whole:
            if time.monotonic() > deadline or not self._thread.is_alive():
                return
            time.sleep(POLL_S / 5)

    def told(self) -> Iterator[tuple[Maker, list[Path]]]:
        """What there is of each kind, the newest last."""
        for one in self._makers:
            yield one, list(self.made[one.name])

    def as_json(self) -> Mapping[str, list[str]]:
        """The paths of all that was made and is there."""
        return {maker.name: [str(path) for path in paths] for maker, paths in self.told()}

    def _run(self) -> None:
        ledger = None
        try:
            while not self._stopping.wait(POLL_S):
                if ledger is None:
                    with suppress(LedgerError):  # the historian has not made it yet
                        ledger = open_ledger(self._site.ledger, SystemClock(), create=False)
                        continue
                else:
                    self._look(ledger)
                    self._work()
                self._rounds += 1
        except _Stopped:
            return
        finally:
            if ledger is not None:
                ledger.close()

    def _look(self, ledger: Ledger) -> None:
        """Queue the new records, the oldest first."""
        for maker in self._makers:
            try:
                found = ledger.find(kind=maker.kind, limit=WAITING_MAX)
            except LedgerError as error:
                self.problems.append(f"{maker.what}: {error}")
                continue
            seen = self._seen[maker.name]
            fresh = [one for one in reversed(found) if one.number > seen and one.kind == maker.kind]
            self._waiting += [_Job(maker, one) for one in fresh]
            self._seen[maker.name] = max([seen, *(one.number for one in fresh)])
        while len(self._waiting) > WAITING_MAX:
            job = self._waiting.popleft()
            self.problems.append(f"no {job.maker.what} of {job.entry.id}: too many wait")

    def _work(self) -> None:
        """Make what can be made; what waits for its files is looked at again."""
        for _ in range(len(self._waiting)):
            job = self._waiting[0]
            is_over = self._tried(job)
            self._waiting.popleft()
            if not is_over and time.monotonic() < job.until:
                self._waiting.append(job)
            elif not is_over:
                self.problems.append(f"no {job.maker.what} of {job.entry.id}: its files are late")

    def _tried(self, job: _Job) -> bool:
        """False when its files are still on their way."""
        try:
            if not self._has_files(job.entry):
                return False
            self._make(job)
        except _Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - told; the demo and the next files go on
            self.problems.append(f"no {job.maker.what} of {job.entry.id}: {error}")
        return True

    def _has_files(self, entry: Entry) -> bool:
        """Whether the media store has every file of a record."""
        from plant.media.directory import DirectoryMedia

        record = Record.model_validate_json(entry.body)
        if not record.files:
            return True
        store = DirectoryMedia(self._site.media.folder, SystemClock())
        return all(store.head(one.sha256) is not None for one in record.files)

    def _make(self, job: _Job) -> None:
        def going_on(done: int, of: int) -> None:
            if self._stopping.is_set():
                raise _Stopped

        maker = job.maker
        path = maker.make(self._site, job.entry, self._folder / maker.name, going_on)
        made = self.made[maker.name]
        if path in made:
            made.remove(path)
        made.append(path)
        while len(made) > KEPT_MAX:
            _remove(made.pop(0))


def _remove(path: Path) -> None:
    """A file that was made, or the folder of a page."""
    import shutil

    if path.name == "index.html":
        shutil.rmtree(path.parent, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
