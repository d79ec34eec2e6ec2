"""`refit inspection report`: the PDF of an inspection, from the ledger."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from refit.inspection.rule_sets import Language, ended, texts_of

app = typer.Typer()
OWNER_ONLY = 0o600  # the VIN stands in it


@app.command()
def report(
    id: Annotated[str, typer.Argument(help="The id of a record inspection.report.", metavar="ID")],
    site: Annotated[Path, typer.Option("--site", help="The site file.", metavar="FILE")],
    out: Annotated[Path, typer.Option(help="The PDF to make.", metavar="X.pdf")],
    lang: Language = "en",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the report of an inspection as a PDF, and put the file's SHA-256 into the ledger.

    The record is in the ledger already; its number and hash there are printed, and stand in the QR
    code. The same report again is the same file, byte for byte. The file may be read by its owner
    only, because the VIN is in it. Needs the extra `reports`.

    Ends with 2 when there is no such record, 1 when the ledger cannot be had now.
    """
    import orjson

    from plant.ledger import LedgerError, LedgerUnusable, open_ledger
    from plant.reports.documents import issue
    from plant.reports.extra import ReportsMissing
    from plant.reports.inspection_facts import NotPrintable
    from refit.exporting.files import whole_file
    from refit.sites import open_site
    from wire.clock import SystemClock

    texts, clock = texts_of("report", lang), SystemClock()
    loaded = open_site(site)
    if not out.parent.is_dir():
        raise ended("report", [f"there is no folder {out.parent}: make it first"])
    try:
        with open_ledger(loaded.ledger, clock, create=False) as ledger:
            issued = issue(ledger, id, texts, clock.now_ms())
        with whole_file(out) as file:
            os.fchmod(file.fileno(), OWNER_ONLY)
            file.write(issued.pdf)
    except (NotPrintable, ReportsMissing) as error:
        raise ended("report", [str(error)]) from error
    except LedgerError as error:
        code = 2 if isinstance(error, LedgerUnusable) else 1
        raise ended("report", [str(error)], code) from error
    said = issued.document.data
    if json:
        shown = {"report": str(out), "document": issued.document.id, "new": issued.is_new}
        typer.echo(orjson.dumps({**shown, **said}).decode())
    else:
        typer.echo(f"{out}: record {id}, ledger number {said['number']}, SHA-256 {said['sha256']}")
