"""Opening pictures safely: the one place where bytes of a picture become pixels.

A folder can hold anything. Only JPEG, PNG and WebP are opened, nothing larger than PIXELS_MAX, and
what is cut off is refused, also a JPEG that was given its end mark afterwards: its decoder says
nothing then, and draws grey where nothing is left.
"""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

BYTES_MAX = 1 << 30
PIXELS_MAX = 120_000_000  # a strip of 4096 x 16000 has 65 million, a camera up to 100 million
FORMATS = ("JPEG", "PNG", "WEBP")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
START_OF_SCAN, END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
PADDING = bytes(range(1, 255)) * 16  # without 0xFF, which would be a marker
UNREADABLE = (ValueError, TypeError, LookupError, SyntaxError, OSError, struct.error)
GREY = frozenset({127, 128})  # of a block without coefficients; CMYK is stored inverted


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
            if image.format == "JPEG" and _may_be_cut(image) and _is_cut(data):
                raise PictureUnreadable("it is cut off: its picture data end before the picture")
            _turn_upright(image)
            return image
    except PictureUnreadable:
        raise
    except Image.DecompressionBombError as error:
        raise PictureUnreadable(f"{error}; {PIXELS_MAX:,} pixels at most are opened") from error
    except Exception as error:  # a decoder raises whatever its input makes it
        raise PictureUnreadable(f"no whole JPEG, PNG or WebP picture: {error}") from error


def size_of(path: Path) -> tuple[int, int]:
    """Width and height that a picture says of itself; PictureUnreadable, OSError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                return image.size
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise PictureUnreadable(f"no JPEG, PNG or WebP picture: {error}") from error


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
        if (size := path.stat().st_size) > BYTES_MAX:
            raise PictureUnreadable(f"{size:,} bytes; {BYTES_MAX:,} at most are read")
        return path.read_bytes()
    except OSError as error:
        raise PictureUnreadable(f"cannot be read: {error.strerror}") from error


def _turn_upright(image: Image.Image) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except UNREADABLE:  # EXIF data that nobody can read: the picture is whole all the same
        image.info.pop("exif", None)


def _may_be_cut(image: Image.Image) -> bool:
    """Whether the last pixel is what a decoder draws of nothing, or the picture came in scans."""
    last = image.getpixel((image.width - 1, image.height - 1))
    channels = last if isinstance(last, tuple) else (last,)
    return "progression" in image.info or all(channel in GREY for channel in channels)


def _is_cut(data: bytes) -> bool:
    """Whether something more before the end mark would still be drawn.

    After the last block of a whole picture a decoder passes over what follows. Compared are the
    pixels, in the full size: the last scans of a progressive picture hold its finest detail.
    """
    end = data.rfind(END_OF_IMAGE)
    if end < data.rfind(START_OF_SCAN):
        return True
    padded = data[:end] + PADDING + data[end:]
    return _brightness(data) != _brightness(padded)


def _brightness(jpeg: bytes) -> bytes:
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        image.draft("L", image.size)
        return image.tobytes()
