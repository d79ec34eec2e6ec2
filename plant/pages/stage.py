"""What is moved on a page: the turn, the interior, the underbody, the film.

Each part writes its pictures and gives what its script needs, which goes into data.js.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from plant.pages import cube, facts, strip
from plant.pages.capture import angle_of
from plant.pages.material import Material, film_name
from plant.pages.pictures import smaller, webp
from stations.studio.manifest import Damage, Picture, PictureSet

# Chosen by benchmarks/studio_page.py: the whole turn must be there in 4 s at 20 Mbit/s.
TURN, TURN_QUALITY = 1280, 80
FACE, FACE_QUALITY = 2048, 80
FIRST_FACE, FIRST_FACE_QUALITY = 512, 70
TILE_QUALITY = 78


def turn(material: Material) -> dict[str, Any] | None:
    """The exterior: small pictures to turn, and each as it was delivered to look at closely."""
    frames, manifest = material.capture.spin, material.capture.manifest
    if not frames:
        return None
    listed = []
    for number, one in enumerate(frames):
        data, image = material.opened(one)
        angle, flaw = angle_of(one), facts.flaw(material.texts, one)
        label = facts.side(material.texts, angle, manifest.rotation)
        quick = webp(smaller(image, TURN), TURN_QUALITY)
        listed.append(
            {
                "angle": angle,
                "src": material.write(f"turn/{number:03d}.webp", quick),
                "full": material.deliver(f"turn/{number:03d}_full", one, data),
                "label": f"{label} ({flaw})" if flaw else label,
                "shape": round(image.width / image.height, 4),
            }
        )
    front = [number for number, one in enumerate(frames) if one.index == manifest.frontal_frame]
    return {"frames": listed, "first": front[0] if front else 0, "rotation": manifest.rotation}


def marked_frame(damage: Damage, spin: dict[str, Any] | None, frames_per_turn: int) -> int | None:
    """The frame that shows a damage; None when it is missing: its place on another is not known."""
    if spin is None:
        return None
    away = [_away(one["angle"], damage.frame_angle_deg) for one in spin["frames"]]
    nearest = min(range(len(away)), key=away.__getitem__)
    return nearest if away[nearest] <= 180 / max(frames_per_turn, 1) + 0.5 else None


def panoramas(material: Material) -> tuple[list[dict[str, Any]], list[str]]:
    """The six faces of each panorama, small and sharp; and what the panoramas are called."""
    listed, titles = [], []
    for number, one in enumerate(spheres(material)):
        _, image = material.opened(one)
        size = min(FACE, image.width // 4)
        faces: dict[str, dict[str, str]] = {"low": {}, "high": {}}
        for name, pixels in cube.faces(np.asarray(image), size):
            face, path = Image.fromarray(pixels), f"interior/{number}_{name}"
            small = webp(smaller(face, FIRST_FACE), FIRST_FACE_QUALITY)
            faces["low"][name] = material.write(f"{path}_small.webp", small)
            faces["high"][name] = material.write(f"{path}.webp", webp(face, FACE_QUALITY))
        listed.append(faces)
        titles.append(material.title(one))
    return listed, titles


def spheres(material: Material) -> list[Picture]:
    """The interior pictures that show everything around: twice as wide as high."""
    interior = material.capture.of(PictureSet.INTERIOR)
    return [one for one in interior if one.width == 2 * one.height]


def long_strip(material: Material) -> dict[str, Any] | None:
    """The first picture of the underbody, in tiles."""
    pictures = material.capture.of(PictureSet.UNDERBODY)
    if not pictures:
        return None
    image = strip.lying(material.opened(pictures[0])[1])
    sizes = strip.levels(*image.size)
    for name, tile in strip.tiles(image, sizes):
        material.write(f"underbody/{name}.webp", webp(tile, TILE_QUALITY))
    levels = [
        {"width": one.width, "height": one.height, "columns": one.columns, "rows": one.rows}
        for one in sizes
    ]
    return {
        "width": image.width, "height": image.height, "tile": strip.TILE, "folder": "underbody",
        "levels": levels,
    }  # fmt: skip


def film(material: Material) -> str | None:
    """The video of the turn, as it was delivered."""
    name = material.capture.manifest.video
    if name is None:
        return None
    return material.write(film_name(name), material.capture.files.read(name, None))


def _away(one: float, other: float) -> float:
    gap = abs(one - other) % 360
    return min(gap, 360 - gap)
