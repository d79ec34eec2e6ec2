"""Faults of the historian, its store, its ledger, and the broker."""

from __future__ import annotations

import asyncio

from edge.sources.source import TICKS_PER_MS
from plant.ledger import LedgerUnavailable
from plant.stores.store import StoreUnavailable
from tests.world.kinds import KINDS, Begin, Kind, Mend, Now, fault
from tests.world.small import SmallWorld
from tests.world.small_site import AGENT
from wire import topics
from wire.mqtt import Message
from wire.sparkplug import commands

STORM = 40


class Dies(asyncio.CancelledError):
    """The historian is dead: nothing may catch this as if it were an error."""


@fault("step of the historian")
def historian_killed(now: Now) -> None:
    now.world.die(now.world.historian, now.away_s())


@fault("write", "append", "appended", "letters")
def historian_killed_around_a_write(now: Now) -> None:
    now.world.die(now.world.historian, now.away_s())
    raise Dies


@fault("write")
def historian_killed_after_a_write(now: Now) -> None:
    def dies() -> None:
        now.world.die(now.world.historian, now.away_s())
        raise Dies

    now.world.store.after = dies


@fault("write")
def store_gone(now: Now) -> Mend:
    store = now.world.store
    store.is_gone = True
    return lambda: vars(store).update(is_gone=False)


@fault("write")
def store_refuses_everything(now: Now) -> Mend:
    store = now.world.store
    store.refuses_all = True
    return lambda: vars(store).update(refuses_all=False)


@fault("write")
def store_slow(now: Now) -> Mend:
    store = now.world.store
    store.slow_s = now.rng.choice((0.5, 2.0, 7.0))
    return lambda: vars(store).update(slow_s=0.0)


def _refuses(most: int) -> Begin:
    def begin(now: Now) -> Mend:
        store = now.world.store
        store.refuse = lambda points: min(most, len(points.samples))
        return lambda: vars(store).update(refuse=lambda points: 0)

    return begin


KINDS["store refuses a line"] = Kind("store refuses a line", ("write",), _refuses(1))
KINDS["store refuses a batch"] = Kind("store refuses a batch", ("write",), _refuses(1 << 20))


@fault("write")
def store_writes_and_does_not_answer(now: Now) -> None:
    def lost() -> None:
        raise StoreUnavailable("the answer did not come")

    now.world.store.after = lost


@fault("write")
def store_fails_in_an_unknown_way(now: Now) -> None:
    raise RuntimeError("a fault that nobody thought of")


@fault("letters")
def dead_letters_away(now: Now) -> None:
    raise StoreUnavailable("the dead letters are away")


@fault("append", "appended")
def ledger_away(now: Now) -> None:
    raise LedgerUnavailable("the ledger is away, or its answer")


@fault("message")
def broker_dies_and_forgets(now: Now) -> Mend:
    now.world.net.call_soon(now.world.broker.stop)
    return lambda: _back(now.world)


@fault("message")
def broker_dies_and_remembers(now: Now) -> Mend:
    broker = now.world.broker
    now.world.net.call_soon(lambda: broker.stop(keep=True))
    return lambda: _back(now.world)


def _back(world: SmallWorld) -> None:
    if not world.broker.is_running:
        world.keep(world.broker.start())


def _way(broken: str) -> Begin:
    def begin(now: Now) -> Mend:
        net, port = now.world.net, now.rng.choice(now.world.broker.ports)
        net.call_soon(getattr(net, broken), port)
        return lambda: net.restore(port)

    return begin


for _name, _broken in (
    ("way to the broker cut", "cut"), ("way to the broker half-open", "stall"),
    ("session with the broker reset", "reset"),
):  # fmt: skip
    KINDS[_name] = Kind(_name, ("message",), _way(_broken))


@fault("message")
def rebirth_storm(now: Now) -> None:
    """Somebody asks for births again and again."""
    world = now.world
    topic = topics.node(world.site.name, topics.Verb.NCMD, AGENT)

    async def storm() -> None:
        for _ in range(STORM):
            payload = commands.rebirth(world.machine_clock.ticks() // TICKS_PER_MS)
            world.broker.publish(Message(topic, payload, 0, False))
            await asyncio.sleep(now.rng.uniform(0.0, 0.4))

    world.keep(storm())
