"""A very long picture in square tiles, at the full size and at halves of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

TILE = 1024
LEAST = 512  # height of the smallest level, about that of a phone's window


@dataclass(frozen=True, slots=True)
class Level:
    """One size of the picture: so many tiles across and down."""

    width: int
    height: int
    columns: int
    rows: int


def lying(image: Image.Image) -> Image.Image:
    """The picture with its long side across: what was scanned first, the front, on the left."""
    return image.transpose(Image.Transpose.ROTATE_90) if image.height > image.width else image


def levels(width: int, height: int) -> list[Level]:
    """The sizes, the smallest first."""
    found = [_level(width, height)]
    while found[0].height > LEAST and found[0].width > TILE:
        found.insert(0, _level(-(-found[0].width // 2), -(-found[0].height // 2)))
    return found


def tiles(image: Image.Image, sizes: list[Level]) -> Iterator[tuple[str, Image.Image]]:
    """Name ("LEVEL/ROW_COLUMN") and picture of each tile, the largest level first."""
    for number in reversed(range(len(sizes))):
        level = sizes[number]
        if image.size != (level.width, level.height):
            image = image.resize((level.width, level.height), Image.Resampling.BOX)
        for row in range(level.rows):
            for column in range(level.columns):
                left, top = column * TILE, row * TILE
                right, bottom = min(left + TILE, level.width), min(top + TILE, level.height)
                yield f"{number}/{row}_{column}", image.crop((left, top, right, bottom))


def _level(width: int, height: int) -> Level:
    return Level(width, height, -(-width // TILE), -(-height // TILE))
