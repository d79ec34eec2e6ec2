"""What one picture shows, in few numbers: its fine detail, its focus, its exposure, a thumb of it.

What is measured of detail is how much of the fine one is left of the coarse one, which changes
little with what is seen. Blur of sigma s takes exp(-4 pi^2 s^2 f^2) from the energy at frequency f
(the Gaussian's transfer function), so the finer band falls first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
"""Brightness 0 to 255, shape (height, width)."""

WIDTH = 640  # pictures are measured at this width
THUMB_WIDTH = 96
BAND_SIGMAS = (0.6, 1.2, 2.4, 4.8)
NOISE_ENERGY = 0.02  # grey values squared: below it a band holds nothing that could be lost
EDGES_PCT = 5.0  # of the pixels
RIDGE_PCT = 10.0  # of the crests of edges
WHITE, BLACK = 250.0, 3.0


@dataclass(frozen=True)
class Measured:
    """What one picture shows: `detail` by band, `focus` of its strongest edges, exposure.

    `detail` is the logarithm of the energy of a band over that of the next coarser one, of the
    whole picture and then of its edges only, which stand out of the noise of a camera.
    `white` and `black` are shares of the pixels, `mean` is a grey value, `thumb` a small picture.
    """

    detail: tuple[float, ...]
    focus: float
    white: float
    black: float
    mean: float
    thumb: Grey

    @property
    def clipped(self) -> float:
        """The share of the picture that is black or white."""
        return self.white + self.black


def measure(grey: Grey) -> Measured:
    """Measure a picture that has been brought to WIDTH (or is narrower)."""
    grey = np.ascontiguousarray(grey, np.float32)
    levels = [grey]
    for sigma in BAND_SIGMAS:
        levels.append(_blurred(grey, sigma))
    bands = [(a - b)[1:-1, 1:-1] for a, b in pairwise(levels[1:])]
    strength = np.hypot(*_gradient(levels[-1]))
    edges = strength >= np.percentile(strength, 100 - EDGES_PCT)
    return Measured(
        detail=(*_detail(bands), *_detail([band[edges] for band in bands])),
        focus=_focus(grey, levels[2], levels[3]),
        white=float(np.mean(grey >= WHITE)),
        black=float(np.mean(grey <= BLACK)),
        mean=float(grey.mean()),
        thumb=_thumb(grey),
    )


def _detail(bands: Sequence[Grey]) -> tuple[float, ...]:
    energies = [float(np.log(np.square(band).mean() + NOISE_ENERGY)) for band in bands]
    return tuple(fine - coarse for fine, coarse in pairwise(energies))


def _focus(grey: Grey, soft: Grey, softer: Grey) -> float:
    """How much steeper the strongest edges are than in the blurred picture; 1: nothing to lose.

    Where an edge is, and which way it falls, is taken from the picture blurred most: along that
    way the noise of a camera falls as often as it rises, and does not count in the mean.
    """
    across, down = _gradient(softer)
    strength = np.hypot(across, down)
    middle = strength[1:-1, 1:-1]
    is_steep = np.abs(across[1:-1, 1:-1]) > np.abs(down[1:-1, 1:-1])
    left_right = (middle >= strength[1:-1, 2:]) & (middle > strength[1:-1, :-2])
    up_down = (middle >= strength[2:, 1:-1]) & (middle > strength[:-2, 1:-1])
    crest = np.where(is_steep, left_right, up_down) & (middle > 0)
    if not crest.any():
        return 1.0
    crest &= middle >= np.percentile(middle[crest], 100 - RIDGE_PCT)
    way = [part[1:-1, 1:-1][crest] / middle[crest] for part in (across, down)]
    steep, less = (
        float(
            np.mean(sum(a[1:-1, 1:-1][crest] * b for a, b in zip(_gradient(one), way, strict=True)))
        )
        for one in (grey, soft)
    )
    return steep / (less + 1e-6)


def _gradient(grey: Grey) -> tuple[Grey, Grey]:
    """To the right and downward, without the outermost pixels."""
    return grey[1:-1, 2:] - grey[1:-1, :-2], grey[2:, 1:-1] - grey[:-2, 1:-1]


def _thumb(grey: Grey) -> Grey:
    factor = max(grey.shape[1] // THUMB_WIDTH, 1)
    height, width = grey.shape[0] // factor, grey.shape[1] // factor
    blocks = grey[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)


def _blurred(grey: Grey, sigma: float) -> Grey:
    reach = int(np.ceil(3 * sigma))
    taps = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / sigma)).astype(np.float32)
    taps /= taps.sum()
    for axis in (0, 1):
        length = grey.shape[axis]
        pads = [(reach, reach) if one == axis else (0, 0) for one in (0, 1)]
        padded = np.pad(grey, pads, mode="edge")
        parts = (
            tap * (padded[i : i + length] if axis == 0 else padded[:, i : i + length])
            for i, tap in enumerate(taps)
        )
        grey = np.asarray(sum(parts, np.zeros_like(grey)), np.float32)
    return grey
