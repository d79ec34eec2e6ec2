"""Is a picture sharp, rightly exposed, and another one than its neighbour? Judged within its set.

No constant tells a sharp picture of a car from a blurred one: the front has more edges than the
side. What was measured is therefore compared with the pictures before and after on the circle, and
what is unusual is what lies far outside of what the set itself spreads over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from stations.studio.manifest import Reason
from stations.studio.measuring import BLACK, WHITE, Grey, Measured

Numbers = NDArray[np.float64]

NEIGHBOURS = 3  # on each side
LIGHT_NEIGHBOURS = 2  # on each side: further ones show too much else
SIGMAS = 6.0
DROP_MIN = (
    0.42  # of the logarithm of detail: blur of 0.2 % of a width of 376 takes 0.55, of 640 far more
)
SPREAD_MIN = 0.02
GAIN_MAX = 1.33  # light that flickers by 15 % stays below, also before neighbours that are darker
NEWLY_WHITE = 0.005  # share of the picture
CLIPPED_MORE = 0.03  # share of the picture, above what more light explains
NEARLY_WHITE = 235.0  # what brighter light may well make white
TONES = (10.0, 240.0)  # where brightness follows the light
TONES_MIN = 0.02  # share of the picture
DARKER = 0.25  # of the neighbours' mean
REPEAT_SHARE = 0.22  # of the usual difference to the next picture
REPEAT_FAR_SHARE = 0.04  # of it, for pictures that are not neighbours: two sides look alike
DIFFERENCE_MIN = 1.5  # grey values: below it the set shows nothing that turns
FOCUS_MIN = 1.29  # steepness kept when blurred again: below it edges are wider than 1.35 pixels
MARGIN_MIN = 0.005
TOLERANCE_DEG = 0.5


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


def _sharpness(detail: Numbers) -> Numbers:
    """The logarithm of sharpness over its limit, from the detail that neighbours have."""
    off = detail - _local(detail)
    limit = max(DROP_MIN, SIGMAS * _spread(off))
    return off + limit


def _exposure(pictures: Sequence[Measured]) -> list[list[Reason]]:
    """What is far brighter than its neighbours and white, or white without being brighter; dark."""
    lights = [_light(pictures, i) for i in range(len(pictures))]
    gain = np.log([one.gain for one in lights])
    excess = np.array([one.excess for one in lights])
    unusual = max(float(np.log(GAIN_MAX)), 2 * _reach(gain))
    burnt = excess > np.median(excess) + max(CLIPPED_MORE, SIGMAS * _spread(excess, 0.0))
    newly = np.array([one.newly for one in lights]) > NEWLY_WHITE
    mean = np.array([one.mean for one in pictures])
    darker = mean < (1 - DARKER) * _local(mean)
    clipped, dark = (gain > unusual) & newly | burnt, (gain < -unusual) & darker
    return [
        [Reason.CLIPPED] * bool(is_clipped) + [Reason.DARK] * bool(is_dark)
        for is_clipped, is_dark in zip(clipped, dark, strict=True)
    ]


@dataclass(frozen=True)
class _Light:
    """A picture against its neighbours: how much brighter, how much more is white.

    `excess` is the share that is white without the gain explaining it: a white background before
    which the light flickers is explained.
    """

    gain: float = 1.0
    newly: float = 0.0
    excess: float = 0.0


def _light(pictures: Sequence[Measured], i: int) -> _Light:
    reach = min(LIGHT_NEIGHBOURS, (len(pictures) - 1) // 2)
    thumb = pictures[i].thumb
    around = [
        pictures[(i + shift) % len(pictures)].thumb for shift in range(-reach, reach + 1) if shift
    ]
    around = [one for one in around if one.shape == thumb.shape]
    if not around:
        return _Light()
    usual = np.median(np.stack(around), axis=0)
    tones = (usual > TONES[0]) & (usual < TONES[1]) & (thumb > BLACK)
    if (free := tones & (thumb < WHITE)).mean() >= TONES_MIN:
        tones = free
    elif tones.mean() < TONES_MIN:
        return _Light()
    gain = float(np.median(thumb[tones] / usual[tones]))
    white = float(np.mean(thumb >= WHITE))
    explained = float(np.mean(usual * max(gain, 1.0) >= NEARLY_WHITE))
    return _Light(gain, white - float(np.mean(usual >= WHITE)), white - explained)


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


def _reach(off: Numbers) -> float:
    """How far nine in ten values lie from 0."""
    return float(np.percentile(np.abs(off), 90, method="lower"))


def _spread(off: Numbers, least: float = SPREAD_MIN) -> float:
    """Robust standard deviation: 1.4826 times the median absolute deviation."""
    return max(least, 1.4826 * float(np.median(np.abs(off - np.median(off)))))
