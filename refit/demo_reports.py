"""What the demo prints of an inspection, and who has repaired the car before it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plant.ledger import Entry, Ledger
    from wire.site import Site

WORK = ("brake-pads-front", "damper-rear-left", "bumper-paint", "battery-12v", "polish", "tyres")
PEOPLE = ("op-1", "op-2", "op-3", "op-4")


def inspection_report(
    site: Site, entry: Entry, folder: Path, progress: Callable[[int, int], None]
) -> Path:
    """The PDF of an inspection; the car's repairs and who checks it are in the ledger then, too."""
    from plant.ledger import open_ledger
    from plant.reports.documents import issue
    from wire.clock import SystemClock
    from wire.texts import Texts

    clock = SystemClock()
    with open_ledger(site.ledger, clock, create=False) as ledger:
        progress(0, 2)
        _repaired(site, ledger, entry, clock.now_ms())
        progress(1, 2)
        issued = issue(ledger, entry.id, Texts("en"), clock.now_ms())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{entry.visit or entry.id}.pdf"
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(issued.pdf)
    part.replace(path)
    return path


def _repaired(site: Site, ledger: Ledger, entry: Entry, time_ms: int) -> None:
    """A VIN, two repairs by people drawn by the visit, and an inspector who is none of them."""
    from plant.making import REPAIRS, plant_record
    from plant.quality import Quality, check_plan
    from stations.quality.independence import free
    from stations.quality.records import RepairOperation

    quality, visit = Quality(ledger, site.name), entry.visit
    if visit is None or quality.operations(visit):
        return
    first = sum(visit.encode())
    digits = "".join(one for one in visit if one.isdigit())[-7:]
    ledger.name_vehicle(visit, f"VF1REFTDEM{digits:0>7}")
    work = [
        RepairOperation(visit=visit, operation=WORK[(first + n) % len(WORK)],
                        operator=PEOPLE[(first + n) % len(PEOPLE)])
        for n in range(2)
    ]  # fmt: skip
    ledger.append([
        plant_record("repair.operation", site.name, entry.line, REPAIRS, visit, time_ms, one)
        for one in work
    ])  # fmt: skip
    inspector = free(PEOPLE, visit, quality.operations(visit))[0]
    quality.assign(visit, inspector, check_plan(), time_ms)
