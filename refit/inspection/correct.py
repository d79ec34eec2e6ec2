"""`refit inspection correct`: a correction is a new record, and what it corrects stays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from refit.inspection.rule_sets import ended

if TYPE_CHECKING:
    from stations.records import Record

app = typer.Typer()


@app.command()
def correct(
    id: Annotated[str, typer.Argument(help="The record inspection.report to correct.")],
    case: Annotated[
        Path, typer.Argument(help="The whole case as it should have been.", metavar="CASE.json")
    ],
    why: Annotated[str, typer.Option(help="Why it is corrected.", metavar="WORDS")],
    by: Annotated[str, typer.Option(help="Who corrects it: a pseudonym.", metavar="NAME")],
    site: Annotated[Path, typer.Option("--site", help="The site file.", metavar="FILE")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Correct a report: the corrected case is judged, and becomes a record of its own.

    It is judged by the rule set of the record that it corrects. That record stays as it is; what
    was printed of it verifies as replaced from then on. Print the new one with `refit inspection
    report`. Ends with 2 when the case or the record cannot be used.
    """
    import orjson

    from plant.ledger import LedgerError, LedgerUnusable, open_ledger
    from plant.reports.correcting import CannotCorrect, correction
    from refit.sites import open_site
    from wire.clock import SystemClock

    clock = SystemClock()
    loaded = open_site(site)
    try:
        text = case.read_bytes()
        with open_ledger(loaded.ledger, clock, create=False) as ledger:
            record = correction(ledger, id, text, why, by, clock.now_ms())
            ledger.append([record])
    except CannotCorrect as error:
        raise ended("correct", error.problems) from error
    except LedgerError as error:
        code = 2 if isinstance(error, LedgerUnusable) else 1
        raise ended("correct", [str(error)], code) from error
    except OSError as error:
        raise ended("correct", [f"{case}: {error.strerror or error}"]) from error
    said = _said(record)
    typer.echo(orjson.dumps(said).decode() if json else f"{id} is corrected by record {record.id}")


def _said(record: Record) -> dict[str, Any]:
    judgement = record.data["judgement"]
    return {
        "record": record.id,
        "corrects": record.data["corrects"]["record"],
        "result": judgement["result"],
        "letter": judgement["letter"],
    }
