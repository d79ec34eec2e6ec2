"""A small disk of its own under a folder of the plant, which can be full, or fail and be read-only.

An ext4 file system in a file. Mounting it needs root; `can_be_made` says whether it can be.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from refit.chaos.waiting import until

NEEDED = ("mount", "umount", "mkfs.ext4")
ADMIN = 21  # CAP_SYS_ADMIN
SPACE_BYTES = 24 << 20
CHUNK = bytes(64 << 10)
FREE_S = 20.0


def can_be_made() -> bool:
    """Whether this process may mount a file system out of a file."""
    if os.geteuid() != 0 or not all(map(shutil.which, NEEDED)):
        return False
    if not Path("/dev/loop-control").exists():
        return False
    status = Path("/proc/self/status").read_text()
    effective = next((line for line in status.splitlines() if line.startswith("CapEff:")), "")
    return bool(int(effective.split()[-1], 16) >> ADMIN & 1) if effective else False


class SmallDisk:
    """A disk under `folder` whose files nobody has open; they are moved on it, and back again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._image, self._aside = (Path(f"{folder}.{end}") for end in ("image", "aside"))
        self._ballast = folder / "ballast"

    def begin(self) -> None:
        """Make the disk, with what lies in the folder; OSError when this machine cannot."""
        size = sum(one.stat().st_size for one in self.folder.rglob("*") if one.is_file())
        with self._image.open("wb") as image:
            image.truncate(SPACE_BYTES + 2 * size)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", self._image)
        self.folder.rename(self._aside)
        self.folder.mkdir()
        self.mount()
        shutil.copytree(self._aside, self.folder, dirs_exist_ok=True)
        _run("sync", "-f", self.folder)  # what is moved here has been on a disk before
        shutil.rmtree(self._aside)

    def end(self) -> None:
        """Take the disk away; what lay on it lies in the folder."""
        if not os.path.ismount(self.folder):
            return
        with suppress(FileNotFoundError):
            self._ballast.unlink()
        shutil.copytree(
            self.folder, self._aside, ignore=shutil.ignore_patterns("lost+found", "ballast")
        )
        self.unmount()
        self.folder.rmdir()
        self._aside.rename(self.folder)
        self._image.unlink()

    def fill(self) -> None:
        """Leave no room at all."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(CHUNK)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def free(self) -> None:
        """There is room again."""
        self._ballast.unlink()

    def fail(self) -> None:
        """As after an error that the disk has reported: from now on nothing can be written."""
        _run("mount", "-o", "remount,abort", self.folder)

    def unmount(self) -> None:
        """Let go of the disk, as soon as nobody has a file of it open."""
        until(lambda: _is_done("umount", self.folder), "nobody uses the small disk", FREE_S)

    def mount(self) -> None:
        """Take the disk, which makes good what was cut off."""
        _run("mount", "-o", "loop,errors=remount-ro", self._image, self.folder)


def _is_done(*words: str | Path) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def _run(*words: str | Path) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join(map(str, words))
        raise OSError(done.returncode, f"{said}: {done.stderr.strip()}")
