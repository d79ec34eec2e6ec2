"""`refit inspection verify`: is a report true? By its file, or by what stands on the paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refit.inspection.rule_sets import Language, ended, texts_of

if TYPE_CHECKING:
    from plant.ledger import Ledger
    from plant.reports.documents import Verified

app = typer.Typer()
PDF_BYTES_MAX = 64 << 20
CODES = {"valid": 0, "altered": 1, "replaced": 3, "unknown": 4}


@app.command()
def verify(
    report: Annotated[
        Path | None, typer.Argument(help="The PDF of a report.", metavar="[REPORT.pdf]")
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option(help="sqlite:FILE or postgresql://USER@HOST/DATABASE.", metavar="URL"),
    ] = None,
    site: Annotated[
        Path | None,
        typer.Option("--site", help="A site file instead: its ledger.", metavar="FILE"),
    ] = None,
    id: Annotated[str | None, typer.Option(help="The record's id, as on the paper.")] = None,
    hash: Annotated[
        str | None, typer.Option("--hash", help="The hash, as on the paper.", metavar="HASH")
    ] = None,
    lang: Language = "en",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask a ledger whether a report is true: its file, or paper by --id and --hash.

    valid: it was printed from this ledger and stands. replaced: it was, and a correction stands in
    its place. altered: it names a record of this ledger, but its file or its hash is another.
    unknown: this ledger knows nothing of it.

    Ends with 0 when it is valid, 1 altered, 3 replaced, 4 unknown; with 2 when nothing can be
    asked, because a file or the ledger cannot be read.
    """
    import orjson

    from plant.ledger import LedgerError
    from plant.reports.documents import verify_file, verify_paper

    texts = texts_of("verify", lang)
    if (report is None) == (id is None or hash is None) or (report and (id or hash)):
        raise ended("verify", ["name REPORT.pdf, or give both --id and --hash"])
    if (ledger is None) == (site is None):
        raise ended("verify", ["say which ledger: --ledger URL, or --site FILE"])
    try:
        with _opened(ledger, site) as opened:
            if report is not None:
                found = verify_file(opened, _read(report))
            else:
                found = verify_paper(opened, id or "", hash or "")
    except LedgerError as error:
        raise ended("verify", [str(error)]) from error
    except OSError as error:
        raise ended("verify", [f"{error.filename or report}: {error.strerror or error}"]) from error
    if json:
        said = {
            "status": found.status.value, "record": found.record, "number": found.number,
            "document": found.document, "replaced_by": found.replaced_by,
        }  # fmt: skip
        typer.echo(orjson.dumps(said).decode())
    else:
        from wire.texts.documents import verified_in_words

        typer.echo(verified_in_words(texts, found.status.value, _about(found)))
    code = CODES[found.status.value]
    if code:
        raise typer.Exit(code)


def _opened(url: str | None, site: Path | None) -> Ledger:
    from plant.ledger import Ledger, open_ledger
    from refit.sites import open_site
    from wire.clock import SystemClock

    if site is not None:
        return open_ledger(open_site(site).ledger, SystemClock(), create=False)
    # Nothing is written, so the second place of the head is not looked at.
    assert url is not None
    head = None if url.startswith("sqlite:") else Path("no-such-folder") / "ledger.head"
    return Ledger(url, SystemClock(), head=head, create=False)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(PDF_BYTES_MAX + 1)
    if len(data) > PDF_BYTES_MAX:
        raise ended("verify", [f"{path}: no report has more than {PDF_BYTES_MAX} bytes"])
    return data


def _about(found: Verified) -> dict[str, object]:
    return {
        "record": found.record or "", "number": found.number or "",
        "replaced_by": found.replaced_by or "",
    }  # fmt: skip
