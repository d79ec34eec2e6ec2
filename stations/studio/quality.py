"""Is a picture sharp, rightly exposed, and another one than its neighbour? Judged within its set.

No constant tells a sharp picture of a car from a blurred one: the front has more edges than the
side. What is measured is therefore how much of the fine detail is left of the coarse one, which
changes little with what is seen, and it is compared with the pictures before and after on the
circle. Blur of sigma s takes exp(-4 pi^2 s^2 f^2) from the energy at frequency f (the Gaussian's
transfer function), so the finer band falls first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from stations.studio.manifest import Reason

Grey = NDArray[np.float32]
"""Brightness 0 to 255, shape (height, width)."""
Numbers = NDArray[np.float64]

WIDTH = 640  # pictures are measured at this width
THUMB_WIDTH = 96
BAND_SIGMAS = (0.6, 1.2, 2.4, 4.8)
NOISE_ENERGY = 0.02  # grey values squared: below it a band holds nothing that could be lost
EDGES_PCT = 5.0  # of the pixels
WHITE, BLACK = 250.0, 3.0
NEIGHBOURS = 3  # on each side
SIGMAS = 6.0
DROP_MIN = (
    0.42  # of the logarithm of detail: blur of 0.2 % of a width of 376 takes 0.55, of 640 far more
)
SPREAD_MIN = 0.02
CLIPPED_MORE = 0.03  # share of the picture
BRIGHTER_MIN = 4.0  # grey values
NOT_WHITE = 200.0
GAIN_MAX = 1.35  # light that flickers by 15 % stays below
NEWLY_WHITE = 0.005  # share of the picture
DARKER_SHARE = 0.4  # of the neighbours' brightness
REPEAT_SHARE = 0.22  # of the usual difference to the next picture
REPEAT_FAR_SHARE = 0.04  # of it, for pictures that are not neighbours: two sides look alike
DIFFERENCE_MIN = 1.5  # grey values: below it the set shows nothing that turns
FOCUS_SIGMA = 1.0
FOCUS_MIN = 1.33  # edge of a set in focus over the same edge blurred again by FOCUS_SIGMA
MARGIN_MIN = 0.005
TOLERANCE_DEG = 0.5


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


@dataclass(frozen=True)
class Place:
    """Of which set a picture is, and at which angle it was taken; None where nobody knows."""

    set: str = ""
    angle_deg: float | None = None

    def is_at(self, other: Place) -> bool:
        """Whether both are known to show the vehicle from one angle."""
        known = self.angle_deg is not None and other.angle_deg is not None
        return known and not off_angle(self.angle_deg or 0.0, other.angle_deg or 0.0)


@dataclass(frozen=True)
class Judged:
    """The verdict on one picture: `sharpness` over the limit of its set, below 1 is blurred."""

    sharpness: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class JudgedSet:
    """Verdicts in the order of the pictures; pairs that are one picture; set-wide reasons."""

    pictures: tuple[Judged, ...]
    repeats: tuple[tuple[int, int], ...]
    reasons: tuple[str, ...]


def measure(grey: Grey) -> Measured:
    """Measure a picture that has been brought to WIDTH (or is narrower)."""
    grey = np.ascontiguousarray(grey, np.float32)
    levels = [grey]
    for sigma in BAND_SIGMAS:
        levels.append(_blurred(grey, sigma))
    bands = [(a - b)[1:-1, 1:-1] for a, b in pairwise(levels[1:])]
    strength = _gradient(levels[-1])
    edges = strength >= np.percentile(strength, 100 - EDGES_PCT)
    return Measured(
        detail=(*_detail(bands), *_detail([band[edges] for band in bands])),
        focus=_focus(grey),
        white=float(np.mean(grey >= WHITE)),
        black=float(np.mean(grey <= BLACK)),
        mean=float(grey.mean()),
        thumb=_thumb(grey),
    )


def judge_set(pictures: Sequence[Measured], places: Sequence[Place] = ()) -> JudgedSet:
    """Judge the pictures of one turn, in the order of their angles; the last meets the first.

    `places`, where they are known: a hero angle may be one of the spin, too, and is no repeat.
    """
    if not pictures:
        return JudgedSet((), (), ())
    details = np.array([one.detail for one in pictures])
    sharpness = np.exp(np.min([_sharpness(column) for column in details.T], axis=0))
    exposure = _exposure(pictures)
    repeats = _repeats([one.thumb for one in pictures], places or [Place()] * len(pictures))
    again = {second for _, second in repeats}
    judged = []
    for i, reasons in enumerate(exposure):
        found = [Reason.BLURRED] if sharpness[i] < 1 else []
        found += reasons
        found += [Reason.REPEATED] if i in again else []
        judged.append(Judged(float(sharpness[i]), tuple(found)))
    focus = float(np.median([one.focus for one in pictures]))
    return JudgedSet(tuple(judged), repeats, ("out_of_focus",) if focus < FOCUS_MIN else ())


def is_cropped(box: tuple[float, float, float, float]) -> bool:
    """The vehicle's box (left, top, right, bottom as shares) touches the edge of the picture."""
    left, top, right, bottom = box
    return min(left, top, 1 - right, 1 - bottom) < MARGIN_MIN


def off_angle(angle_deg: float, planned_deg: float, tolerance_deg: float = TOLERANCE_DEG) -> bool:
    """Whether an angle lies further from the planned one, the short way round, than allowed."""
    return abs((angle_deg - planned_deg + 180) % 360 - 180) > tolerance_deg


def _detail(bands: Sequence[Grey]) -> tuple[float, ...]:
    energies = [float(np.log(np.square(band).mean() + NOISE_ENERGY)) for band in bands]
    return tuple(fine - coarse for fine, coarse in pairwise(energies))


def _sharpness(detail: Numbers) -> Numbers:
    """The logarithm of sharpness over its limit, from the detail that neighbours have."""
    off = detail - _local(detail)
    limit = max(DROP_MIN, SIGMAS * _spread(off))
    return off + limit


def _exposure(pictures: Sequence[Measured]) -> list[list[Reason]]:
    white = np.array([one.white for one in pictures])
    mean = np.array([one.mean for one in pictures])
    white_off, mean_local = white - _local(white), _local(mean)
    mean_off = mean - mean_local
    whiter = white_off > max(CLIPPED_MORE, SIGMAS * _spread(white_off))
    clipped = whiter & (mean_off > BRIGHTER_MIN) | _over_exposed([one.thumb for one in pictures])
    dark = -mean_off > DARKER_SHARE * mean_local
    return [
        [Reason.CLIPPED] * bool(is_clipped) + [Reason.DARK] * bool(is_dark)
        for is_clipped, is_dark in zip(clipped, dark, strict=True)
    ]


def _over_exposed(thumbs: Sequence[Grey]) -> NDArray[np.bool_]:
    """Where what is not white in the neighbours is far brighter, and some of it white.

    A white background that flickers about WHITE hides an over-exposed vehicle from the shares.
    """
    over = np.zeros(len(thumbs), np.bool_)
    if len(thumbs) < 3 or len({thumb.shape for thumb in thumbs}) > 1:
        return over
    stack = np.stack(thumbs)
    reach = min(2, (len(thumbs) - 1) // 2)
    shifts = [shift for shift in range(-reach, reach + 1) if shift]
    for i, thumb in enumerate(stack):
        usual = np.median(stack[[(i + shift) % len(stack) for shift in shifts]], axis=0)
        inside = (usual > BLACK) & (usual < NOT_WHITE)
        if inside.any():
            gain = float(np.median(thumb[inside] / usual[inside]))
            newly = float(np.mean(inside & (thumb >= WHITE)))
            over[i] = gain > GAIN_MAX and newly > NEWLY_WHITE
    return over


def _repeats(thumbs: Sequence[Grey], places: Sequence[Place]) -> tuple[tuple[int, int], ...]:
    """Pairs of pictures that show the same; the second of a pair is the repeat."""
    found: dict[int, int] = {}
    usual, neighbours = 0.0, set[frozenset[int]]()
    for name in dict.fromkeys(place.set for place in places):
        ring = [i for i, place in enumerate(places) if place.set == name]
        closed = [*ring, ring[0]] if len(ring) > 2 else ring
        around = list(pairwise(closed))
        if not around:
            continue
        steps = np.array([_difference(thumbs[a], thumbs[b]) for a, b in around])
        middle = float(np.median(steps))
        usual = max(usual, middle if middle >= DIFFERENCE_MIN else 0.0)
        neighbours |= {frozenset(pair) for pair in around}
        if middle >= DIFFERENCE_MIN:  # else it shows nothing that turns
            limits = REPEAT_SHARE * np.minimum(_local(steps), middle)
            near = zip(around, steps <= limits, strict=True)
            found |= {max(pair): min(pair) for pair, is_same in near if is_same}
    for a, b in combinations(range(len(thumbs)), 2):
        if b in found or frozenset((a, b)) in neighbours or places[a].is_at(places[b]):
            continue
        if usual and _difference(thumbs[a], thumbs[b], 99.5) <= REPEAT_FAR_SHARE * usual:
            found[b] = a
    return tuple(sorted((first, second) for second, first in found.items()))


def _difference(one: Grey, other: Grey, percentile: float = 97.0) -> float:
    """How far two small pictures differ where they differ most; brighter light is no difference."""
    if one.shape != other.shape:
        return float("inf")
    off = one - other
    return float(np.percentile(np.abs(off - np.median(off)), percentile))


def _local(values: Numbers) -> Numbers:
    """The median of each value's neighbours on the circle, without itself."""
    reach = min(NEIGHBOURS, (len(values) - 1) // 2)
    if reach == 0:
        return np.full(len(values), np.max(values))
    around = [np.roll(values, shift) for shift in range(-reach, reach + 1) if shift]
    return np.asarray(np.median(around, axis=0))


def _spread(off: Numbers) -> float:
    """Robust standard deviation: 1.4826 times the median absolute deviation."""
    return max(SPREAD_MIN, 1.4826 * float(np.median(np.abs(off - np.median(off)))))


def _focus(grey: Grey) -> float:
    """How much the strongest edges lose when they are blurred once more; 1: nothing to lose."""
    strength = _gradient(grey)
    edges = strength >= np.percentile(strength, 99.5)
    again = _gradient(_blurred(grey, FOCUS_SIGMA))
    return float(strength[edges].mean() / (again[edges].mean() + 1e-6))


def _gradient(grey: Grey) -> Grey:
    across = grey[1:-1, 2:] - grey[1:-1, :-2]
    down = grey[2:, 1:-1] - grey[:-2, 1:-1]
    return np.asarray(np.hypot(across, down), np.float32)


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
