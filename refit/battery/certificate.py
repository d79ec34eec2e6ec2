"""`refit battery certificate`: the PDF that a buyer is handed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refit.battery.options import AsJson, ended, say_json

if TYPE_CHECKING:
    from stations.battery.record import PackRecord
    from stations.battery.trace import Trace

app = typer.Typer()
BLOCK = 1 << 20


@app.command()
def certificate(
    record: Annotated[
        Path, typer.Argument(help="A record `battery.qualification`.", metavar="RECORD.json")
    ],
    out: Annotated[Path, typer.Option(help="The PDF to make.", metavar="X.pdf")],
    lang: Annotated[str, typer.Option(help="Its language: en or fr.")] = "en",
    trace: Annotated[
        Path | None,
        typer.Option(help="The raw trace; else the one beside the record, if it is there."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Print the certificate of a battery: grade, state of health with its interval, modules, proof.

    Curves of the test are drawn when the raw trace is there; it must be the one whose SHA-256 the
    record has. The same record makes the same file, byte for byte. Needs the extra `reports`.

    Ends with 2 when the record or the trace cannot be used, and says why.
    """
    from plant.reports.battery import battery_pdf
    from plant.reports.extra import ReportsMissing
    from refit.battery.records import RecordUnusable, read_record
    from refit.battery.traces import TraceUnusable
    from refit.exporting.files import whole_file
    from wire.texts import Texts, UnknownLanguage

    if not out.parent.is_dir():
        raise ended("certificate", [f"there is no folder {out.parent}: make it first"])
    try:
        texts = Texts(lang)
        found = read_record(record)
        pdf = battery_pdf(found, texts, _trace(record, found, trace))
        with whole_file(out) as file:
            file.write(pdf)
    except (ReportsMissing, RecordUnusable, TraceUnusable, UnknownLanguage) as error:
        raise ended("certificate", [str(error)]) from error
    except OSError as error:
        raise ended("certificate", [f"{out}: {error.strerror or error}"]) from error
    letter = found.grade.grade if found.grade else None
    if json:
        digest = hashlib.sha256(pdf).hexdigest()
        record_id = found.record_id
        say_json({"certificate": str(out), "sha256": digest, "grade": letter, "record": record_id})
    else:
        typer.echo(f"{out}: {letter or 'no grade'}, {found.record_id}")


def _trace(record: Path, found: PackRecord, given: Path | None) -> Trace | None:
    """The raw trace, when it is there; TraceUnusable when it is another one."""
    from refit.battery.traces import TraceUnusable, read_trace

    beside = None if found.trace_file is None else record.parent / Path(found.trace_file).name
    path = given or (beside if beside is not None and beside.is_file() else None)
    if path is None:
        return None
    if found.trace_sha256 is not None and _sha256(path) != found.trace_sha256:
        told = f"{path}: its SHA-256 is not the one that the record has; it is another trace"
        raise TraceUnusable(told)
    try:
        return read_trace(path, found.series, found.rated_ah)
    except OSError as error:
        raise TraceUnusable(f"{path}: {error.strerror or error}") from error


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as error:
        from refit.battery.traces import TraceUnusable

        raise TraceUnusable(f"{path}: {error.strerror or error}") from error
    return digest.hexdigest()
