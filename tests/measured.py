"""The measured battery data beside the project, for tests: real cells, read and never copied."""

from __future__ import annotations

import csv
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parents[2] / "shared/data"
LEAF = DATA / "leaf_cell"
ONE_C = "1C-Discharge-Bitrode-data.csv"
HPPC = "NissanLeaf-cell-Low-Current-HPPC-25C-2.csv"
SLOW = "NissanLeaf-cell-Cycling-10C-24C-40C.csv"

needed = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"{DATA} has no measured data: nothing was tested on real cells"
)


def rows(name: str) -> list[list[str]]:
    """The rows of a file of the Leaf cell, as the tester wrote them."""
    with (LEAF / name).open(newline="") as file:
        found = list(csv.reader(file))
    return found[1:] if found[0][0] == "Exclude" else found


def converted(
    name: str, to: Path, degc: float | None = None, *, step: bool = True, sign: int = 1
) -> Path:
    """A file of the Leaf cell with the column names of BDF."""
    header = ["Test Time / s", "Voltage / V", "Current / A"]
    header += ["Step"] * step + ["Temperature / degC"] * (degc is not None)
    with to.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(header)
        for row in rows(name):
            line = [row[1], row[9], f"{sign * float(row[8]):g}"]
            out.writerow([*line, *[row[6]] * step, *[f"{degc}"] * (degc is not None)])
    return to


def counted(name: str, mode: str) -> list[float]:
    """What the tester's own counter showed at the end of every CHRG or DCHG."""
    found: list[float] = []
    last: list[str] = []
    for row in rows(name):
        if row[13] == mode:
            if last and (last[6], last[13]) == (row[6], mode) and float(row[7]) > float(last[7]):
                found[-1] = abs(float(row[11]))
            else:
                found.append(abs(float(row[11])))
        last = row
    return found


PULSEBAT = {"LMO": ("LMO_10Ah_W_5000.xlsx", 10.0), "NMC": ("NMC_21Ah_W_5000.xlsx", 21.0)}
SHEET = "xl/worksheets/sheet1.xml"  # SOC ALL


@dataclass(frozen=True)
class Retired:
    """Pulses of retired cells: which cell, its state of health in %, 21 voltages."""

    cell: np.ndarray
    soh_pct: np.ndarray
    volts: np.ndarray
    rated_ah: float


def retired(chemistry: str) -> Retired:
    """The retired cells of a chemistry, LMO or NMC."""
    name, rated_ah = PULSEBAT[chemistry]
    with zipfile.ZipFile(DATA / "pulsebat" / name) as book:
        sheet = book.read(SHEET).decode()
    cell = re.compile(r"<c [^>]*?(?:/>|>(?:<is><t[^>]*>(.*?)</t></is>|<v>(.*?)</v>)</c>)")
    rows = [
        [text or number for text, number in cell.findall(row)]
        for row in re.findall(r"<row [^>]*>(.*?)</row>", sheet, re.DOTALL)
    ]
    header, rows = rows[0], rows[1:]
    first = header.index("U1")
    return Retired(
        np.unique([row[header.index("ID")] for row in rows], return_inverse=True)[1],
        np.array([100 * float(row[header.index("SOH")]) for row in rows]),
        np.array([[float(one) for one in row[first : first + 21]] for row in rows]),
        rated_ah,
    )
