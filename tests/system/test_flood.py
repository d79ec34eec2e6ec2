"""One agent that goes wild costs the others nothing: they are stored, and in time.

A flood is what a broken or hostile station PC can send that the broker lets through. How late the
others become is printed; docs/explanations/security.md says what it was.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from refit.chaos.plant import SmallPlant, newest
from refit.chaos.reckoning import reckon
from stations.samples import EMPTY
from tests.servers import until
from tests.sparkplug.plant import HEALTH, TABLE_1, angles, sent
from wire import topics
from wire.sparkplug.edge_node import EdgeNode
from wire.sparkplug.effects import Publish
from wire.topics import Verb

pytestmark = [pytest.mark.system, pytest.mark.alone, pytest.mark.timeout(300)]
FLOOD_S = 4.0
LATE_MAX_S = 15.0  # far above what was measured, far below what a blocked historian would give
SITE = "small"
Messages = Iterator[list[Publish]]


def wild(name: str) -> EdgeNode:
    """An edge node of the site that the site file does not know."""
    return EdgeNode(SITE, name, f"outbox-{name}", [TABLE_1], last=lambda _: EMPTY, health=HEALTH)


def now_ms() -> int:
    return round(time.time() * 1000)


def much_data() -> Messages:
    """A hundred times the share: batches of 100 samples, as fast as the broker takes them."""
    node = wild("pc-much")
    yield sent(node.connected(now_ms(), 1))
    for position in itertools.count(1):
        values = angles(*map(float, range(100)), start_ms=now_ms() - 1_000)
        yield sent(node.live("table-1", values, position, now_ms()))


def births_in_a_loop() -> Messages:
    """A new session with births, again and again."""
    node = wild("pc-loop")
    for number in itertools.count(1):
        yield sent(node.connected(now_ms(), number % 256))


def never_born() -> Messages:
    """Data of 300 edge nodes that were never born: each would be asked for its births."""
    nodes = [wild(f"pc-{number}") for number in range(300)]
    for node in nodes:
        node.connected(now_ms(), 1)
    for position in itertools.count(1):
        for node in nodes:
            yield sent(node.live("table-1", angles(1.0), position, now_ms()))


def unknown_topics() -> Messages:
    """1,000 topics that mean nothing, with bytes that mean nothing."""
    for number in itertools.count():
        topic = topics.node(SITE, Verb.NDATA, f"nobody-{number % 1_000}")
        yield [
            Publish(topic, b"\xff" * 200),
            Publish(f"spBv1.0/{SITE}/WHAT/{number % 1_000}", b"?"),
        ]


FLOODS: dict[str, Callable[[], Messages]] = {
    "a hundred times its share": much_data,
    "births in a loop": births_in_a_loop,
    "data of 300 that were never born": never_born,
    "1,000 unknown topics": unknown_topics,
}


@contextmanager
def flooding(port: int, messages: Messages) -> Iterator[list[int]]:
    """Publish from a thread until left; how many messages the broker was given."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="wild")
    client.connect("127.0.0.1", port)
    client.loop_start()
    ended, count = threading.Event(), [0]

    def run() -> None:
        for some in messages:
            for one in some:
                handed = client.publish(one.topic, one.payload)
                count[0] += 1
                if count[0] % 500 == 0:
                    handed.wait_for_publish(10.0)  # the flood is the broker's, not a queue of ours
            if ended.is_set():
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield count
    finally:
        ended.set()
        thread.join()
        client.disconnect()
        client.loop_stop()


def late_s(plant: SmallPlant) -> float:
    """How old the newest stored value of the press is."""
    return (now_ms() - newest(plant.site.store.path, "press-1", "force_01")) / 1000


def watched(plant: SmallPlant, seconds: float) -> list[float]:
    """How late the others were, looked at all the time."""
    found: list[float] = []
    until_s = time.monotonic() + seconds

    def over() -> bool:
        found.append(late_s(plant))
        return time.monotonic() > until_s

    until(over, "the flood is over", seconds + 60)
    return found


def test_the_others_are_stored_in_time(tmp_path: Path) -> None:
    with SmallPlant(tmp_path, seed=1) as plant:
        calm = watched(plant, FLOOD_S)
        print(f"without a flood: {max(calm):.1f} s late at most")
        for name, make in FLOODS.items():
            with flooding(plant.ports["broker"], make()) as count:
                found = watched(plant, FLOOD_S)
            print(f"{name}: {count[0]} messages, {max(found):.1f} s late at most")
            assert count[0] > 1_000, "it was a flood"
            assert max(found) < LATE_MAX_S, name
            assert plant.health("historian") is not None, "it answers"
            plant.wait_for_values()
        plant.drain()
        plant.end()
        with plant.store() as store:
            reckoned = reckon(plant.site, plant.truth, store)
        assert (reckoned.lost, reckoned.duplicates, reckoned.told) == (0, 0, 0), reckoned.examples
