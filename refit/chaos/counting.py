"""A plant whose machine is an OPC UA server that is not ours and whose tags count 1, 2, 3, ...

Its command gets --port --tags --hz --state. `go K` on the standard input lets every tag count K
further, `stop` ends that; the first 8 bytes of the state file are how many values it has written,
tag after tag. It has no log of what was acknowledged, and needs none: a number that is not in the
store must lie in a gap record.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from plant.stores.store import Store
from refit.accounts import EVER
from refit.chaos.account import SHOWN_MAX, Account
from refit.chaos.chaos_plant import MACHINES, ChaosPlant
from refit.chaos.ledgers import unsound, waiting_records
from refit.chaos.plant import READY_S
from refit.chaos.relay import Relay
from refit.chaos.small_site import COUNTING, TURNS_PER_S, Size, counts_csv
from refit.chaos.spans import Span, gaps
from refit.chaos.waiting import until
from refit.processes import listens

STATION = "machine-1"
FOREVER = 10_000_000


class CountingPlant(ChaosPlant):
    """As the other, with one station of `rate` values a second."""

    stations = COUNTING
    fast = {STATION: "t00000"}

    def __init__(
        self, folder: Path, seed: int, rate: float, command: str, *, store: str,
        broker: str, kernel: bool = False,
    ) -> None:  # fmt: skip
        self.names = [f"t{number:05}" for number in range(max(1, round(rate / TURNS_PER_S)))]
        self.command = command
        self._input: IO[bytes] | None = None
        super().__init__(folder, seed, Size(), store=store, broker=broker, kernel=kernel)

    def write_tags(self, size: Size) -> None:
        """One table."""
        (self.folder / "counts.csv").write_text(counts_csv(self.names))

    def machine_links(self) -> dict[str, Relay]:
        """One machine."""
        return {"press": self.relay(self.ports["press"])}

    @property
    def state(self) -> Path:
        """Where the machine says how many values it has written."""
        return self.folder / "machine.state"

    def start(self, *names: str) -> None:
        """Start processes; the machine goes on counting where it was."""
        for name in names:
            if name != MACHINES:
                super().start(name)
                continue
            has_counted = self.state.exists()
            settings = {
                "--port": self.ports["press"], "--tags": len(self.names), "--hz": TURNS_PER_S,
                "--state": self.state,
            }  # fmt: skip
            words = [
                *shlex.split(self.command),
                *(str(part) for p in settings.items() for part in p),
            ]
            with self.processes.log(name).open("ab") as log:
                machine = subprocess.Popen(
                    words, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
                )
            self.processes.children[name] = machine
            self._input = machine.stdin
            if has_counted:
                self._tell(f"go {FOREVER}")

    def _tell(self, line: str) -> None:
        assert self._input is not None
        with suppress(BrokenPipeError):
            self._input.write(f"{line}\n".encode())
            self._input.flush()

    def wait_for_machines(self) -> None:
        """Wait until the machine listens, and let it count."""
        port = self.ports["press"]
        self.processes.wait_for("the machine", lambda: listens(port), READY_S)

    def begin(self) -> None:
        """Start everything; the machine counts as soon as every tag is known."""
        super().begin()
        with self.store() as store:
            last = self.names[-1]
            until(lambda: len(store.range(STATION, last, 0, EVER)), "every tag is stored", READY_S)
        self._tell(f"go {FOREVER}")

    def stop_machines(self) -> None:
        """Let it count no further."""
        self._tell("stop")

    def account(self) -> Account:
        """Every number of every tag is in the store once, in order, or in a gap record."""
        written = int.from_bytes(self.state.read_bytes()[:8], "little")
        spans = [one for one in gaps(self.site) if one.station == STATION]
        found = Account(offered=written, gaps=len(spans))
        with self.store() as store:
            for place, name in enumerate(self.names):
                count = (written - place + len(self.names) - 1) // len(self.names)
                self._tag(found, store, name, count, spans)
        if waiting := waiting_records(self):
            found.problems.append(f"{len(waiting)} records are still in the outbox")
        found.problems += unsound(self)
        found.problems = found.problems[:SHOWN_MAX]
        return found

    def _tag(self, found: Account, store: Store, name: str, count: int, spans: list[Span]) -> None:
        samples = store.range(STATION, name, 0, EVER)
        good = samples.floats[samples.status == 0]
        times = samples.time[samples.status == 0]
        numbers, times = good[good > 0].astype(np.int64), times[good > 0]
        # A server that has started again, or to which we came back, says the last number once more.
        is_new = np.diff(numbers, prepend=0) != 0
        numbers, times = numbers[is_new], times[is_new]
        found.stored += len(numbers)
        doubled = len(numbers) - len(np.unique(numbers)) + int((np.diff(numbers) < 0).sum())
        strange = int((numbers > count).sum())
        found.duplicates += doubled + strange
        if doubled or strange:
            found.problems.append(
                f"{name}: {doubled} twice or in disorder, {strange} never written"
            )
        for first, last, from_ms, to_ms in holes(numbers, times, count):
            if is_told(spans, name, from_ms, to_ms):
                found.told += last - first + 1
            else:
                found.lost += last - first + 1
                found.problems.append(f"{name}: {first} to {last} are told nowhere")


def is_told(spans: Sequence[Span], name: str, from_ms: int, to_ms: int) -> bool:
    """Whether a gap record of this tag reaches between the two stored times around a hole.

    One that only ends or begins where the hole does says nothing about it.
    """
    return any(
        one.from_ms < to_ms and from_ms < one.to_ms and (not one.tags or name in one.tags)
        for one in spans
    )


def holes(
    numbers: NDArray[np.int64], times: NDArray[np.int64], count: int
) -> list[tuple[int, int, int, int]]:
    """The numbers from 1 to `count` that are missing: first, last, and the times around them."""
    at = np.concatenate([[0], numbers, [count + 1]])
    when = np.concatenate([[0], times, [EVER]])
    return [
        (int(at[place]) + 1, int(at[place + 1]) - 1, int(when[place]), int(when[place + 1]))
        for place in np.flatnonzero(np.diff(at) > 1)
    ]
