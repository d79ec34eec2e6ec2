"""A folder that is there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wire.disk import sync_folder


class Occupied(Exception):
    """There is something of somebody else where a folder should be; the message says what helps."""


@contextmanager
def whole_folder(folder: Path, mark: str) -> Iterator[Path]:
    """A folder to fill; it takes its name, and the place of an older one, once all is on disk.

    An older one is known by its file `mark`; anything else there is left alone: Occupied. OSError
    when the folder cannot be made.
    """
    folder = folder.absolute()
    if folder.is_symlink() or (folder.exists() and not _is_ours(folder, mark)):
        raise Occupied(f"{folder} is there and was not made by this command: name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        yield part
        _sync(part)
        _place(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    sync_folder(folder.parent)


def _is_ours(folder: Path, mark: str) -> bool:
    return folder.is_dir() and ((folder / mark).is_file() or not any(folder.iterdir()))


def _place(part: Path, folder: Path) -> None:
    old = part.with_suffix(".old")
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    try:
        part.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)
