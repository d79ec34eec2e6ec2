"""Opening pictures safely: the one place where bytes of a picture become pixels.

A folder can hold anything. Only JPEG, PNG and WebP are opened, nothing larger than PIXELS_MAX, and
what is cut off is refused.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

PIXELS_MAX = 120_000_000  # a strip of 4096 x 16000 has 65 million, a camera up to 100 million
FORMATS = ("JPEG", "PNG", "WEBP")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


class PictureUnreadable(Exception):
    """No whole picture that may be opened; the message says why."""


def picture_of(data: bytes, width: int | None = None) -> Image.Image:
    """The picture upright, in its own mode; for `width` it may come smaller, not narrower.

    PictureUnreadable when it cannot be had.
    """
    if not data:
        raise PictureUnreadable("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            if image.width * image.height > PIXELS_MAX:
                size = f"{image.width} x {image.height}"
                raise PictureUnreadable(f"{size} pixels; {PIXELS_MAX:,} at most are opened")
            if width is not None and image.format == "JPEG":
                short = min(image.size)  # it may be turned by its EXIF data
                image.draft(None, (width, width * image.height // max(short, 1)))
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return image
    except PictureUnreadable:
        raise
    except Image.DecompressionBombError as error:
        raise PictureUnreadable(f"{error}; {PIXELS_MAX:,} pixels at most are opened") from error
    except Exception as error:  # a decoder raises whatever its input makes it
        raise PictureUnreadable(f"no whole JPEG, PNG or WebP picture: {error}") from error


def coloured(picture: Image.Image) -> Image.Image:
    """The picture in colours of 8 bits, on white where it is transparent."""
    if picture.mode == "RGB":
        return picture
    picture.info.pop("icc_profile", None)  # its colours are others now
    if picture.mode.startswith("I"):  # grey of 16 bits
        picture = Image.fromarray((np.asarray(picture).clip(0, 65535) >> 8).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture.convert("RGB")


def grey_of(data: bytes, width: int) -> NDArray[np.float32]:
    """Brightness 0 to 255 at this width at most, shape (height, width)."""
    image = picture_of(data, width)
    if image.mode != "L":
        image = coloured(image).convert("L")
    if image.width > width:
        height = max(round(image.height * width / image.width), 1)
        image = image.resize((width, height), Image.Resampling.BOX, reducing_gap=None)
    return np.asarray(image, np.float32)


def read(path: Path) -> bytes:
    """The bytes of a picture's file; PictureUnreadable when they cannot be had."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise PictureUnreadable(f"cannot be read: {error.strerror}") from error
