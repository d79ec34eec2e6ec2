"""The truth of simulated packs: full charge and a C/3 discharge at 25 degC without any sensor."""

from __future__ import annotations

import numpy as np

from stations.battery.cell import Array
from stations.battery.packs import Packs

STEP_S = 10.0
RATE_C, END_C = 1 / 3, 1 / 20
CHARGE_STEPS, REST_STEPS, DISCHARGE_STEPS = 1500, 180, 1400


def capacity_ah(packs: Packs) -> Array:
    """What each pack gives from full until its first cell is at the end of the window, (packs,).

    Full: charged at a constant current, then with the highest cell held at its end until C/20.
    """
    low, high = packs.spec.cell_v
    model = packs.at_rest(packs.soc)
    seconds = np.full((len(packs), 1), STEP_S)
    wanted = np.full_like(seconds, RATE_C * packs.spec.rated_ah)
    none = np.zeros_like(seconds)
    for _ in range(CHARGE_STEPS):
        wanted = np.clip(wanted - _excess_a(model, wanted, high), 0.0, wanted)
        wanted = np.where(wanted <= END_C * packs.spec.rated_ah, 0.0, wanted)  # full
        if not wanted.any():
            break
        model.step(wanted, seconds)
    for _ in range(REST_STEPS):
        model.step(none, seconds)
    moved = np.zeros(len(packs))
    lowest = model.cell_voltages.min(axis=1)
    done = np.zeros(len(packs), bool)
    wanted = np.full_like(seconds, -RATE_C * packs.spec.rated_ah)
    for _ in range(DISCHARGE_STEPS):
        model.step(wanted, seconds)
        now = model.cell_voltages.min(axis=1)
        part = np.clip((lowest - low) / np.maximum(lowest - now, 1e-9), 0.0, 1.0)
        step_ah = RATE_C * packs.spec.rated_ah * STEP_S / 3600
        moved += np.where(done, 0.0, np.where(now <= low, part, 1.0) * step_ah)
        done |= now <= low
        lowest = now
        if done.all():
            break
    return moved


def _excess_a(model: Packs, wanted: Array, high: float) -> Array:
    """By how much the current has to fall so that the highest cell stays at the upper end."""
    volts = model.ocv + model.v1 + model.v2 + wanted * model.resistance(STEP_S)
    excess = (volts - high) / model.resistance(STEP_S)
    above: Array = np.maximum(excess.max(axis=1, keepdims=True), 0.0)
    return above
