"""`refit battery passport`: the battery passport's performance part of a qualification."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from refit.battery.options import ended, say_json

if TYPE_CHECKING:
    from stations.battery.record import PackRecord

app = typer.Typer()


@app.command()
def passport(
    record: Annotated[
        Path, typer.Argument(help="A record `battery.qualification`.", metavar="RECORD.json")
    ],
    version: Annotated[
        str, typer.Option(help="Version of the BatteryPass model: 1.2.0 or 1.2.1.")
    ] = "1.2.1",
    status: Annotated[
        str | None,
        typer.Option(
            help="original, reused, repurposed, remanufactured or waste; else as it says."
        ),
    ] = None,
    certified_wh: Annotated[
        float | None,
        typer.Option(help="Certified usable energy (UN GTR 22) in Wh: only with it is there SOCE."),
    ] = None,
    qr: Annotated[
        Path | None, typer.Option(help="Write the record's id as a QR code, .svg or .png.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON is what it always prints.")] = True,
) -> None:
    """Print what a battery passport says of this battery's performance, as JSON.

    Keys are those of the BatteryPass data model (after DIN DKE SPEC 99100), its mistakes included.
    The law wins over what the model requires: the state of health of an electric vehicle's battery
    is its state of certified energy alone, so the five other quantities are left out; they are for
    stationary storage. Whatever is left out, assumed or wrong in the model stands in `deviations`.

    Ends with 2 when no passport can be made, and says why.
    """
    from refit.battery.records import RecordUnusable, read_record
    from stations.battery.passport import Unfit
    from stations.battery.passport import passport as document
    from stations.battery.passport_record import battery_of

    if certified_wh is not None and not certified_wh > 0:
        raise ended("passport", [f"--certified-wh {certified_wh:g}: must be above 0"])
    try:
        found = read_record(record)
        made = document(battery_of(found, status, certified_wh), version)
    except (RecordUnusable, Unfit) as error:
        raise ended("passport", [str(error)]) from error
    if qr is not None:
        _write_code(found, qr)
    say_json({"recordId": found.record_id, **_origin(found), **made})


def _origin(found: PackRecord) -> dict[str, Any]:
    return {"simulated": True, "simulatedFrom": found.simulated_from} if found.simulated else {}


def _write_code(found: PackRecord, target: Path) -> None:
    if target.suffix not in (".svg", ".png"):
        raise ended("passport", [f"--qr {target}: a name that ends in .svg or .png"])
    try:
        import segno
    except ImportError as error:
        raise ended(
            "passport", ["--qr needs the extra `reports`: pip install refit[reports]"]
        ) from error
    try:
        segno.make(found.record_id, error="m", micro=False).save(str(target), scale=4)
    except OSError as error:
        raise ended("passport", [f"--qr {target}: {error.strerror}"]) from error
