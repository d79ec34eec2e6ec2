"""A recorded MQTT conversation as a file: one packet a line, as JSON.

Each line is an object with the fields of `Packet` that are not at their default; bytes are base64.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from refit.conformance.packets import Packet

DEFAULTS = {one.name: one.default for one in fields(Packet)}
NUMBERS = ("connection", "version", "keepalive_s", "session_expiry_s", "qos", "reason", "at_ms",
           "server")  # fmt: skip
FLAGS = ("clean", "retain", "duplicate", "by_broker")
NEEDED = ("connection", "kind")


class NoCapture(ValueError):
    """A line that is no packet; says which and why."""


def written(log: Iterable[Packet]) -> Iterator[str]:
    """The lines of a recording."""
    for packet in log:
        yield json.dumps(_said(packet))


def _said(packet: Packet) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, default in DEFAULTS.items():
        value = getattr(packet, name)
        if value == default:
            continue
        if name == "payload":
            value = base64.b64encode(value).decode()
        said[name] = _said(value) if name == "will" else value
    return said


def read(lines: Iterable[str]) -> list[Packet]:
    """The packets of a recording, in its order. NoCapture says what is wrong in which line."""
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(_packet(json.loads(line)))
        except (ValueError, TypeError) as error:
            raise NoCapture(f"line {number}: {error}") from error
    return found


def _packet(said: Any) -> Packet:
    if not isinstance(said, dict):
        raise TypeError("no JSON object")
    if missing := [name for name in NEEDED if name not in said]:
        raise ValueError(f"{missing[0]} is missing")
    return Packet(**{name: _value(name, value) for name, value in said.items()})


def _value(name: str, value: Any) -> Any:
    if name not in DEFAULTS:
        raise ValueError(f"{name} is not known; known are {', '.join(DEFAULTS)}")
    if value is None and DEFAULTS[name] is None:
        return None
    if name == "will":
        return _packet(value)
    if name == "filters":
        return tuple((_of(str, name, topic), _of(int, name, qos)) for topic, qos in value)
    if name == "payload":
        try:
            return base64.b64decode(_of(str, name, value), validate=True)
        except binascii.Error as error:
            raise ValueError(f"payload is no base64: {error}") from error
    return _of(int if name in NUMBERS else bool if name in FLAGS else str, name, value)


def _of(wanted: type, name: str, value: Any) -> Any:
    if type(value) is not wanted:
        raise TypeError(f"{name} is {json.dumps(value)[:50]}, wanted is {wanted.__name__}")
    return value
