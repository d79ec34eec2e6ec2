"""`refit battery grade`: the grade of a record, found again from its gates and results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from stations.battery.record import PackRecord

app = typer.Typer()
COMMAND = "grade"


@app.command()
def grade(
    record: Annotated[
        Path, typer.Argument(help="A record.json of a qualification.", metavar="RECORD.json")
    ],
    order: Annotated[
        Path | None, typer.Option(help="For grade C: write the repair order into this file.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Grade a pack: A reuse, B second life, C repair (which modules), D recycle, HOLD.

    The grade is the best one of which all rules pass with their uncertainty; a gate that failed
    overrides it, what was not measured passes nothing, and HOLD names the next test. What the
    record says of its own grade is not looked at.

    Ends with 2 when the record is refused, and says why.
    """
    from refit.battery.options import ended
    from refit.battery.records import RecordUnusable
    from refit.battery.repair import order as repair_order

    try:
        found = graded_record(record)
    except RecordUnusable as error:
        raise ended(COMMAND, [str(error)]) from error
    letter = found.grade.grade if found.grade else "HOLD"
    if order is not None:
        if letter != "C":
            raise ended(COMMAND, [f"--order: grade {letter} has no modules to exchange"])
        order.write_text(repair_order(found), encoding="utf-8")
    if json:
        import json as encoder

        typer.echo(encoder.dumps(told(found), ensure_ascii=False))
        return
    for line in lines_of(found):
        typer.echo(line)
    if letter == "C" and order is None:
        typer.echo("")
        typer.echo(repair_order(found).rstrip("\n"))


def graded_record(path: Path) -> PackRecord:
    """The record of a file, graded anew; RecordUnusable says what is wrong with it."""
    from refit.battery.records import read_record
    from stations.battery.qualification import grade_of

    record = read_record(path)
    return record.model_copy(update={"grade": grade_of(record)})


def told(record: PackRecord) -> dict[str, Any]:
    """What `--json` prints."""
    soh = record.result("soh_pct")
    valid = soh is not None and soh.valid
    found = record.grade
    return {
        "grade": found.grade if found else None,
        "name": found.name if found else None,
        "soh_pct": soh.value if soh is not None and valid else None,
        "u95_pct": soh.u95 if soh is not None and valid else None,
        "weak_modules": list(record.weak_modules),
        "joint_modules": list(record.joint_modules),
        "modules_to_exchange": sorted({*record.weak_modules, *record.joint_modules})
        if found and found.grade == "C"
        else [],
        "reasons": list(found.reasons) if found else [],
        "next_test": found.next_test if found else None,
        "gates_failed": list(found.gates_failed) if found else [],
        "gates_undecided": list(found.gates_undecided) if found else [],
        "rules": [one.model_dump(mode="json") for one in found.rules] if found else [],
        "record_id": record.record_id,
        "simulated": record.simulated,
    }


def lines_of(record: PackRecord) -> Iterator[str]:
    """What a person reads."""
    found = record.grade
    if found is None:
        return
    simulated = " (simulated)" if record.simulated else ""
    yield f"{record.battery_id}, {record.pack_model}{simulated}: grade {found.grade}, {found.name}"
    soh = record.result("soh_pct")
    if soh is not None and soh.valid and soh.value is not None:
        yield f"state of health {soh.value:.2f} % +- {soh.u95 or 0:.2f} (k = 2): {soh.method}"
    else:
        reasons = ", ".join(soh.reasons) if soh else "not measured"
        yield f"state of health: none ({reasons})"
    if record.weak_modules:
        yield f"weak modules: {', '.join(map(str, record.weak_modules))}"
    if record.joint_modules:
        yield f"bad joint suspected in module: {', '.join(map(str, record.joint_modules))}"
    for reason in found.reasons:
        yield f"- {reason}"
    if found.next_test:
        yield f"next: {found.next_test}"
    bms = record.bms
    if bms.soh_pct is not None and bms.soh_difference is not None:
        disagrees = " and disagrees" if bms.reasons else ""
        yield f"the BMS says {bms.soh_pct:g} %{disagrees} ({bms.soh_difference:+.1f} points)"
