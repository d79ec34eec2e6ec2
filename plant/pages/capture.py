"""A capture to be shown: its manifest, its damages, and the bytes of its pictures.

It is a folder as the studio leaves it, or a record of the ledger whose files are in the media
store. What a restricted picture shows is read by nobody here: it is left out before it is opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from stations.records import Record
from stations.studio.manifest import Damage, Manifest, Picture, PictureSet, Verdict
from wire.media.protocol import RESTRICTED

MANIFEST = "manifest.json"
DAMAGES = "damages.json"
MANIFEST_BYTES_MAX = 16 << 20
DAMAGES_MAX = 500
NEVER = frozenset({PictureSet.VIN})  # whatever the manifest says of a picture

_DAMAGES = TypeAdapter(tuple[Damage, ...])
_Parsed = TypeVar("_Parsed")


class CaptureUnusable(Exception):
    """A capture cannot be shown: each problem says what, where, and what would be right."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class Files(Protocol):
    """Where the bytes of a capture's files are. `place` says so in an error."""

    place: str

    def read(self, name: str, sha256: str | None) -> bytes:
        """All of a file; CaptureUnusable when it is not there."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        ...


@dataclass(frozen=True, slots=True)
class Capture:
    """One capture that can be shown. `pictures` are those that may be, in the manifest's order."""

    manifest: Manifest
    damages: tuple[Damage, ...]
    pictures: tuple[Picture, ...]
    withheld: int
    unreadable: int
    files: Files

    def of(self, *sets: PictureSet) -> tuple[Picture, ...]:
        """The pictures of some sets, in the order of sets, then as planned."""
        order = {one: number for number, one in enumerate(sets)}
        chosen = [one for one in self.pictures if one.set in order]
        return tuple(sorted(chosen, key=lambda one: (order[one.set], one.index)))

    @property
    def spin(self) -> tuple[Picture, ...]:
        """The frames of the turn by their angle."""
        return tuple(sorted(self.of(PictureSet.SPIN), key=angle_of))

    def read(self, picture: Picture) -> bytes:
        """The bytes of a picture; CaptureUnusable when they are not those that were delivered."""
        data = self.files.read(picture.file, picture.sha256)
        if hashlib.sha256(data).hexdigest() != picture.sha256:
            raise CaptureUnusable(
                [
                    f"{self.files.place}: {picture.file} is not the file that {MANIFEST} names (its"
                    " SHA-256 differs): deliver the capture again, or take the picture out"
                ]
            )
        return data


def angle_of(picture: Picture) -> float:
    """Where the table stood, 0 to 360; by its index where no angle is known."""
    angle = picture.angle_deg if picture.angle_deg is not None else picture.planned_deg
    return float(picture.index) if angle is None else angle % 360.0


def opened(manifest: Manifest, damages: tuple[Damage, ...], files: Files) -> Capture:
    """A capture of its parts; CaptureUnusable, with all problems, when they do not fit."""
    public = [one for one in manifest.pictures if not (one.restricted or one.set in NEVER)]
    readable = tuple(one for one in public if one.verdict is not Verdict.UNREADABLE)
    problems = [
        *_names(manifest.pictures),
        *(f"{one.file} is not there" for one in readable if not files.has(one.file)),
        *_damages(damages, manifest.pictures),
        *_angles(readable),
    ]
    if not readable:
        problems.append(f"{MANIFEST} names no picture that may be shown")
    if manifest.video and not (_is_plain(manifest.video) and files.has(manifest.video)):
        problems.append(f"{manifest.video} is not there, which {MANIFEST} names as the video")
    if problems:
        raise CaptureUnusable([f"{files.place}: {one}" for one in problems])
    shown = {one.file for one in readable}
    marked = tuple(
        one if one.photo is None or one.photo in shown else one.model_copy(update={"photo": None})
        for one in damages
    )
    withheld = len(manifest.pictures) - len(public)
    return Capture(manifest, marked, readable, withheld, len(public) - len(readable), files)


def _names(pictures: Sequence[Picture]) -> Iterator[str]:
    seen: set[str] = set()
    for one in pictures:
        if not _is_plain(one.file):
            yield f'{MANIFEST}: "{one.file}" leads out of the folder: name a file below it'
        elif one.file in seen:
            yield f"{MANIFEST} names {one.file} twice"
        seen.add(one.file)


def _is_plain(name: str) -> bool:
    path = PurePosixPath(name)
    leads_out = path.is_absolute() or ".." in path.parts or "\0" in name
    return bool(path.parts) and not leads_out


def _damages(damages: Sequence[Damage], pictures: Sequence[Picture]) -> Iterator[str]:
    known, seen = {one.file for one in pictures}, set[str]()
    if len(damages) > DAMAGES_MAX:
        yield f"{len(damages)} damages; {DAMAGES_MAX} at most are shown"
    for one in damages:
        if not 0 <= one.frame_angle_deg <= 360:
            yield f"damage {one.id}: frame_angle_deg is {one.frame_angle_deg:g}: write 0 to 360"
        if one.id in seen:
            yield f"damage {one.id} is there twice: give each an id of its own"
        if one.photo is not None and one.photo not in known:
            yield f"damage {one.id}: {MANIFEST} has no picture {one.photo}: write its file, or null"
        seen.add(one.id)


def _angles(pictures: Sequence[Picture]) -> Iterator[str]:
    for one in pictures:
        if one.set is PictureSet.SPIN and one.angle_deg is None and one.planned_deg is None:
            yield f"{MANIFEST}: {one.file} of the spin has no angle_deg"


class FolderFiles:
    """The files of a folder; a link that leads out of it is none of them."""

    def __init__(self, folder: Path) -> None:
        self.place, self._folder = str(folder), folder.resolve()

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        path = (self._folder / name).resolve()
        return path.is_relative_to(self._folder) and path.is_file()

    def read(self, name: str, sha256: str | None = None) -> bytes:
        """All of a file; CaptureUnusable when it is not there."""
        if not self.has(name):
            raise CaptureUnusable([f"{self.place}: {name} is not there"])
        return (self._folder / name).read_bytes()


def from_folder(folder: Path) -> Capture:
    """The capture of a folder; CaptureUnusable when it is none, or not whole."""
    files = FolderFiles(folder)
    if not folder.is_dir():
        raise CaptureUnusable([f"{folder}: there is no such folder"])
    if not files.has(MANIFEST):
        raise CaptureUnusable(
            [f"{folder}: there is no {MANIFEST}: name the folder of a capture that is finished"]
        )
    text = files.read(MANIFEST)
    if len(text) > MANIFEST_BYTES_MAX:
        raise CaptureUnusable([f"{folder}: {MANIFEST} has {len(text):,} bytes: that is none"])
    manifest = _parsed(folder / MANIFEST, text, Manifest.model_validate_json)
    damages = manifest.damages
    if files.has(DAMAGES):
        damages = _parsed(folder / DAMAGES, files.read(DAMAGES), _DAMAGES.validate_json)
    return opened(manifest, damages, files)


def _parsed(path: Path, text: bytes, parse: Callable[[bytes], _Parsed]) -> _Parsed:
    try:
        return parse(text)
    except ValidationError as error:
        raise CaptureUnusable(_explained(str(path), error)) from error


def _explained(place: str, error: ValidationError) -> list[str]:
    return [
        f"{place}: {'.'.join(str(part) for part in one['loc']) or 'all of it'}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False)
    ]


class RecordFiles:
    """The files that a record names, fetched by their hash from wherever `fetch` finds them."""

    def __init__(self, record: Record, fetch: Callable[[str], bytes]) -> None:
        self.place = f"record {record.id}"
        self._hashes = {one.name: one.sha256 for one in record.files}
        self._restricted = {one.name for one in record.files if one.type == RESTRICTED}
        self._fetch = fetch

    def is_restricted(self, name: str) -> bool:
        """Whether the media store gives this file only to those who may see what is restricted."""
        return name in self._restricted

    def has(self, name: str) -> bool:
        """Whether the record names this file; its bytes may still be on their way."""
        return name in self._hashes

    def read(self, name: str, sha256: str | None = None) -> bytes:
        """All of a file; CaptureUnusable when it is not there."""
        wanted = sha256 or self._hashes.get(name)
        if wanted is None:
            raise CaptureUnusable([f"{self.place}: {name} is none of its files"])
        try:
            data = self._fetch(wanted)
        except LookupError as error:
            hint = "it is on its way, or was lost: see refit media status"
            raise CaptureUnusable(
                [f"{self.place}: {name} is not in the media store: {hint}"]
            ) from error
        if hashlib.sha256(data).hexdigest() != wanted:
            raise CaptureUnusable([f"{self.place}: {name} is damaged in the media store"])
        return data


def _kept_back(manifest: Manifest, files: RecordFiles) -> Manifest:
    """The manifest with everything restricted that either it or the record says is."""
    pictures = tuple(
        one.model_copy(update={"restricted": one.restricted or files.is_restricted(one.file)})
        for one in manifest.pictures
    )
    return manifest.model_copy(update={"pictures": pictures})


def from_record(record: Record, fetch: Callable[[str], bytes]) -> Capture:
    """The capture of a `studio.capture` record; `fetch` gives bytes by hash, LookupError if none.

    Its manifest is a file of the record, or else the record's own data.
    """
    files = RecordFiles(record, fetch)
    try:
        if files.has(MANIFEST):
            manifest = Manifest.model_validate_json(files.read(MANIFEST))
        else:
            manifest = Manifest.model_validate(record.data)
        manifest = _kept_back(manifest, files)
        damages = manifest.damages
        if files.has(DAMAGES):
            damages = _DAMAGES.validate_json(files.read(DAMAGES))
    except ValidationError as error:
        raise CaptureUnusable(_explained(files.place, error)) from error
    return opened(manifest, damages, files)
