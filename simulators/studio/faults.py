"""What goes wrong with a studio's camera, as it really does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

import numpy as np
from PIL import Image, ImageFilter

BLUR = 0.004
"""Sigma of the defocus, as a share of the picture's width."""
GAIN = 3.2
OFFSET_DEG = 4.0
CROP_M = 2.4
STILL_FRAMES = 3
NOISE = 1.2


class CameraFault(StrEnum):
    """`lost`: no picture; `repeat`: the one before, again; `still`: the table stands for some."""

    LOST = "lost"
    REPEAT = "repeat"
    BLUR = "blur"
    OVEREXPOSED = "overexposed"
    OFFSET = "offset"
    STILL = "still"
    CROPPED = "cropped"


Faults = Mapping[int, frozenset[CameraFault]]


def read_faults(texts: Iterable[str]) -> dict[int, frozenset[CameraFault]]:
    """Faults by frame from texts such as `blur=7` or `lost=3,4`.

    ValueError says what would be right.
    """
    found: dict[int, frozenset[CameraFault]] = {}
    for text in texts:
        name, _, frames = text.partition("=")
        if name not in tuple(CameraFault):
            raise ValueError(f"fault {name!r} is none of {', '.join(CameraFault)}")
        if not frames or not all(one.isdigit() for one in frames.split(",")):
            raise ValueError(f"fault {text!r} names no frame: write {name}=7, or {name}=7,8")
        for one in frames.split(","):
            numbers = range(int(one), int(one) + (STILL_FRAMES if name == "still" else 1))
            for number in numbers:
                found[number] = found.get(number, frozenset()) | {CameraFault(name)}
    return found


def developed(picture: np.ndarray, faults: Iterable[CameraFault], noise: int) -> np.ndarray:
    """The picture as the sensor gives it: defocus and exposure, and a little noise of this seed."""
    if CameraFault.BLUR in faults:
        blurred = Image.fromarray(picture).filter(
            ImageFilter.GaussianBlur(max(BLUR * picture.shape[1], 0.9))
        )
        picture = np.asarray(blurred)
    if CameraFault.OVEREXPOSED in faults:
        levels = (np.arange(256) / 255) ** 2.2 * GAIN
        table = (np.clip(levels, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)
        picture = table[picture]
    rng = np.random.Generator(np.random.PCG64(noise))
    grain = rng.standard_normal(picture.shape[:2], np.float32)[..., None] * NOISE
    noisy = np.where(picture >= 255, 255.0, picture + grain)
    return (np.clip(noisy, 0, 255) + 0.5).astype(np.uint8)
