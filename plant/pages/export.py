"""A capture as a ZIP that other viewers take: numbered frames, and a listing.

Viewers want names with an index of fixed width, `spin/{index}.jpg` from 001 on, by growing angle
(js-cloudimage-360-view and others). The pictures are the bytes as delivered. The same capture makes
the same ZIP, byte for byte.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import orjson

from plant.pages.capture import Capture, angle_of
from plant.pages.material import ENDINGS, film_name
from plant.pages.pictures import size_of
from stations.studio.manifest import Picture, PictureSet

LISTING = "listing.json"
WIDTH_MIN = 3
YEARS = (1980, 2107)  # that a ZIP can say


def write_zip(
    capture: Capture, file: BinaryIO, progress: Callable[[int, int], None] = lambda done, of: None
) -> int:
    """Write the ZIP; how many files it has. CaptureUnusable for pictures that cannot be had."""
    when = capture.manifest.ended
    stamp = (
        min(max(when.year, YEARS[0]), YEARS[1]),
        when.month,
        when.day,
        when.hour,
        when.minute,
        0,
    )
    listed: dict[str, list[dict[str, Any]]] = {}
    total = len(capture.pictures)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:

        def put(name: str, data: bytes, method: int = zipfile.ZIP_STORED) -> None:
            about = zipfile.ZipInfo(name, stamp)
            about.external_attr = 0o644 << 16
            archive.writestr(about, data, method)

        for done, (name, picture) in enumerate(_named(capture), 1):
            data = capture.read(picture)
            put(name, data)
            listed.setdefault(picture.set.value, []).append(_entry(name, picture, data))
            progress(done, total)
        video = capture.manifest.video
        if video:
            put(film_name(video), capture.files.read(video, None))
        put(LISTING, listing(capture, listed), zipfile.ZIP_DEFLATED)
        return len(archive.namelist())


def _named(capture: Capture) -> Iterator[tuple[str, Picture]]:
    """The name of each picture in the ZIP, set after set."""
    for one in PictureSet:
        pictures = capture.spin if one is PictureSet.SPIN else capture.of(one)
        width = max(WIDTH_MIN, len(str(len(pictures))))
        for number, picture in enumerate(pictures, 1):
            yield f"{one}/{number:0{width}d}{ENDINGS[picture.type]}", picture


def _entry(name: str, picture: Picture, data: bytes) -> dict[str, Any]:
    width, height = size_of(data, picture.file)
    return {
        "file": name,
        "delivered_as": picture.file,
        "angle_deg": angle_of(picture) if picture.set is PictureSet.SPIN else picture.angle_deg,
        "title": picture.title,
        "width": width,
        "height": height,
        "bytes": len(data),
        "sha256": picture.sha256,
        "type": picture.type,
        "verdict": picture.verdict,
        "reasons": picture.reasons,
        "signed": picture.signed,
    }


def listing(capture: Capture, listed: dict[str, list[dict[str, Any]]]) -> bytes:
    """What is in the ZIP, and how a viewer is to be told so, as JSON."""
    manifest = capture.manifest
    names = {one["delivered_as"]: one["file"] for pictures in listed.values() for one in pictures}
    damages = [
        one.model_dump(mode="json") | {"photo": names.get(one.photo or "")}
        for one in capture.damages
    ]
    said = {
        "version": 1,
        "capture": manifest.capture,
        "vehicle": manifest.visit,
        "recipe": manifest.recipe.model_dump(),
        "started": manifest.started.isoformat(),
        "ended": manifest.ended.isoformat(),
        "simulated": manifest.simulated,
        "complete": manifest.complete,
        "reasons": manifest.reasons,
        "missing": manifest.missing,
        "withheld": capture.withheld,
        "spin": _spin(capture, listed.get(PictureSet.SPIN.value, ())),
        "sets": listed,
        "damages": damages,
    }
    return orjson.dumps(said, option=orjson.OPT_INDENT_2)


def _spin(capture: Capture, frames: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """How a viewer finds the frames; `filename` is None when they are not all of one type."""
    if not frames:
        return None
    endings = {one["file"].rpartition(".")[2] for one in frames}
    first = str(frames[0]["file"]).partition("/")[2].partition(".")[0]
    return {
        "folder": "spin/",
        "filename": f"{{index}}.{endings.pop()}" if len(endings) == 1 else None,
        "index_first": 1,
        "index_width": len(first),
        "amount": len(frames),
        "frames_per_turn": capture.manifest.frames_per_turn,
        "rotation": capture.manifest.rotation,
    }
