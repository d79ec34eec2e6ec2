"""The file of the agent's outbox: deleted, replaced, spoiled, or written by a newer version."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from refit.chaos.fault import Fault
from refit.chaos.scene import Scene
from refit.chaos.small_site import AGENT
from refit.chaos.waiting import until

NOTICED_S = 30.0  # 5 s on a machine that is not busy
BACKLOG_S = (1.5, 4.0)
NEWER = 99
WRONG = 2  # the exit code of what will not mend by itself
LOG = "-wal"
FLIPS_MAX = 20
PAGE = 4096
SEEN_S = 20.0
BOTH = frozenset({AGENT, "historian"})


def _inode(file: Path) -> int:
    try:
        return file.stat().st_ino
    except FileNotFoundError:
        return 0


def _until_another(scene: Scene, was: tuple[int, ...]) -> None:
    file = scene.plant.outbox
    until(lambda: _inode(file) not in (0, *was), "the agent has a new outbox", NOTICED_S)


def _deleted(scene: Scene) -> None:
    file = scene.plant.outbox
    was = _inode(file)
    for ending in scene.random.sample(("", LOG, "-shm"), 3):
        Path(f"{file}{ending}").unlink(missing_ok=True)
    _until_another(scene, (was,))


def _replaced(scene: Scene) -> None:
    """As a backup would that is put back too soon: an older copy lies in its place."""
    file = scene.plant.outbox
    copy = Path(f"{file}.copy")
    shutil.copyfile(file, copy)
    scene.pause(0.5, 2.0)
    was = _inode(file), _inode(copy)
    copy.replace(file)
    _until_another(scene, was)


def _spoiled(how: Callable[[Scene, Path], None], scene: Scene) -> None:
    """The agent is killed with a backlog on its disk, and its file is not sound any more."""
    scene.kill("historian")
    scene.pause(*BACKLOG_S)
    scene.kill(AGENT)
    scene.plant.is_outbox_spoiled = True
    files = [Path(f"{scene.plant.outbox}{ending}") for ending in ("", LOG)]
    times = [(one, one.stat()) for one in files if _inode(one)]
    how(scene, scene.plant.outbox)
    for one, was in times:  # a disk that spoils a file does not say when
        os.utime(one, ns=(was.st_atime_ns, was.st_mtime_ns))
    scene.start(AGENT)
    scene.until_agent(lambda health: True, SEEN_S)
    scene.start("historian")


def _flip(scene: Scene, file: Path) -> None:
    """Bits anywhere in the file and its log, as a worn disk has them."""
    files = [one for one in (file, Path(f"{file}{LOG}")) if _inode(one) and one.stat().st_size]
    for _ in range(scene.random.randint(1, FLIPS_MAX)):
        one = scene.random.choice(files)
        at = scene.random.randrange(one.stat().st_size)
        with one.open("r+b") as opened:
            opened.seek(at)
            (byte,) = opened.read(1)
            opened.seek(at)
            opened.write(bytes([byte ^ 1 << scene.random.randrange(8)]))


def _tear(scene: Scene, file: Path) -> None:
    """The last page that was written is there in part."""
    log = Path(f"{file}{LOG}")
    torn = log if _inode(log) and log.stat().st_size > PAGE else file
    os.truncate(torn, torn.stat().st_size - scene.random.randrange(1, PAGE))


def _version(file: Path, wanted: int | None = None) -> int:
    with closing(sqlite3.connect(file)) as database:
        was = int(database.execute("PRAGMA user_version").fetchone()[0])
        if wanted is not None:
            database.execute(f"PRAGMA user_version = {wanted}")
    return was


def _newer(scene: Scene) -> None:
    """The agent refuses it with a word, leaves it as it is, and takes it when it is its own again.

    RuntimeError when it does not.
    """
    scene.kill(AGENT)
    file = scene.plant.outbox
    was, words = _version(file, NEWER), (str(file), "newer version", "install that version again")
    try:
        before = file.read_bytes()
        ended = scene.plant.attempt(AGENT)
        if ended is None or ended[0] != WRONG or not all(word in ended[1] for word in words):
            raise RuntimeError(f"the agent took a newer outbox, or ended oddly: {ended}")
        if file.read_bytes() != before:
            raise RuntimeError("the agent has changed an outbox of a newer version")
    finally:
        _version(file, was)
    scene.start(AGENT)


FAULTS = (
    Fault("outbox-deleted", "the agent's outbox is deleted while it runs", _deleted,
          frozenset({AGENT})),
    Fault("outbox-replaced", "an older copy is put in the place of the agent's outbox while it"
          " runs", _replaced, frozenset({AGENT})),
    Fault("outbox-bits-flipped", "the agent is killed, and up to 20 bits of its outbox are flipped"
          " before it starts again", partial(_spoiled, _flip), BOTH, apart=True),
    Fault("outbox-torn", "the agent is killed, and the last page of its outbox is torn before it"
          " starts again", partial(_spoiled, _tear), BOTH, apart=True),
    Fault("outbox-newer", "the agent is killed, refuses an outbox that a newer version has"
          " written, and gets its own back", _newer, frozenset({AGENT})),
)  # fmt: skip
