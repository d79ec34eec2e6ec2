"""Regression by a Gaussian process whose errors on physical cells it never saw are exact.

Each cell (group) has an offset of its own, so rows of one cell count as one. Leaving a group out
needs no second fit: with P the inverse of the covariance, its residuals are inv(P_gg) (P y)_g and
their variances the diagonal of inv(P_gg) (Rasmussen and Williams, Gaussian Processes for Machine
Learning, 2006, section 5.4.2, by blocks).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stations.battery.trace import Floats

Groups = NDArray[np.int64]
JITTER = 1e-6
STEPS = (0.4, 0.2)
PULL = 0.02  # of every parameter towards where it began
TUNED_ROWS = 360


@dataclass(frozen=True, slots=True)
class Shape:
    """Natural logarithms of the kernel's parameters, in units of the standardised columns.

    Lengths of the first column and of all others, size of the smooth part, of a group's own
    offset, of the noise, and of the linear part.
    """

    first: float = -1.7
    others: float = -0.4
    smooth: float = 0.23
    group: float = -2.8
    noise: float = -2.35
    linear: float = 1.3

    def moved(self, name: str, by: float) -> Shape:
        """With one parameter changed."""
        return Shape(**{**self.as_dict(), name: getattr(self, name) + by})

    def as_dict(self) -> dict[str, float]:
        """Names and values."""
        return {name: float(getattr(self, name)) for name in self.__slots__}


def _distance(left: Floats, right: Floats) -> Floats:
    square = (left**2).sum(1)[:, None] + (right**2).sum(1)[None] - 2 * left @ right.T
    return np.asarray(np.maximum(square, 0.0) / left.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """What of a covariance does not depend on its parameters."""

    first: Floats
    others: Floats
    linear: Floats

    @classmethod
    def of(cls, left: Floats, right: Floats) -> _Parts:
        """Between the rows of two tables."""
        a, b = (left[:, :1], left[:, 1:]), (right[:, :1], right[:, 1:])
        linear = a[0] @ b[0].T + a[1] @ b[1].T / a[1].shape[1]
        return cls(_distance(a[0], b[0]), _distance(a[1], b[1]), linear)

    def apart(self, shape: Shape) -> Floats:
        """Squared distances in units of the lengths."""
        return np.asarray(
            self.first * np.exp(-2 * shape.first) + self.others * np.exp(-2 * shape.others)
        )

    def covariance(self, shape: Shape) -> Floats:
        """A rational quadratic, a linear part and a constant."""
        smooth = np.exp(2 * shape.smooth) / (1 + self.apart(shape) / 2)
        return np.asarray(smooth + np.exp(2 * shape.linear) * self.linear + 1.0)


def _inverse(parts: _Parts, same: Floats, shape: Shape) -> Floats:
    noise = np.exp(2 * shape.noise) + JITTER
    matrix = parts.covariance(shape) + np.exp(2 * shape.group) * same
    matrix[np.diag_indices_from(matrix)] += noise
    return np.asarray(np.linalg.inv(matrix))


def _left_out(inverse: Floats, target: Floats, groups: Groups) -> tuple[Floats, Floats]:
    """Residual and standard deviation of every row, its group left out."""
    weights = inverse @ target
    residual, variance = np.empty(len(target)), np.empty(len(target))
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        block = np.linalg.inv(inverse[np.ix_(rows, rows)])
        residual[rows], variance[rows] = block @ weights[rows], np.diag(block)
    return residual, np.sqrt(np.maximum(variance, JITTER**2))


class Process:
    """A fitted process. Columns are (rows, columns), the first one apart; groups number cells."""

    def __init__(self, columns: Floats, target: Floats, groups: Groups, shape: Shape) -> None:
        self.shape, self._groups = shape, groups
        self._center, self._spread = columns.mean(0), columns.std(0) + 1e-9
        self._mean, self._size = float(target.mean()), float(target.std()) or 1.0
        self._columns = self.standard(columns)
        self._target = (target - self._mean) / self._size
        self._parts = _Parts.of(self._columns, self._columns)
        same = (groups[:, None] == groups[None]).astype(float)
        self._inverse = _inverse(self._parts, same, shape)
        self._weights = self._inverse @ self._target

    def standard(self, columns: Floats) -> Floats:
        """Columns in units of their spread in the training data."""
        return np.asarray((columns - self._center) / self._spread)

    def left_out(self) -> tuple[Floats, Floats]:
        """Residual and standard deviation of every training row from all other groups."""
        residual, deviation = _left_out(self._inverse, self._target, self._groups)
        return residual * self._size, deviation * self._size

    def predict(self, columns: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of a row of a cell never seen."""
        new = self.standard(columns)
        across = _Parts.of(new, self._columns).covariance(self.shape)
        own = (new[:, 0] ** 2 + (new[:, 1:] ** 2).mean(1)) * np.exp(2 * self.shape.linear)
        variance = (
            own + 1.0 + np.exp(2 * self.shape.smooth) + np.exp(2 * self.shape.group)
            + np.exp(2 * self.shape.noise) + JITTER
            - np.einsum("ij,ij->i", across @ self._inverse, across)
        )  # fmt: skip
        deviation = np.sqrt(np.maximum(variance, JITTER))
        return self._mean + self._size * (across @ self._weights), self._size * deviation

    def nearest(self, columns: Floats) -> Floats:
        """Distance to the nearest training row, in units of the lengths."""
        apart = _Parts.of(self.standard(columns), self._columns).apart(self.shape)
        return np.asarray(np.sqrt(apart.min(1)))

    def nearest_other(self) -> Floats:
        """Of every training row the distance to the nearest one of another group."""
        apart = self._parts.apart(self.shape)
        apart[self._groups[:, None] == self._groups[None]] = np.inf
        return np.asarray(np.sqrt(apart.min(1)))


def tuned(columns: Floats, target: Floats, groups: Groups, start: Shape | None = None) -> Shape:
    """Parameters under which left-out groups are likeliest, by steps from where they begin.

    No more than `TUNED_ROWS` rows, of groups spread over the target, are looked at.
    """
    begun = start or Shape()
    rows = _thinned(target, groups)
    columns, target, groups = columns[rows], target[rows], groups[rows]
    standard = (columns - columns.mean(0)) / (columns.std(0) + 1e-9)
    scaled = (target - target.mean()) / (target.std() or 1.0)
    parts = _Parts.of(standard, standard)
    same = (groups[:, None] == groups[None]).astype(float)

    def cost(shape: Shape) -> float:
        residual, deviation = _left_out(_inverse(parts, same, shape), scaled, groups)
        away = sum(
            (one - was) ** 2
            for one, was in zip(shape.as_dict().values(), begun.as_dict().values(), strict=True)
        )
        fit = (residual / deviation) ** 2 / 2 + np.log(deviation)
        return float(fit.mean()) + PULL * away

    best, least = begun, cost(begun)
    for step in STEPS:
        for name in Shape.__slots__:
            for by in (step, -step):
                tried = best.moved(name, by)
                found = cost(tried)
                if found < least:
                    best, least = tried, found
                    break
    return best


def _thinned(target: Floats, groups: Groups) -> NDArray[np.int64]:
    names = np.unique(groups)
    order = np.argsort([target[groups == name].mean() for name in names], kind="stable")
    each = len(groups) / len(names)
    count = max(min(len(names), int(TUNED_ROWS / each)), min(len(names), 20))
    chosen = names[order[np.linspace(0, len(names) - 1, count).astype(int)]]
    rows = np.flatnonzero(np.isin(groups, chosen))
    step = max(1, -(-len(rows) // (2 * TUNED_ROWS)))
    return rows[::step]
