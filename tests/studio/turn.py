"""A made-up vehicle on a turntable, as small pictures: what a set of photographs has in common."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT, FRAMES = 640, 360, 36


def frame(index: int, noise: float = 2.0) -> Image.Image:
    """One picture of a body with windows, wheels and lamps at this step of the turn."""
    angle = 2 * np.pi * index / FRAMES
    image = Image.new("RGB", (WIDTH * 2, HEIGHT * 2), (196, 198, 199))
    draw = ImageDraw.Draw(image)
    length = 260 + 240 * abs(np.sin(angle))
    left, right = WIDTH - length, WIDTH + length
    draw.rounded_rectangle((left, 260, right, 540), 60, (150, 40, 50))
    cabin = WIDTH + 200 * np.sin(angle + 0.6)
    draw.polygon(
        (cabin - 200, 270, cabin - 90, 170, cabin + 150, 170, cabin + 190, 270), (120, 30, 40)
    )
    for share in np.linspace(-0.8, 0.8, 9):
        at = WIDTH + length * np.sin(share + angle) * 0.9
        draw.rectangle((at, 290, at + 26, 360), (40, 52, 60))
        draw.line((at, 380, at, 520), (90, 20, 28), 2)
    for share in (-0.62, 0.62):
        at = WIDTH + length * share * (0.6 + 0.4 * abs(np.sin(angle)))
        draw.ellipse((at - 62, 478, at + 62, 602), (28, 28, 30))
        for spoke in range(10):
            turn = spoke * np.pi / 5 + angle * 3
            end = (at + 50 * np.cos(turn), 540 + 50 * np.sin(turn))
            draw.line((at, 540, *end), (180, 182, 186), 4)
    for share in (0.3, 1.1, 2.6):
        x, y = WIDTH + 420 * np.sin(angle + share), 220 + 40 * np.cos(angle + share)
        draw.rectangle((x, y, x + 30 * share, y + 60), (60, round(70 + 40 * share), 120))
    small = image.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    grain = np.random.default_rng(index).normal(0, noise, (HEIGHT, WIDTH, 1))
    return Image.fromarray((np.asarray(small) + grain).clip(0, 255).astype(np.uint8))


def blurred(image: Image.Image, share: float = 0.002) -> Image.Image:
    """Out of focus by this share of the width."""
    return image.filter(ImageFilter.GaussianBlur(share * image.width))


def lit(image: Image.Image, gain: float) -> Image.Image:
    """Exposed longer or shorter."""
    pixels: NDArray[np.float32] = np.asarray(image, np.float32) * gain
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    """As a camera delivers it."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def write(folder: Path, pictures: dict[str, bytes]) -> Path:
    """A folder with these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in pictures.items():
        (folder / name).write_bytes(data)
    return folder


def named(index: int) -> str:
    """The file name that a capture gives."""
    return f"spin_{index:03d}_{index * 360 / FRAMES:05.1f}.jpg"
