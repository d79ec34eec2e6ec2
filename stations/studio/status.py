"""Where a studio stands, for people and for programs that wait for it."""

from __future__ import annotations

from typing import TypedDict

from stations.studio.capture import REVIEW, vision_state
from stations.studio.jobs import Job, Memory


class StudioStatus(TypedDict):
    """`state` in the words of OPC 40100-1; `processing` are captures whose vehicles are free.

    `busy`: a result follows without the machine doing anything more.
    """

    state: str
    capture: str | None
    asks: bool
    processing: list[str]
    busy: bool


def status_of(job: Job, memory: Memory) -> StudioStatus:
    """What a memory says of its studio."""
    running = memory.running
    is_judged = running is not None and memory.plc.get("state") == REVIEW and not running.is_asking
    return StudioStatus(
        state=vision_state(job, memory).value,
        capture=None if running is None else running.capture,
        asks=running is not None and running.is_asking,
        processing=[one.capture for one in memory.processing],
        busy=bool(memory.processing) or is_judged,
    )
