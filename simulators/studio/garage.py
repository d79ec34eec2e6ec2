"""A few vehicles that come again and again, so that each of their pictures is computed once.

For a demo that runs on a small machine: it computes ahead while nothing else is to be done, and is
quiet when all has been seen.
"""

from __future__ import annotations

import io
import threading
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from simulators.studio.style import Look
from stations.studio.station import SPIN_ANGLES

SEEDS = 1_000_000
NAMES_MAX = 1000
QUALITY = 95
Key = tuple[int, str, float]
"""Seed of the vehicle, set, and angle (whole degrees) or index."""
Taken = tuple[np.ndarray, dict[str, Any]]


class Garage:
    """Which vehicle a name is, and the pictures that there are of it. For several threads.

    `seeds` are all that come, in this order; none: every name is another vehicle, nothing is kept.
    """

    def __init__(self, seeds: Sequence[int] = ()) -> None:
        self._seeds = tuple(seeds)
        self._of: dict[str, int] = {}
        self._kept: dict[Key, tuple[bytes, dict[str, Any]]] = {}
        self._asked: dict[tuple[str, float], None] = {("spin", one): None for one in SPIN_ANGLES}
        self._lock, self._taking = threading.Lock(), threading.Lock()

    def look(self, name: str) -> Look:
        """The vehicle of a name."""
        if not self._seeds:
            return Look.of(zlib.crc32(name.encode()) % SEEDS)
        with self._lock:
            if name not in self._of:
                self._of[name] = self._seeds[len(self._of) % len(self._seeds)]
            while len(self._of) > NAMES_MAX:
                # As many as there are vehicles, so that the next new name gets the next of them.
                for old in list(self._of)[: len(self._seeds)]:
                    del self._of[old]
            return Look.of(self._of[name])

    def taken(self, look: Look, what: str, place: float, take: Callable[[], Taken]) -> Taken:
        """A picture as it was taken before, or as `take` takes it now."""
        if look.seed not in self._seeds:
            return take()
        key = (look.seed, what, place)
        with self._taking:  # who asks again, because it took long, gets what was begun
            if key not in self._kept:
                picture, said = take()
                self._asked[what, place] = None
                self._kept[key] = _packed(picture), said
        data, said = self._kept[key]
        return np.asarray(Image.open(io.BytesIO(data))), said

    def ahead(self) -> tuple[Look, str, float] | None:
        """What will be asked for and is not there: what was asked of one is asked of all."""
        for seed in self._seeds:
            for what, place in tuple(self._asked):
                if (seed, what, place) not in self._kept:
                    return Look.of(seed), what, place
        return None


def _packed(picture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=QUALITY, subsampling=0)
    return out.getvalue()
