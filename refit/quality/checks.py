"""`refit quality plan|assign|check|figures`: the independent check of a car."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from plant.quality import Quality
    from stations.quality.figures import Figures

app = typer.Typer()
WRONG = 2
CHECKS_MAX = 10_000

SiteFile = Annotated[Path, typer.Option("--site", help="The site file.", metavar="FILE")]
Visit = Annotated[str, typer.Argument(help="The visit of the car.", metavar="VISIT")]
Inspector = Annotated[str, typer.Option(help="The inspector's pseudonym.", metavar="NAME")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def plan(
    lang: Annotated[str, typer.Option(help="Language of the words: fr or en.")] = "en",
    json: AsJson = False,
) -> None:
    """Show the points that are checked on a car, with their classes and demerits."""
    import orjson

    from plant.quality import check_plan
    from refit.quality.wording import texts_of

    texts_of(lang)
    found = check_plan()
    if json:
        points = [
            {"id": one.id, "block": one.block, "class": one.severity, "photo": one.photo,
             "text": one.text[lang]} for one in found.points
        ]  # fmt: skip
        said = {"plan": found.name, "version": found.version, "weights": dict(found.weights)}
        typer.echo(orjson.dumps({**said, "points": points}).decode())
        return
    for block in found.blocks:
        typer.echo(block)
        for one in (point for point in found.points if point.block == block):
            photo = "photo" if one.photo else ""
            typer.echo(f"  {one.severity}  {one.id:<22} {photo:<6} {one.text[lang]}")


@app.command()
def assign(visit: Visit, inspector: Inspector, site: SiteFile, json: AsJson = False) -> None:
    """Assign who checks a car; refused when he has repaired it.

    Who has repaired it is known from the records repair.operation of the ledger. The assignment is
    a record quality.assignment. Ends with 1 when it is refused, and says which work speaks against
    it; with 2 when the ledger knows nothing of the visit.
    """
    from plant.quality import NotIndependent, check_plan
    from wire.clock import SystemClock

    with _quality(site, "assign") as quality:
        try:
            record = quality.assign(visit, inspector, check_plan(), SystemClock().now_ms())
        except NotIndependent as error:
            if json:
                found = [
                    {"record": one.record, "operation": one.operation} for one in error.objections
                ]
                _echo({"assigned": False, "visit": visit, "objections": found})
            raise _ended("assign", [str(error)], 1) from error
    if json:
        _echo({"assigned": True, "visit": visit, "record": record.id, "data": record.data})
    else:
        typer.echo(f"{inspector} checks the car of {visit}: record {record.id}")


@app.command()
def check(
    visit: Visit,
    answers: Annotated[
        Path,
        typer.Argument(
            help='A JSON list: {"point", "outcome": "ok|defect|not_applicable", "severity",'
            ' "photos": [SHA-256], "note"}.',
            metavar="ANSWERS.json",
        ),
    ],
    inspector: Inspector,
    site: SiteFile,
    json: AsJson = False,
) -> None:
    """Record the check of a car: every point answered, by the inspector who is assigned.

    It becomes a record quality.check with its defects and demerits. Ends with 1 when the check is
    refused because the inspector has repaired the car, with 2 when the answers are not whole.
    """
    from plant.quality import NotIndependent, check_plan, read_answers
    from stations.quality.checking import CheckRefused
    from wire.clock import SystemClock

    try:
        given = read_answers(answers.read_bytes())
    except (OSError, ValueError) as error:
        raise _ended(
            "check", [f"{answers}: {getattr(error, 'strerror', None) or error}"]
        ) from error
    with _quality(site, "check") as quality:
        try:
            now_ms = SystemClock().now_ms()
            record = quality.check(visit, inspector, check_plan(), given, now_ms)
        except NotIndependent as error:
            raise _ended("check", [str(error)], 1) from error
        except CheckRefused as error:
            raise _ended("check", [f"{answers}: {one}" for one in error.problems]) from error
    if json:
        _echo({"record": record.id, **{k: v for k, v in record.data.items() if k != "answers"}})
        return
    said = record.data
    typer.echo(f"{visit}: {said['demerits']} demerits, released: {said['released']}")


@app.command()
def figures(
    site: SiteFile,
    limit: Annotated[
        int, typer.Option(help="Of so many checks, the latest.", min=1, max=CHECKS_MAX)
    ] = 1000,
    json: AsJson = False,
) -> None:
    """Show defects per unit, first pass yields, their product, and demerits, of the latest checks.

    Each with its numerator and denominator; a car that is checked again counts once. Over no car
    there is no value.
    """
    from plant.quality import check_plan
    from stations.quality.figures import figures as worked_out

    plan_ = check_plan()
    with _quality(site, "figures") as quality:
        found = worked_out(plan_, quality.checks(limit))
    said = _said(found)
    if json:
        _echo(said)
        return
    for name in ("dpu", "demerits_per_unit", "fpy"):
        typer.echo(f"{name:<20}{_ratio(said[name])}")
    for block, ratio in said["blocks"].items():
        typer.echo(f"  {block:<18}{_ratio(ratio)}")
    typer.echo(f"{'rty':<20}{'' if found.rty is None else f'{found.rty:.4f}'}")


def _said(found: Figures) -> dict[str, Any]:
    return {
        "checks": found.checks,
        "units": found.units,
        "dpu": found.dpu.said(),
        "demerits_per_unit": found.demerits.said(),
        "fpy": found.fpy.said(),
        "blocks": {name: ratio.said() for name, ratio in found.blocks.items()},
        "rty": found.rty,
        "defects": dict(found.defects),
    }


def _ratio(said: dict[str, Any]) -> str:
    value = "no value" if said["value"] is None else f"{said['value']:.4f}"
    return f"{value}  = {said['numerator']} / {said['denominator']}"


@contextmanager
def _quality(site: Path, command: str) -> Iterator[Quality]:
    """The quality control of a site; the command ends with 2 where the ledger lacks something."""
    from plant.ledger import LedgerError, LedgerUnusable, open_ledger
    from plant.quality import NothingKnown, Quality
    from refit.sites import open_site
    from wire.clock import SystemClock

    loaded = open_site(site)
    try:
        with open_ledger(loaded.ledger, SystemClock(), create=False) as ledger:
            yield Quality(ledger, loaded.name)
    except NothingKnown as error:
        raise _ended(command, [str(error)]) from error
    except ValueError as error:
        raise _ended(command, [str(error)]) from error
    except LedgerError as error:
        raise _ended(
            command, [str(error)], WRONG if isinstance(error, LedgerUnusable) else 1
        ) from error


def _ended(command: str, problems: Sequence[str], code: int = WRONG) -> typer.Exit:
    for one in problems:
        typer.echo(f"refit quality {command}: {one}", err=True)
    return typer.Exit(code)


def _echo(said: dict[str, Any]) -> None:
    import orjson

    typer.echo(orjson.dumps(said).decode())
