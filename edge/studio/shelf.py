"""The folder of one studio at its agent: memory, frames as delivered, captures on their way.

    memory.json            what the capture remembers, replaced as a whole
    frames/                frames as the cameras delivered them, for as long as they are needed
    strays/                those that nobody has waited for, the newest few
    captures/CAPTURE/      what is delivered of one capture, with its manifest
    originals/CAPTURE/     frames of captures that are over, for as long as the site file says

Everything is on disk when a method returns; the methods block.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import pydantic
import structlog

from stations.studio.jobs import Memory, Shoot
from wire.disk import made_durably, sync_folder, write_durably

STRAYS_MAX = 200
SIDECAR = ".json"

log = structlog.get_logger()


class Shelf:
    """Keeps what a kill of the agent must not take. OSError when the disk refuses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.frames, self.strays = folder / "frames", folder / "strays"
        self.captures, self.originals = folder / "captures", folder / "originals"
        self.operator = folder / "operator"
        for one in (self.frames, self.strays, self.captures, self.originals, self.operator):
            made_durably(one)

    def remembered(self) -> Memory | None:
        """The memory of the agent before; None when there is none or it cannot be read."""
        path = self.folder / "memory.json"
        try:
            return Memory.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (pydantic.ValidationError, ValueError) as error:
            aside = path.with_suffix(".damaged")
            log.error("the memory of a capture is damaged", kept=str(aside), why=str(error))
            path.rename(aside)
            return None

    def remember(self, memory: Memory) -> None:
        """Replace the memory as a whole."""
        write_durably(self.folder / "memory.json", memory.model_dump_json().encode())

    def take(self, camera: str, file: Path, count: int | None, asked: Shoot | None) -> str:
        """Move a frame in, with what its camera has written about it; its name here.

        What was taken in before a kill keeps its name, so that it is not there twice.
        """
        stem = self.stem(camera, asked)
        if count is not None:
            stem += f"{count:012d}"
        name = self._free(stem, file.suffix.lower() or ".jpg")
        beside = file.with_suffix(SIDECAR)
        if beside.is_file():
            _move(beside, self.frames / Path(name).with_suffix(SIDECAR))
        _move(file, self.frames / name)
        sync_folder(self.frames)
        return name

    def stem(self, camera: str, asked: Shoot | None = None) -> str:
        """With what the names of a camera's frames begin."""
        what = "" if asked is None else f"{_plain(asked.capture)}_{asked.shot.name}"
        return f"{_plain(camera)}_{what}"

    def waiting(self) -> list[str]:
        """The frames that are here, in the order of their names."""
        return sorted(one.name for one in self.frames.iterdir() if one.suffix != SIDECAR)

    def put_aside(self, name: str) -> None:
        """A frame that nobody has waited for: kept for a while, for a person to look at."""
        for one in _both(self.frames, name):
            with contextlib.suppress(FileNotFoundError):
                _move(one, self.strays / one.name)
        known = sorted(self.strays.iterdir(), key=lambda one: one.stat().st_mtime_ns)
        for one in known[:-STRAYS_MAX]:
            one.unlink(missing_ok=True)

    def finish(self, capture: str, names: Iterable[str], keeps: bool) -> None:
        """A capture's result is safe: its originals are kept apart, or removed."""
        folder = self.originals / capture
        if keeps:
            made_durably(folder)
        for name in names:
            for one in _both(self.frames, name):
                with contextlib.suppress(FileNotFoundError):
                    _move(one, folder / one.name) if keeps else one.unlink()
        shutil.rmtree(self.captures / capture, ignore_errors=True)

    def tidy(self, captures: Iterable[str]) -> None:
        """Remove the results of all captures but these: they have been handed on."""
        kept = set(captures)
        for one in self.captures.iterdir():
            if one.name not in kept:
                shutil.rmtree(one, ignore_errors=True)

    def forget(self, before_s: float) -> list[str]:
        """Remove the originals of captures that were finished before this time (of the disk)."""
        gone = [one for one in self.originals.iterdir() if one.stat().st_mtime < before_s]
        for one in gone:
            shutil.rmtree(one, ignore_errors=True)
        return [one.name for one in gone]

    def _free(self, stem: str, ending: str) -> str:
        """A name that no frame has."""
        for number in range(1, 10_000):
            name = f"{stem}{ending}" if number == 1 else f"{stem}.{number}{ending}"
            if not (self.frames / name).exists():
                return name
        raise OSError(f"{self.frames} has 10000 frames named {stem}")


def _move(source: Path, target: Path) -> None:
    """Move a file, over the border of a disk too; under its name it is whole."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        fresh = target.with_name(f".{target.name}.new")
        try:
            shutil.copyfile(source, fresh)
            with fresh.open("rb") as file:
                os.fsync(file.fileno())
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
        source.unlink()


def _both(folder: Path, name: str) -> tuple[Path, Path]:
    """A frame and what its camera has written about it."""
    return folder / Path(name).with_suffix(SIDECAR), folder / name


def _plain(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign == "-" else "-" for sign in name)
