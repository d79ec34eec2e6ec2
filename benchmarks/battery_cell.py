"""The parameters of the simulated packs' cell, from the measured one.

`python -m benchmarks.battery_cell ../shared/data/leaf_cell [--out FILE]` reads the pulse test at
25 degC, fits the circuit of `stations.battery.identify` to its discharge and writes the nodes with
the fit's error as TOML. The parts that were not fitted (slow charge, discharges at 1C) are
predicted with them, which is the check. The measured files are not part of this repository.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomli_w

from stations.battery.identify import Array, Fit, identified, predicted

OUT = Path(__file__).parents[1] / "stations/battery/data/leaf_cell.toml"
PULSES, CYCLES = "NissanLeaf-cell-Low-Current-HPPC-25C-2.csv", "1C-Discharge-Bitrode-data.csv"
SOC_MIN = 0.05  # below it the curve is so steep that the start of a charge says nothing
SOURCE = "batterysim/nissan-leaf-data @ b2222ed (MIT): " + PULSES


@dataclass(frozen=True, eq=False)
class Rows:
    """The tester's rows: time at the end of each, current (0 in rests), voltage, charge moved."""

    time_s: Array
    step_s: Array
    current_a: Array
    voltage_v: Array
    ah: Array

    def part(self, chosen: slice) -> Rows:
        """Some of the rows."""
        return Rows(
            *(one[chosen] for one in (self.time_s, self.step_s, self.current_a)),
            self.voltage_v[chosen], self.ah[chosen],
        )  # fmt: skip


def read(path: Path) -> Rows:
    """A file of the tester: a row is the end of its sample, step counters begin anew each step."""
    with path.open(newline="") as lines:
        rows = [row for row in csv.reader(lines) if row and row[0] == "No"]
    time_s, step_s, current_a, voltage_v = (
        np.array([float(row[column]) for row in rows]) for column in (1, 7, 8, 9)
    )
    current_a[[row[13] == "REST" for row in rows]] = 0.0  # a rest shows 0.01 A now and then
    seconds = np.diff(time_s, prepend=0.0)
    begins = np.diff(step_s, prepend=np.inf) < 0
    seconds[begins] = np.minimum(step_s, seconds)[begins]
    return Rows(time_s, step_s, current_a, voltage_v, np.cumsum(current_a * seconds / 3600))


def pulse_test(rows: Rows) -> tuple[Rows, float, Array]:
    """From full to empty, the capacity in Ah, and the state of charge at each row."""
    full = int(np.flatnonzero((rows.current_a == 0) & (rows.voltage_v > 4.15))[0])
    part = rows.part(slice(full, None))
    q_ah = float(part.ah[0] - part.ah[-1])
    return part, q_ah, 1 + (part.ah - part.ah[0]) / q_ah


def checked(fit: Fit, q_ah: float, slow: Rows, cycles: Rows) -> dict[str, float]:
    """RMS error in V on what the fit has not seen: the charge at 10 A and discharges at 1C."""
    charge = slow.part(slice(0, int(np.flatnonzero(slow.current_a < 9.9)[0])))
    soc = 1 + (charge.ah - slow.ah[int(np.flatnonzero(slow.current_a == 0)[0])]) / q_ah
    begun = int(np.flatnonzero(soc > SOC_MIN)[0])
    found = {"charge_10a": _rms(fit, charge.part(slice(begun, None)), soc[begun:])}
    flowing = (cycles.current_a < -30).astype(int)
    starts = np.flatnonzero(np.diff(flowing, prepend=0) == 1)
    ends = np.flatnonzero(np.diff(flowing, append=0) == -1) + 1
    errors = []
    for start, end in zip(starts, ends, strict=True):
        part = cycles.part(slice(int(start), int(end)))
        errors.append(_rms(fit, part, 1 + (part.ah - cycles.ah[start - 1]) / q_ah) ** 2)
    return found | {"discharge_1c": float(np.sqrt(np.mean(errors)))}


def _rms(fit: Fit, rows: Rows, soc: Array) -> float:
    error = predicted(fit, rows.time_s, rows.current_a, soc) - rows.voltage_v
    return float(np.sqrt(np.mean(error**2)))


def table(fit: Fit, q_ah: float, checks: dict[str, float]) -> dict[str, object]:
    """What is written."""
    return {
        "name": "leaf_cell",
        "source": SOURCE,
        "method": "linear least squares over the discharge from full, stations.battery.identify",
        "capacity_ah": round(q_ah, 3),
        "temperature_degc": 25.0,
        "cell_v": [3.0, 4.2],
        "tau_s": list(fit.tau_s),
        "ocv": {"soc": _rounded(fit.ocv_soc, 4), "volts": _rounded(fit.ocv_v, 4)},
        "resistance": {
            "soc": _rounded(fit.r_soc, 4),
            "r0_ohm": _rounded(fit.r0_ohm, 7),
            "r1_ohm": _rounded(fit.r1_ohm, 7),
            "r2_ohm": _rounded(fit.r2_ohm, 7),
        },
        "fit": {
            "samples": fit.samples,
            "rms_mv": round(1000 * fit.rms_v, 2),
            "max_mv": round(1000 * fit.max_v, 2),
        },
        "not_fitted": {f"{name}_rms_mv": round(1000 * value, 1) for name, value in checks.items()},
    }


def _rounded(values: Array, digits: int) -> list[float]:
    return [round(float(one), digits) for one in values]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and write; 1 when the files are not there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.battery_cell", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args(arguments)
    missing = [name for name in (PULSES, CYCLES) if not (given.folder / name).is_file()]
    if missing:
        print(f"{given.folder}: there is no {' and no '.join(missing)}", file=sys.stderr)
        return 1
    slow = read(given.folder / PULSES)
    rows, q_ah, soc = pulse_test(slow)
    begins = (rows.current_a < -25) & (np.diff(rows.step_s, prepend=np.inf) < 0)
    fit = identified(rows.time_s, rows.current_a, rows.voltage_v, soc, np.sort(soc[begins]))
    found = table(fit, q_ah, checked(fit, q_ah, slow, read(given.folder / CYCLES)))
    given.out.write_text(
        "# Written by `python -m benchmarks.battery_cell`; not by hand.\n" + tomli_w.dumps(found)
    )
    print(found["fit"], found["not_fitted"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
