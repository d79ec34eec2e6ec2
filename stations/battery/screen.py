"""State of health from the voltages of a few pulses, with an interval that is owed, or none.

The state of charge is not given. A Gaussian process (`gaussian.py`) predicts, and says how sure it
is; how wide an interval must be for so much doubt is learned from cells that were left out, each
physical cell counting once (conformal prediction for hierarchical data: Lee, Barber and Willett,
2023). An answer is refused where the interval is wider than asked or the input unlike the training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stations.battery.gaussian import Groups, Process, Shape, tuned
from stations.battery.trace import Floats

METHOD = "Gaussian process on pulse voltages, conformal interval by cell"
LEVEL = 0.95
LEVEL_AIMED = 0.955  # residuals of left-out cells are a little smaller than those of new ones
GROUPS_MIN = 20  # below 19 cells no 95 % interval is finite
ROWS_MAX = 2000  # of one chemistry: more are thinned, cell by cell
RANGE_OVER = 0.5  # of the range of a column, beyond which a value is unlike the training
DISTANCE_OVER = 1.5  # of the largest distance between cells of the training
RATED_OVER = 1.25
FLAT_V = 0.05  # a cell whose rest voltages span less does not tell its state of charge
FLAT_ROWS = 3
FLAT_NAMES = ("LFP", "LIFEPO4")


class TooFewCells(ValueError):
    """A chemistry with fewer physical cells than an interval needs."""


@dataclass(frozen=True, slots=True)
class Answer:
    """State of health in % with its interval; None where there is none.

    `reason` is `interval_too_wide`, `out_of_domain` or `soc_not_identifiable`.
    """

    soh_pct: float | None
    low_pct: float | None
    high_pct: float | None
    reason: str | None

    @property
    def abstain(self) -> bool:
        """True when no state of health is said."""
        return self.reason is not None


def columns_of(volts: Floats) -> Floats:
    """The voltage at rest, and all others as differences from it."""
    return np.hstack([volts[:, :1], volts[:, 1:] - volts[:, :1]])


def hierarchical_quantile(scores: Floats, groups: Groups, level: float) -> float:
    """The score that a row of a new group stays below with this probability; inf when unknown."""
    names, at, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1 / counts[at] / (len(names) + 1)
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weights[order])
    index = int(np.searchsorted(reached, level - 1e-12))
    return float(scores[order][index]) if index < len(scores) else float("inf")


class Screen:
    """What was learned of one chemistry."""

    def __init__(
        self,
        volts: Floats,
        soh_pct: Floats,
        groups: Groups,
        rated_ah: tuple[float, float],
        flat: bool,
        shape: Shape,
    ) -> None:
        self._volts, self._soh, self._groups = volts, soh_pct, groups
        self._rated, self._flat = rated_ah, flat
        columns = columns_of(volts)
        self._process = Process(columns, soh_pct, groups, shape)
        residual, deviation = self._process.left_out()
        self.left_out_error = residual
        scores = np.abs(residual) / deviation
        self._factor = hierarchical_quantile(scores, groups, LEVEL_AIMED)
        self._far = DISTANCE_OVER * float(self._process.nearest_other().max())
        low, high = columns.min(0), columns.max(0)
        over = RANGE_OVER * (high - low) + 1e-3
        self._low, self._high = low - over, high + over

    @classmethod
    def learned(
        cls, chemistry: str, volts: Floats, soh_pct: Floats, groups: Groups, rated_ah: Floats
    ) -> Screen:
        """From rows of pulses whose state of health is known."""
        count = len(np.unique(groups))
        if count < GROUPS_MIN:
            raise TooFewCells(
                f"{chemistry}: {count} physical cells: a {100 * LEVEL:g} % interval needs at least"
                f" {GROUPS_MIN}"
            )
        step = max(1, -(-len(groups) // ROWS_MAX))
        kept = np.argsort(groups, kind="stable")[::step]
        flat = chemistry.upper() in FLAT_NAMES or _is_flat(volts[:, 0], groups)
        volts, soh_pct, groups = volts[kept], soh_pct[kept], groups[kept]
        shape = tuned(columns_of(volts), soh_pct, groups)
        rated = (float(rated_ah.min()), float(rated_ah.max()))
        return cls(volts, soh_pct, groups, rated, flat, shape)

    @property
    def voltages(self) -> int:
        """How many voltages a row has."""
        return int(self._volts.shape[1])

    @property
    def is_flat(self) -> bool:
        """True when rest voltages do not tell the state of charge, so that it always abstains."""
        return self._flat

    @property
    def cells(self) -> int:
        """How many physical cells it was learned from."""
        return len(np.unique(self._groups))

    def answers(self, volts: Floats, rated_ah: Floats, half_width_max: float) -> list[Answer]:
        """One for each row."""
        columns = columns_of(volts)
        mean, deviation = self._process.predict(columns)
        half = self._factor * deviation
        inside = ((columns >= self._low) & (columns <= self._high)).all(1)
        inside &= self._process.nearest(columns) <= self._far
        inside &= rated_ah >= self._rated[0] / RATED_OVER
        inside &= rated_ah <= self._rated[1] * RATED_OVER
        return [
            self._answer(float(at), float(width), bool(like), half_width_max)
            for at, width, like in zip(mean, half, inside, strict=True)
        ]

    def _answer(self, mean: float, half: float, like: bool, half_width_max: float) -> Answer:
        if not like:
            return Answer(None, None, None, "out_of_domain")
        if not np.isfinite(half):
            return Answer(None, None, None, "interval_too_wide")
        low, high = max(mean - half, 0.0), mean + half
        if self._flat:
            return Answer(None, low, high, "soc_not_identifiable")
        if half > half_width_max:
            return Answer(None, low, high, "interval_too_wide")
        return Answer(mean, low, high, None)

    def as_dict(self) -> dict[str, Any]:
        """All that is needed to have it again, as plain numbers."""
        return {
            "rows": len(self._soh),
            "groups": len(np.unique(self._groups)),
            "q_nominal_ah": list(self._rated),
            "flat": self._flat,
            "shape": self._process.shape.as_dict(),
            "factor": self._factor,
            "mae_left_out": float(np.abs(self.left_out_error).mean()),
            "group": [int(one) for one in self._groups],
            "soh_pct": [float(one) for one in self._soh],
            "volts": [[float(one) for one in row] for row in self._volts],
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Screen:
        """What `as_dict` said; KeyError, TypeError or ValueError when it did not."""
        volts = np.array(found["volts"], float)
        soh, groups = np.array(found["soh_pct"], float), np.array(found["group"], np.int64)
        if volts.ndim != 2 or len(volts) != len(soh) or len(soh) != len(groups) or len(soh) < 2:
            raise ValueError("volts, soh_pct and group are not of one length")
        if not (np.isfinite(volts).all() and np.isfinite(soh).all()):
            raise ValueError("a number is missing")
        low, high = (float(one) for one in found["q_nominal_ah"])
        return cls(volts, soh, groups, (low, high), bool(found["flat"]), Shape(**found["shape"]))


def _is_flat(rest_volts: Floats, groups: Groups) -> bool:
    """True when the rest voltages of cells that were looked at more than once hardly differ."""
    spans = [
        float(np.ptp(rest_volts[groups == group]))
        for group in np.unique(groups)
        if np.count_nonzero(groups == group) >= FLAT_ROWS
    ]
    return bool(spans) and float(np.median(spans)) < FLAT_V


def screened(
    screens: Mapping[str, Screen],
    chemistry: Sequence[str],
    volts: Floats,
    rated_ah: Floats,
    half_width_max: float,
) -> list[Answer]:
    """An answer for each row, in their order; a chemistry never learned is out of the domain."""
    unlike = Answer(None, None, None, "out_of_domain")
    found = [unlike] * len(chemistry)
    names = np.array([one.upper() for one in chemistry])
    for name, screen in screens.items():
        rows = np.flatnonzero(names == name.upper())
        if len(rows):
            answers = screen.answers(volts[rows], rated_ah[rows], half_width_max)
            for row, answer in zip(rows, answers, strict=True):
                found[int(row)] = answer
    return found
