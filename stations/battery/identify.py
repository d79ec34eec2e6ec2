"""The equivalent circuit of a cell from a measured pulse test, by linear least squares.

V = OCV(s) + I R0(s) + v1 + v2 with v_j' = (R_j(s) I - v_j) / tau_j is linear in the nodes of OCV,
R0, R1 and R2 once both time constants are known; these are looked for on a grid. I > 0 is charge.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

OCV_SOC = np.concatenate([np.arange(0, 0.10, 0.01), np.arange(0.10, 1.0001, 0.025)])
# What relaxes hides in the OCV between two rests: more nodes would be found as noise.
LAG_SOC = np.array([0.06, 0.17, 1.0])
TAU1_S = (8.0, 12.0, 18.0, 27.0, 40.0)
TAU2_S = (150.0, 230.0, 350.0, 530.0, 800.0, 1200.0)


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What was found: nodes over the state of charge (0 to 1), Ohm, s; errors in V."""

    ocv_soc: Array
    ocv_v: Array
    r_soc: Array
    r0_ohm: Array
    r1_ohm: Array
    r2_ohm: Array
    tau_s: tuple[float, float]
    rms_v: float
    max_v: float
    samples: int


def identified(time_s: Array, current_a: Array, voltage_v: Array, soc: Array, r_soc: Array) -> Fit:
    """Fit all samples; `soc` by counting the charge, `r_soc` where pulses were made (ascending)."""
    best: tuple[float, Array, tuple[float, float], Array] | None = None
    fast = {tau: _lagged(time_s, _driven(soc, current_a, LAG_SOC), tau) for tau in TAU1_S}
    slow = {tau: _lagged(time_s, _driven(soc, current_a, LAG_SOC), tau) for tau in TAU2_S}
    instant = np.hstack([hats(soc, OCV_SOC), _driven(soc, current_a, r_soc)])
    for taus in product(TAU1_S, TAU2_S):
        matrix = np.hstack([instant, fast[taus[0]], slow[taus[1]]])
        nodes, *_ = np.linalg.lstsq(matrix, voltage_v, rcond=None)
        error: Array = matrix @ nodes - voltage_v
        rms = float(np.sqrt(np.mean(error**2)))
        if best is None or rms < best[0]:
            best = rms, np.asarray(nodes, np.float64), taus, error
    assert best is not None  # the grid is not empty
    rms, nodes, taus, error = best
    count, at = len(OCV_SOC), len(r_soc)
    r0, r1, r2 = np.split(nodes[count:], [at, at + len(LAG_SOC)])
    lagged = hats(r_soc, LAG_SOC)
    return Fit(
        ocv_soc=OCV_SOC, ocv_v=nodes[:count], r_soc=r_soc,
        r0_ohm=r0, r1_ohm=lagged @ r1, r2_ohm=lagged @ r2,
        tau_s=taus, rms_v=rms, max_v=float(np.abs(error).max()), samples=len(time_s),
    )  # fmt: skip


def predicted(fit: Fit, time_s: Array, current_a: Array, soc: Array) -> Array:
    """What the circuit shows for a current, starting relaxed: for a check on other data."""
    driven = _driven(soc, current_a, fit.r_soc)
    fast, slow = (_lagged(time_s, driven, tau) for tau in fit.tau_s)
    return (
        hats(soc, fit.ocv_soc) @ fit.ocv_v
        + driven @ fit.r0_ohm
        + fast @ fit.r1_ohm
        + slow @ fit.r2_ohm
    )


def _driven(soc: Array, current_a: Array, nodes: Array) -> Array:
    driven: Array = hats(soc, nodes) * current_a[:, None]
    return driven


def hats(at: Array, nodes: Array) -> Array:
    """Weight of each node in a linear interpolation at these places; constant beyond the ends."""
    place = np.clip(at, nodes[0], nodes[-1])
    left = np.clip(np.searchsorted(nodes, place, "right") - 1, 0, len(nodes) - 2)
    part = (place - nodes[left]) / (nodes[left + 1] - nodes[left])
    weights = np.zeros((len(at), len(nodes)))
    rows = np.arange(len(at))
    weights[rows, left] = 1 - part
    weights[rows, left + 1] += part
    return weights


def _lagged(time_s: Array, driven: Array, tau_s: float) -> Array:
    """First-order lag of each column; a row's current flowed since the row before it."""
    decay = np.exp(-np.diff(time_s, prepend=time_s[0]) / tau_s)
    out = np.zeros_like(driven)
    level = np.zeros(driven.shape[1])
    for row, factor in enumerate(decay):
        level = level * factor + driven[row] * (1 - factor)
        out[row] = level
    return out
