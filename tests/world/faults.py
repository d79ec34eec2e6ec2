"""Faults of the machines, of the agent, and of its disk."""

from __future__ import annotations

import sqlite3
from typing import Any

from stations.status import (
    BAD_DEVICE_FAILURE,
    BAD_NODE_ID_UNKNOWN,
    BAD_OUT_OF_RANGE,
    BAD_SENSOR_FAILURE,
    BAD_TYPE_MISMATCH,
)
from tests.world.clock import Killed
from tests.world.kinds import KINDS, STEP_MS_MAX, Begin, Kind, Mend, Now, fault
from tests.world.machine import POLL_S


def _status(status: int) -> Begin:
    def begin(now: Now) -> Mend:
        machine, tag = now.machine, now.rng.choice(list(now.machine.shown))
        machine.turn(tag, status)
        return lambda: machine.turn(tag, 0)

    return begin


for _name, _code in (
    ("read error", BAD_DEVICE_FAILURE), ("bad status", BAD_SENSOR_FAILURE),
    ("node gone", BAD_NODE_ID_UNKNOWN), ("node of another type", BAD_TYPE_MISMATCH),
    ("illegal register", BAD_OUT_OF_RANGE),
):  # fmt: skip
    KINDS[_name] = Kind(_name, ("report",), _status(_code))


@fault("report")
def frozen_value(now: Now) -> Mend:
    machine, tag = now.machine, now.rng.choice(list(now.machine.shown))
    machine.frozen.add(tag)
    return lambda: machine.frozen.discard(tag)


@fault("report")
def exceptions_for_all(now: Now) -> Mend:
    machine = now.machine
    for tag in machine.shown:
        machine.turn(tag, BAD_DEVICE_FAILURE)

    def mend() -> None:
        for tag in machine.shown:
            machine.turn(tag, 0)

    return mend


@fault("report")
def session_closed(now: Now) -> None:
    now.machine.drop("link down")


@fault("report")
def subscription_closed(now: Now) -> None:
    now.machine.drop("subscription lost")


@fault("report")
def queue_overflow(now: Now) -> Mend:
    machine, session = now.machine, now.machine.session
    machine.queue_max = 2
    if session is not None:
        session.is_silent = True
    return machine.mend


@fault("report")
def half_open(now: Now) -> Mend:
    now.machine.leave()
    return now.machine.mend


@fault("report")
def late_answer(now: Now) -> Mend:
    machine = now.machine
    machine.late_s = now.rng.uniform(0, POLL_S)
    return machine.mend


@fault("report")
def wrong_transaction(now: Now) -> Mend:
    machine = now.machine
    machine.late_s = 2 * POLL_S  # skipped, so that it is as if no answer came
    return machine.mend


@fault("report", steps=True)
def clock_of_the_machines_steps(now: Now) -> None:
    now.world.machine_clock.step(now.rng.randint(-STEP_MS_MAX, STEP_MS_MAX))


@fault("commit", steps=True)
def clock_of_the_agent_steps(now: Now) -> None:
    now.world.agent.clock.step(now.rng.randint(-STEP_MS_MAX, STEP_MS_MAX))


@fault("write", steps=True)
def clock_of_the_historian_steps(now: Now) -> None:
    now.world.historian.clock.step(now.rng.randint(-STEP_MS_MAX, STEP_MS_MAX))


@fault("step of the agent")
def agent_killed(now: Now) -> None:
    now.world.die(now.world.agent, now.away_s())


@fault("commit", "committed")
def agent_killed_around_a_commit(now: Now) -> None:
    now.world.die(now.world.agent, now.away_s())
    raise Killed("beside a commit")


@fault("commit")
def power_cut_in_a_commit(now: Now) -> None:
    """The commit's pages are in the log but for the last of them."""
    world, outbox = now.world, now.subject.outbox
    log = outbox.path.with_name(outbox.path.name + "-wal")
    before = log.stat().st_size if log.exists() else 0

    def torn(_: Any) -> None:
        after = log.stat().st_size
        if after > before:
            world.agent.torn_at = now.rng.randint(before, after - 1)
            world.die(world.agent, now.away_s())
            raise Killed("by a power cut")

    world.operations.arm("written", 1, torn)


@fault("committed", gives_up=True)
def bit_flip_in_the_outbox(now: Now) -> None:
    db = now.world.disk.connection
    assert db is not None
    found = db.execute("SELECT position, samples FROM batch").fetchall()
    if not found:
        return
    position, blob = now.rng.choice(found)
    spot = now.rng.randrange(8 * len(blob))
    flipped = bytearray(blob)
    flipped[spot // 8] ^= 1 << spot % 8
    db.execute("UPDATE batch SET samples = ? WHERE position = ?", (bytes(flipped), position))
    db.commit()


@fault("statement")
def disk_error(now: Now) -> Mend:
    now.world.disk.fails = True
    return now.world.disk.mend


@fault("statement")
def disk_error_once(now: Now) -> None:
    raise sqlite3.OperationalError("disk I/O error")


@fault("commit")
def disk_full(now: Now) -> Mend:
    now.world.disk.fill()
    return now.world.disk.mend
