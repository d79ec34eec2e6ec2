"""Faults of a machine, told apart from mistakes of our own."""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from asyncua import ua

# What asyncua raises when a machine is gone, refuses, or answers what is no answer.
_RAISED = (
    OSError, EOFError, asyncio.TimeoutError, ua.UaError,
    struct.error, ValueError, LookupError, TypeError, AttributeError, RecursionError,
)  # fmt: skip
MODBUS = "pymodbus.exceptions"  # not imported here: an agent without Modbus starts sooner


class MachineFault(Exception):
    """The machine or the way to it failed. `reason` is the reason of the gap that follows."""

    def __init__(self, why: str, reason: str = "link down") -> None:
        super().__init__(why)
        self.reason = reason


@contextmanager
def machine() -> Iterator[None]:
    """Turn what a library raises in here into a `MachineFault`; only calls of a library go in.

    A cancellation that the library swallows is one nevertheless: in Python 3.11
    `asyncio.wait_for` forgets it when what it waits for is done in the same turn of the loop.
    """
    before = cancellations()
    try:
        yield
    except (MachineFault, *_raised()) as error:
        if cancellations() > before:
            raise asyncio.CancelledError from error
        if isinstance(error, MachineFault):
            raise
        raise MachineFault(describe(error)) from error
    if cancellations() > before:
        raise asyncio.CancelledError


def _raised() -> tuple[type[Exception], ...]:
    modbus = sys.modules.get(MODBUS)
    return _RAISED if modbus is None else (*_RAISED, modbus.ModbusException)


def cancellations() -> int:
    """How often the present task was asked to end; 0 outside of a task."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return 0
    return 0 if task is None else task.cancelling()


def describe(error: BaseException) -> str:
    """An error in one line for a log or a status; some libraries raise errors without words."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"  # asyncio's words for it say less, and where is known
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
