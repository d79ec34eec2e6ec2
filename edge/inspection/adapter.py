"""How the result of a machine comes to the session: the protocol that all adapters keep alike.

An adapter reads one machine for ever. It hands over each whole message and acts on the verdict,
which is on disk before it is given: the machine is told, a file is moved. The same message again
gets the same verdict, so whatever is cut off may be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Protocol

from stations.inspection.facts import MachineConfig, Message, Refusal
from stations.inspection.happenings import Verdict
from stations.inspection.messages import read_json, read_lines


@dataclass(frozen=True, slots=True)
class Reader:
    """How the bytes of one machine are read."""

    config: MachineConfig
    zone: tzinfo

    @property
    def name(self) -> str:
        """The name of the machine."""
        return self.config.name

    def lines(self, text: bytes) -> Message | Refusal:
        """An OTC-LAN-like record."""
        return read_lines(text, self.config.kind, self.zone)

    def json(self, text: bytes) -> Message | Refusal:
        """A JSON object."""
        return read_json(text, self.config.kind, self.zone)


class Sink(Protocol):
    """Where an adapter hands its messages to: the session, or a list in a test."""

    async def deliver(self, machine: str, text: bytes, said: Message | Refusal) -> Verdict:
        """Take a message; the verdict is on disk when it is given."""

    async def machine_is(self, machine: str, down: str) -> None:
        """Take the news that a machine can or cannot be heard: why not, or empty."""

    def invitation(self, machine: str) -> dict[str, str]:
        """What a machine is told of the session that is open; empty when there is none."""


class Adapter(Protocol):
    """One way from a machine to the session."""

    async def run(self, sink: Sink) -> None:
        """Serve for ever, until cancelled; a fault of the machine never raises here."""


def lines_of(words: dict[str, str]) -> str:
    """Words as `key=value`, a line each, and an empty line at the end."""
    return "".join(f"{key}={value}\n" for key, value in words.items()) + "\n"


def answer_of(verdict: Verdict) -> dict[str, str]:
    """A verdict in words for a machine."""
    said = {"result": "refused" if verdict.reasons else "accepted", "id": verdict.id}
    if verdict.reasons:
        said["reasons"] = ",".join(verdict.reasons)
    if verdict.marks:
        said["marks"] = ",".join(f"{one.about}:{one.reason}" for one in verdict.marks)
    if verdict.again:
        said["again"] = "1"
    return said
