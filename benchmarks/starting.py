"""How long nobody listens when an agent is killed and started again at once.

Against a machine that keeps nothing for it, all that is offered meanwhile is missing: from the
SIGKILL to the answer that the items are monitored, seen on the wire between agent and machine.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.figure import Context, Figure
from benchmarks.generator import Generator, name
from benchmarks.machine import load_average, wait_until_quiet
from benchmarks.road import Road
from refit.chaos.relay import Link, Relay

TAGS, HZ = 100, 10.0
STARTS, SHORT_STARTS = 20, 2
FIRST_S = 60.0
RUNS_S = 1.0  # between two kills
# Ids of the encodings of answers (OPC 10000-6, 5.2.2.9 and the table of NodeIds).
STEPS = {"session": 464, "subscription": 790, "monitored": 754}


@dataclass(slots=True)
class Seen:
    """When the machine answered what, in monotonic seconds, since `clear`."""

    at: dict[str, float] = field(default_factory=dict)
    is_monitored: threading.Event = field(default_factory=threading.Event)

    def clear(self) -> None:
        """Another agent begins."""
        self.at.clear()
        self.is_monitored.clear()

    def note(self, data: bytes) -> None:
        """Look at what the machine says: a four-byte NodeId of namespace 0 names the answer."""
        for step, number in STEPS.items():
            if b"\x01\x00" + number.to_bytes(2, "little") in data[24:]:
                self.at.setdefault(step, time.monotonic())
        if "monitored" in self.at:
            self.is_monitored.set()


class Tap(Relay):
    """Passes everything on and notes what the machine answers."""

    def __init__(self, behind: int, seen: Seen) -> None:
        self.seen = seen
        super().__init__(behind)

    def change(self, link: Link, to_server: bool, data: bytes) -> bytes:
        """Nothing of it."""
        if not to_server:
            self.seen.note(data)
        return data


def measure(context: Context) -> dict[str, Any]:
    """An agent of 1,000 values a second, killed and started again many times."""
    folder, seen = context.trial("start"), Seen()
    with Generator(folder, TAGS, HZ) as machine:
        tap = Tap(machine.port, seen)
        machine.url = f"opc.tcp://127.0.0.1:{tap.port}"
        try:
            with Road(folder, machine) as road:
                road.start()
                machine.go(1_000_000)
                result = _starts(context, road, seen)
        finally:
            tap.close()
    return {"settings": context.settings | {"tags": TAGS, "hz": HZ, "generator": name()}} | result


def _starts(context: Context, road: Road, seen: Seen) -> dict[str, Any]:
    others, average = wait_until_quiet(context.patience_s), load_average()
    runs: list[dict[str, float]] = []
    for number in range(SHORT_STARTS if context.short else STARTS):
        time.sleep(RUNS_S)
        agent = road.children.children.pop("agent")
        agent.kill()
        agent.wait()
        seen.clear()
        began = time.monotonic()
        road.start_agent()
        if not seen.is_monitored.wait(FIRST_S):
            raise TimeoutError(f"nothing was subscribed in {FIRST_S:.0f} s; see {road.folder}")
        runs.append({step: round(seen.at[step] - began, 3) for step in STEPS})
        context.say(f"    start {number + 1}: listens after {runs[-1]['monitored']} s")
    summary = {
        step: {
            "p50": sorted(run[step] for run in runs)[len(runs) // 2],
            "max": max(run[step] for run in runs),
        }
        for step in STEPS
    }
    return {
        "starts": summary, "runs": runs, "cores_of_others_before": others,
        "load_average_after": load_average(), "load_average_at_first": average,
    }  # fmt: skip


FIGURE = Figure("start", "how long nobody listens when an agent is killed and restarted", measure)
