"""How soon an agent's first value leaves, and how much memory it takes when little happens."""

from __future__ import annotations

import threading
import time
from typing import Any

from benchmarks import usage
from benchmarks.figure import Context, Figure, medians
from benchmarks.generator import Generator
from benchmarks.machine import load_average, wait_until_quiet
from benchmarks.road import AGENT, STATION, Road
from wire import topics
from wire.mqtt import Message, Session
from wire.topics import Verb

TAGS = (100, 1_000)
IDLE_S = 10.0
SHORT_IDLE_S = 2.0
FIRST_S = 60.0


class Listener:
    """Notes when the agent's birth and its first value come out of the broker."""

    def __init__(self, road: Road) -> None:
        self.born_at = self.first_at = 0.0
        self.ready, self.first = threading.Event(), threading.Event()
        self._data = topics.device("bench", Verb.DDATA, AGENT, STATION)
        self._birth = topics.node("bench", Verb.NBIRTH, AGENT)
        self.session = Session(
            road.site.broker, "bench-listener", on_connect=self.ready.set,
            on_message=self._message, subscriptions=[(topics.EVERYTHING, 0)],
        )  # fmt: skip

    def _message(self, message: Message) -> None:
        now = time.monotonic()
        if message.topic == self._birth and not self.born_at:
            self.born_at = now
        elif message.topic == self._data and not self.first_at:
            self.first_at = now
            self.first.set()


def measure(context: Context) -> dict[str, Any]:
    """Agents of two sizes, each started `repeats` times."""
    result = []
    for tags in TAGS:
        runs = []
        for number in range(1, context.repeats + 1):
            context.say(f"an agent with {tags:,} tags, {number} of {context.repeats}")
            runs.append(_one(context, tags))
            context.say(
                f"    first value after {runs[-1]['first_value_s']} s, idle {runs[-1]['idle_mib']}"
                " MiB"
            )
        result.append({"tags": tags, "median": medians(runs), "runs": runs})
    return {"settings": context.settings, "ours": result}


def _one(context: Context, tags: int) -> dict[str, Any]:
    folder = context.trial("agent")
    with Generator(folder, tags, 1.0) as machine, Road(folder, machine) as road:
        road.start_plant()
        listener = Listener(road)
        listener.session.start()
        try:
            if not listener.ready.wait(FIRST_S):
                raise TimeoutError(f"the broker did not answer; see {folder}")
            others, average = wait_until_quiet(context.patience_s), load_average()
            began = time.monotonic()
            road.start_agent()
            if not listener.first.wait(FIRST_S):
                raise TimeoutError(f"no value left the agent; see {folder}")
        finally:
            listener.session.disconnect()
        agent = road.children.pids["agent"]
        cpu_s = usage.cpu_s(agent)
        time.sleep(SHORT_IDLE_S if context.short else IDLE_S)
        idle_cpu_s = usage.cpu_s(agent) - cpu_s
        return {
            "born_s": round(listener.born_at - began, 2),
            "first_value_s": round(listener.first_at - began, 2),
            "cpu_to_first_value_s": round(cpu_s, 2),
            "idle_mib": round(usage.memory_mib(agent), 1),
            "idle_cores": round(idle_cpu_s / (SHORT_IDLE_S if context.short else IDLE_S), 4),
            "cores_of_others_before": others,
            "load_average_before": average,
        }


FIGURE = Figure("agent", "start-up until the first value leaves, and memory when idle", measure)
