"""The command: findings in a table, or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from refit.doctor.verdicts import Finding

app = typer.Typer()
STYLE = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@app.command()
def doctor(
    site: Annotated[
        Path | None, typer.Option(help="Also look at what this site file names.", metavar="FILE")
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option(help="Only what this agent needs: for its station PC.", metavar="NAME"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The findings as one JSON array.")] = False,
) -> None:
    """Is this machine fit for Refit: versions, clock, disks, ports, files, who can be reached.

    Changes nothing. Ends with 1 when something has to be mended first, with 2 for a wrong site.
    """
    from rich.console import Console

    from refit.doctor import examine
    from refit.doctor.verdicts import Level, worst
    from refit.sites import WRONG, open_site

    if agent is not None and site is None:
        typer.echo("refit doctor: --agent needs the --site FILE that names it", err=True)
        raise typer.Exit(WRONG)
    loaded = None if site is None else open_site(site)
    if loaded is not None and agent is not None:
        try:
            loaded.agent(agent)
        except LookupError as error:
            typer.echo(f"refit doctor: {error.args[0]}", err=True)
            raise typer.Exit(WRONG) from error
    with Console(stderr=True).status("looking ..."):
        findings = list(examine.machine())
        if loaded is not None:
            findings += examine.site(loaded, agent)
    if json:
        _print_json(findings)
    else:
        _print_table(findings)
    if worst(findings) is Level.FAIL:
        raise typer.Exit(1)


def _print_json(findings: list[Finding]) -> None:
    import orjson

    typer.echo(orjson.dumps(findings, option=orjson.OPT_INDENT_2).decode())


def _print_table(findings: list[Finding]) -> None:
    from collections import Counter

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console.width = 160
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for one in findings:
        found = Text(one.found)
        if one.advice:
            found.append(f"\n{one.advice}", "italic")
        table.add_row(Text(one.level.value, STYLE[one.level.value]), one.what, found)
    console.print(table)
    counts = Counter(one.level.value for one in findings)
    said = ", ".join(f"{counts[level]} {level}" for level in STYLE if counts[level])
    console.print(said, highlight=False)
