"""A disk that is full, or fails and can be read only, under a process that runs.

The process is ended, what it keeps is moved on a small disk of its own, and it is started on that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from refit.chaos.fault import ROOT, Fault
from refit.chaos.scene import Scene
from refit.chaos.small_disk import SmallDisk
from refit.chaos.small_site import AGENT

HISTORIAN = "historian"
LASTS_S = (3.0, 15.0)
LIVE_S = 60.0


def _folder(scene: Scene, name: str) -> Path:
    return scene.plant.outbox.parent if name == AGENT else scene.plant.site.store.path.parent


@contextmanager
def _on_a_small_disk(scene: Scene, name: str) -> Iterator[SmallDisk]:
    """The process runs on a disk of its own, and then again where it was."""
    disk = SmallDisk(_folder(scene, name))
    scene.kill(name)
    try:
        disk.begin()
        scene.start(name)
        scene.plant.wait_for_values()
        yield disk
    finally:
        if scene.has(name):
            scene.kill(name)
        disk.end()
    scene.start(name)


def _full(name: str, scene: Scene) -> None:
    """It goes on by itself when there is room again."""
    with _on_a_small_disk(scene, name) as disk:
        for _ in range(scene.random.randint(1, 2)):
            disk.fill()
            scene.pause(*LASTS_S)
            disk.free()
            scene.plant.wait_for_values()


def _full_and_killed(name: str, scene: Scene) -> None:
    """It dies on the full disk and cannot begin there, or begins; then there is room again."""
    with _on_a_small_disk(scene, name) as disk:
        disk.fill()
        scene.pause(1.0, 4.0)
        scene.kill(name)
        _begin_in_vain(scene, name)
        disk.free()
        scene.start(name)
        scene.plant.wait_for_values()


def _read_only(name: str, scene: Scene) -> None:
    """The file system has seen an error and takes nothing more, until it is mounted again."""
    with _on_a_small_disk(scene, name) as disk:
        disk.fail()
        scene.pause(*LASTS_S)
        scene.kill(name)
        _begin_in_vain(scene, name)
        disk.unmount()
        disk.mount()
        scene.start(name)
        scene.plant.wait_for_values()


def _begin_in_vain(scene: Scene, name: str) -> None:
    """It may wait for the disk or end with a word; RuntimeError when it breaks."""
    ended = scene.plant.attempt(name, seconds=scene.between(5.0, 8.0))
    if ended is not None and ("Traceback" in ended[1] or not ended[1] or not ended[0]):
        raise RuntimeError(f"{name} broke on a disk that takes nothing: {ended}")


def _fault(name: str, how: str, sentence: str, act: Callable[[str, Scene], None]) -> Fault:
    is_agent = name == AGENT
    said = "agent" if is_agent else name
    touches = {name} if is_agent else {name, "store"}
    needs = {ROOT} if is_agent else {ROOT, "sqlite"}
    what = "the agent's outbox" if is_agent else "the historian's store and ledger"
    return Fault(
        f"{said}-disk-{how}", sentence.format(what=what, name=said), partial(act, name),
        frozenset(touches), frozenset(needs),
    )  # fmt: skip


FAULTS = tuple(
    _fault(name, *one)
    for name in (AGENT, HISTORIAN)
    for one in (
        ("full", "the disk of {what} is full for 3 to 15 s", _full),
        ("full-killed", "the disk of {what} is full, and the {name} is killed and started on it",
         _full_and_killed),
        ("read-only", "the disk of {what} fails under the running {name} and is read-only",
         _read_only),
    )
)  # fmt: skip
