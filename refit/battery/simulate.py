"""`refit battery simulate`: a pack that is none, qualified as a real one would be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from simulators.battery.campaign import Simulated
    from stations.battery.cell import PackSpec
    from stations.battery.draw import Fault
    from stations.battery.protocol import Protocol
    from stations.battery.record import PackRecord

app = typer.Typer()
COMMAND = "simulate"
FAULTS_HELP = (
    "weak-module[=N], joint[=N], isolation-leak[=OHM], current-drift[=A_PER_H], lying-bms[=POINTS],"
    " runaway[=N], stuck-contactor, imbalance[=V], negative-code; modules N from 1, drawn if not"
    " given. May be given several times."
)
MADE_AT = "2026-01-01T00:00:00Z"  # the same seed makes the same record


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="The folder to write; made if it is not there.")],
    pack: Annotated[str, typer.Option(help="ze40, ze50 or zoe22.")] = "ze40",
    seed: Annotated[int, typer.Option(help="The same seed makes the same pack.", min=0)] = 0,
    protocol: Annotated[str, typer.Option(help="full, quick or pulse.")] = "full",
    fault: Annotated[
        list[str] | None, typer.Option(help=FAULTS_HELP, metavar="NAME[=VALUE]")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Qualify a simulated pack: run the protocol on it, evaluate the trace, grade it.

    The folder gets trace.csv (columns of the Battery Data Format), record.json, truth.json (what
    is so of the pack, whatever was measured) and, for grade C, repair.txt. The pack is simulated
    from a real cell and marked so. Ends with 2 when an option cannot be.
    """
    from refit.battery.options import ended

    try:
        spec, steps, faults = _asked(pack, protocol, fault or [])
    except (LookupError, ValueError) as error:
        raise ended(COMMAND, [str(error.args[0])]) from error
    if out.exists() and not out.is_dir():
        raise ended(COMMAND, [f"--out {out}: it is a file; want a folder"])
    one = _run(spec, steps, seed, faults, loud=not json)
    record = _written(out, one, spec, steps)
    told = summary(record, one)
    if json:
        import json as encoder

        typer.echo(encoder.dumps(told, ensure_ascii=False))
    else:
        _show(record, told, out)


def _asked(
    pack: str, protocol: str, faults: list[str]
) -> tuple[PackSpec, Protocol, tuple[Fault, ...]]:
    from stations.battery.cell import pack_spec
    from stations.battery.draw import read_fault
    from stations.battery.protocol import protocol as protocol_of

    spec = pack_spec(pack)
    found = tuple(read_fault(one, spec) for one in faults)
    return spec, protocol_of(protocol, spec), found


def _run(
    spec: PackSpec, steps: Protocol, seed: int, faults: tuple[Fault, ...], loud: bool
) -> Simulated:
    from refit.running import progress_of
    from simulators.battery.campaign import simulated
    from stations.battery.protocol import expected_s

    expected = round(sum(expected_s(steps, 0.35, 0.85)))
    if loud:
        typer.echo(f"{steps.id}: {steps.title}; about {expected / 3600:.1f} h", err=True)
    with progress_of(f"{spec.name}, {steps.id}, seconds of the test") as done:
        return simulated(
            spec, steps, [seed], [faults], lambda passed: done(round(passed), expected)
        )[0]


def _written(out: Path, one: Simulated, spec: PackSpec, steps: Protocol) -> PackRecord:
    """The three or four files; the record names the trace by its hash."""
    import json as encoder
    from importlib.metadata import version

    from refit.battery.repair import order
    from refit.battery.trace_file import write_trace
    from simulators.battery.campaign import SIMULATED_FROM
    from stations.battery.cell import identified_cell
    from stations.battery.qualification import Names, qualified

    out.mkdir(parents=True, exist_ok=True)
    for name in ("record.json", "truth.json", "repair.txt"):
        (out / name).unlink(missing_ok=True)  # of an earlier run
    sha256 = write_trace(out / "trace.csv", one.run)
    battery = f"SIM-{spec.key}-{one.truth.seed}"
    names = Names(
        record_id=f"{battery}-{sha256[:16]}", battery_id=battery, serial=battery,
        station="simulated", made_at=MADE_AT, simulated=True, simulated_from=SIMULATED_FROM,
        trace_file="trace.csv", trace_sha256=sha256, software={"refit": version("refit")},
    )  # fmt: skip
    record = qualified(one.evidence, spec, identified_cell(), steps, names)
    _put(out / "record.json", encoder.dumps(record.plain(), indent=1, ensure_ascii=False))
    _put(out / "truth.json", encoder.dumps(one.truth.plain(), indent=1))
    if record.grade is not None and record.grade.grade == "C":
        _put(out / "repair.txt", order(record))
    return record


def _put(path: Path, text: str) -> None:
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def summary(record: PackRecord, one: Simulated) -> dict[str, Any]:
    """What `--json` prints."""
    soh = record.result("soh_pct")
    is_known = soh is not None and soh.valid and soh.value is not None
    grade = record.grade
    return {
        "grade": grade.grade if grade else None,
        "soh_pct": round(soh.value, 3) if is_known and soh and soh.value is not None else None,
        "u95_pct": round(soh.u95, 3) if is_known and soh and soh.u95 is not None else None,
        "weak_modules": list(record.weak_modules),
        "joint_modules": list(record.joint_modules),
        "reasons": list(grade.reasons) if grade else [],
        "next_test": grade.next_test if grade else None,
        "protocol": record.protocol.id,
        "stopped_by": list(record.protocol.stopped_by),
        "simulated": record.simulated,
        "truth": one.truth.plain(),
    }


def _show(record: PackRecord, told: dict[str, Any], out: Path) -> None:
    from refit.battery.grade import lines_of

    for line in lines_of(record):
        typer.echo(line)
    truth = told["truth"]
    typer.echo(f"truth: {truth['soh_pct']:.2f} %, weak modules {truth['weak_modules'] or 'none'}")
    typer.echo(f"simulated pack; files in {out}")
