"""What a disk has to be told so that it keeps a name: a file that was synced can still be lost.

POSIX promises the bytes of a file after its fsync, but its name only after that of its folder, and
the folder's name only after that of the folder above.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path


def made_durably(folder: Path) -> None:
    """Make a folder and those above it as far as they are missing; their names are on disk.

    OSError when one cannot be made.
    """
    missing = []
    while not folder.is_dir():
        if folder.exists():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """The names in a folder are on disk."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file as a whole: there is the old one or the new one, whatever is killed."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)
