"""What a capture knows of its frames, and what of it has to outlive the agent."""

from __future__ import annotations

from stations.studio.jobs import Frame, Memory, Shoot


def frame_of(name: str, camera: str, count: int | None, asked: Shoot | None) -> Frame:
    """The frame of a file: its camera's count, or the shot that was asked for."""
    if asked is None:
        return Frame(file=name, camera=camera, count=count)
    shot = asked.shot
    return Frame(file=name, camera=camera, capture=asked.capture, set=shot.set, index=shot.index)


def files_of(memory: Memory) -> set[str]:
    """The frames that a memory knows."""
    running = memory.running
    parts = () if running is None else (running.turn, running.rest)
    known = {frame.file for part in parts for frame in part.frames}
    known |= {one.file for part in parts for one in (*part.kept, *(part.placed or ()))}
    return known | {one.file for acquired in memory.processing for one in acquired.pictures}


def lasting(memory: Memory) -> Memory:
    """What has to outlive the agent: the controller's values are read anew."""
    return memory.model_copy(update={"plc": {}, "lost": {}})
