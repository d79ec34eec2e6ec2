"""The two commands that a node obeys, as bytes: rebirth and the acknowledgement of positions.

A command names its metric and says datatype and value; it has a payload timestamp and no seq. All
other writes are refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wire.sparkplug import acknowledge, metrics
from wire.sparkplug.acknowledge import Range
from wire.sparkplug.codec import Metric, Payload, decode, encode, metric
from wire.sparkplug.datatypes import Datatype


@dataclass(frozen=True, slots=True)
class Commands:
    """What an NCMD asks for; `refused` and `unknown` count what is not obeyed or not understood."""

    rebirth: bool
    confirmed: tuple[tuple[str, tuple[Range, ...]], ...]
    refused: int
    unknown: int


def rebirth(now_ms: int) -> bytes:
    """The NCMD payload that asks a node for its births."""
    return encode(Payload(now_ms, None, [metric(metrics.REBIRTH, Datatype.BOOLEAN, True, None)]))


def acknowledgement(now_ms: int, outbox: str, ranges: Iterable[Range]) -> bytes:
    """The NCMD payload that confirms ranges of an outbox."""
    text = acknowledge.write(outbox, ranges)
    return encode(Payload(now_ms, None, [metric(metrics.ACKNOWLEDGE, Datatype.STRING, text, None)]))


def read(payload: bytes) -> Commands:
    """What an NCMD payload asks for; Undecodable when it is none."""
    asked, confirmed, refused, unknown = False, [], 0, 0
    for command in decode(payload).metrics:
        if command.name == metrics.REBIRTH and command.raw is True:
            asked = True
        elif command.name == metrics.ACKNOWLEDGE:
            try:
                confirmed.append(acknowledge.read(_text(command)))
            except ValueError:
                unknown += 1
        else:
            refused += 1
    return Commands(asked, tuple(confirmed), refused, unknown)


def _text(command: Metric) -> str:
    return command.raw if isinstance(command.raw, str) else ""
