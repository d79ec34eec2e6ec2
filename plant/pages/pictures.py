"""Opening pictures of a capture, and making smaller ones of them.

A picture of a capture was judged when it was taken, but a folder can hold anything: what cannot be
opened is refused with a reason.
"""

from __future__ import annotations

import io

from PIL import Image

from plant.pages.capture import CaptureUnusable
from wire import pictures


def picture_of(data: bytes, name: str) -> Image.Image:
    """The picture upright and in RGB; CaptureUnusable when it cannot be had."""
    try:
        return pictures.coloured(pictures.picture_of(data))
    except pictures.PictureUnreadable as error:
        raise CaptureUnusable([f"{name}: {error}"]) from error


def size_of(data: bytes, name: str) -> tuple[int, int]:
    """Width and height as the picture is shown."""
    return picture_of(data, name).size


def smaller(image: Image.Image, width: int) -> Image.Image:
    """The picture with this width at most."""
    if image.width <= width:
        return image
    height = max(round(image.height * width / image.width), 1)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def webp(image: Image.Image, quality: int) -> bytes:
    """The picture as WebP, without any data about it."""
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, method=4)
    return out.getvalue()
