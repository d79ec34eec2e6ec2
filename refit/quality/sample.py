"""`refit quality sample`: how many of the next lot are to be inspected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stations.quality.sampling import Lot, Ruling

app = typer.Typer()
WRONG = 2
COLUMNS = ("lot", "size", "sampled", "defective", "original")


@app.command()
def sample(
    aql: Annotated[str, typer.Option(help="Acceptance quality limit, such as 1.0.")],
    lot: Annotated[int, typer.Option(help="Units in the next lot.", min=1)],
    level: Annotated[str, typer.Option(help="I, II, III, S-1, S-2, S-3 or S-4.")] = "II",
    history: Annotated[
        Path | None,
        typer.Option(
            help=f"The lots before it: a CSV with the columns {','.join(COLUMNS)}.", metavar="FILE"
        ),
    ] = None,
    reduced_allowed: Annotated[
        bool,
        typer.Option(
            "--reduced-allowed",
            help="Production is steady, and the responsible authority allows reduced inspection.",
        ),
    ] = False,
    resumed_after: Annotated[
        str,
        typer.Option(
            help="Corrective action was agreed after this lot: inspection goes on.", metavar="LOT"
        ),
    ] = "",
    lang: Annotated[str, typer.Option(help="Language of the words: fr or en.")] = "en",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say how many of the next lot to inspect, and how many may be defective (ISO 2859-1).

    The switching rules are applied to the lots before it, original inspection only: normal,
    tightened, reduced or stopped. The code letter and the sample size are those of the plan that
    the table's arrows lead to; a sample as large as the lot is inspection of all of it. While
    inspection is stopped there is no plan: n, ac and re are null.

    Ends with 2 when the file or an option is wrong, and says which row and column.
    """
    import orjson

    from plant.quality import sampling_tables
    from refit.quality.rows import RowsRefused
    from refit.quality.wording import texts_of
    from stations.quality.sampling import Scheme, ruling
    from stations.quality.tables import NoSuchPlan, read_aql

    texts, tables = texts_of(lang), sampling_tables()
    try:
        scheme = Scheme(read_aql(aql), level, reduced_allowed)
        tables.letter(lot, level)
        tables.step(scheme.aql)
        per_unit = scheme.aql <= tables.percent_max
        lots = _lots(history, per_unit) if history is not None else []
        found = ruling(tables, scheme, lots, lot, resumed_after)
    except RowsRefused as error:
        raise _refused(error.problems) from error
    except NoSuchPlan as error:
        raise _refused([str(error)]) from error
    except ValueError as error:
        raise _refused([f"--resumed-after {resumed_after}: {error}"]) from error
    except OSError as error:
        raise _refused([f"{history}: {error.strerror}"]) from error
    _warn(found)
    if json:
        typer.echo(orjson.dumps(_said(found)).decode())
        return
    from refit.quality.wording import ruling_in_words

    typer.echo(ruling_in_words(found, scheme, lot, tables, texts))


def _lots(path: Path, per_unit: bool) -> list[Lot]:
    """The lots of a file in their order. RowsRefused with every mistake.

    `per_unit`: a unit counts once, so no more can be defective than were sampled.
    """
    from refit.quality.rows import Sheet
    from stations.quality.sampling import Lot

    sheet, lots, lines = Sheet(path, COLUMNS), [], {}
    for row in sheet.rows():
        before, name = len(sheet.problems), row.cells["lot"]
        size = sheet.whole(row, "size", 1)
        sampled = sheet.whole(row, "sampled", 1)
        defective, original = sheet.whole(row, "defective"), sheet.yes(row, "original")
        if not name:
            sheet.wrong(row, "lot", "it has no name")
        readable = len(sheet.problems) == before
        if readable and sampled > size:
            sheet.wrong(row, "sampled", f"{sampled} of a lot of {size}")
        if readable and per_unit and defective > sampled:
            sheet.wrong(row, "defective", f"{defective} of {sampled} that were sampled")
        if original and name in lines:
            again = f"{name!r} is original in row {lines[name]} too: a lot presented again is 0"
            sheet.wrong(row, "original", again)
        if original:
            lines.setdefault(name, row.line)
        lots.append(Lot(name, size, sampled, defective, original))
    sheet.refuse_if_wrong()
    return lots


def _said(found: Ruling) -> dict[str, object]:
    plan = found.plan
    return {
        "state": found.switching.state.value,
        "code": None if plan is None else plan.code,
        "n": None if plan is None else plan.n,
        "ac": None if plan is None else plan.ac,
        "re": None if plan is None else plan.re,
        "switching_score": found.switching.score,
        "reason": found.switching.reason.value + (", full_inspection" if found.full else ""),
    }


def _warn(found: Ruling) -> None:
    for one in found.mismatches:
        asked = f"the {one.state} plan {one.plan.code} in force then asks for {one.plan.n}"
        typer.echo(
            f"refit quality sample: warning: lot {one.lot}: {one.sampled} sampled, {asked};"
            " its outcome was taken as it is",
            err=True,
        )


def _refused(problems: Sequence[str]) -> typer.Exit:
    for one in problems:
        typer.echo(f"refit quality sample: {one}", err=True)
    return typer.Exit(WRONG)
