"""Small files that are pictures as far as nobody opens them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def jpeg(content: str, width: int = 320, height: int = 180) -> bytes:
    """SOI, a frame header with the size, something of its own, EOI."""
    size = height.to_bytes(2) + width.to_bytes(2)
    return (
        b"\xff\xd8\xff\xc0\x00\x0b\x08" + size + b"\x01\x01\x11\x00" + content.encode()
        + b"\xff\xd9"
    )  # fmt: skip


def deliver(folder: Path, camera: str, count: int, content: str = "") -> Path:
    """A frame as a camera delivers it."""
    path = folder / f"{camera}_{count:06d}.jpg"
    path.write_bytes(jpeg(content or f"{camera} {count}"))
    return path


def noise(seed: int = 1, width: int = 320, height: int = 180) -> Image.Image:
    """A real picture, of which no two places are alike."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3))
    return Image.fromarray(pixels.astype(np.uint8))
