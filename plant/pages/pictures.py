"""Opening pictures of a capture, and making smaller ones of them.

A picture of a capture was judged when it was taken, but a folder can hold anything: what is larger
than PIXELS_MAX or cut off is refused with a reason.
"""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps

from plant.pages.capture import CaptureUnusable

PIXELS_MAX = 80_000_000  # a strip of 4096 x 16000 has 65 million
FORMATS = ("JPEG", "PNG", "WEBP")


def picture_of(data: bytes, name: str) -> Image.Image:
    """The picture upright and in RGB; CaptureUnusable when it cannot be had."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            if image.width * image.height > PIXELS_MAX:
                size = f"{image.width} x {image.height}"
                raise CaptureUnusable([f"{name}: {size} pixels; {PIXELS_MAX:,} at most are opened"])
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CaptureUnusable([f"{name} is no whole JPEG, PNG or WebP picture: {error}"]) from error
    ImageOps.exif_transpose(image, in_place=True)
    return image if image.mode == "RGB" else image.convert("RGB")


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
