"""The plates that say whose vehicle it is, as pictures."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont


def plate_picture(text: str) -> np.ndarray:
    """The number plate (linear light): black characters on white, a blue band on the left."""
    image = Image.new("RGB", (520, 110), (236, 236, 232))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((2, 2, 517, 107), 8, outline=(20, 20, 20), width=3)
    draw.rectangle((4, 4, 46, 105), fill=(12, 42, 140))
    draw.rectangle((474, 4, 515, 105), fill=(12, 42, 140))
    draw.text(
        (260, 54),
        text,
        font=ImageFont.load_default(86),
        fill=(10, 10, 10),
        anchor="mm",
        stroke_width=2,
    )
    draw.text((25, 84), "F", font=ImageFont.load_default(30), fill=(240, 240, 240), anchor="mm")
    return ((np.asarray(image, np.float32) / 255) ** 2.2).astype(np.float32)


def vin_picture(text: str) -> np.ndarray:
    """The plate with the vehicle identification number (linear light)."""
    image = Image.new("RGB", (440, 60), (206, 208, 206))
    draw = ImageDraw.Draw(image)
    draw.rectangle((2, 2, 437, 57), outline=(60, 60, 60), width=2)
    draw.text((220, 29), text, font=ImageFont.load_default(36), fill=(15, 15, 15), anchor="mm")
    return ((np.asarray(image, np.float32) / 255) ** 2.2).astype(np.float32)
