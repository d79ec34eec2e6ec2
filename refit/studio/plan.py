"""`refit studio plan`: shot plans to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from refit.studio.captures import ended

app = typer.Typer()


@app.command()
def plan(
    name: Annotated[
        str | None, typer.Argument(help="Print this plan, to be kept in a file.", metavar="[NAME]")
    ] = None,
    all_: Annotated[bool, typer.Option("--list", help="List the plans.")] = False,
    file: Annotated[
        Path | None, typer.Option("--check", help="Check a plan of your own.", metavar="FILE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the shot plans that come with Refit, print one, or check one of your own.

    A printed plan is where your own begins: refit studio plan full-360 > plan.toml
    Ends with 2 when there is no such plan, or it is none.
    """
    if (name is not None) + all_ + (file is not None) > 1:
        raise ended("plan", ["give a NAME, --list or --check FILE"])
    shipped = _shipped()
    if file is not None:
        try:
            _show({file.name: file.read_text(encoding="utf-8")}, as_json)
        except (OSError, UnicodeDecodeError) as error:
            raise ended("plan", [f"{file}: {error}"]) from error
    elif name is None:
        _show(shipped, as_json)
    elif name not in shipped:
        raise ended("plan", [f'there is no plan "{name}": there are {", ".join(sorted(shipped))}'])
    elif as_json:
        _show({name: shipped[name]}, as_json)
    else:
        typer.echo(shipped[name], nl=False)


def _shipped() -> dict[str, str]:
    """The plans that come with Refit: their texts by name."""
    from importlib.resources import files

    folder = files("stations.studio") / "plans"
    return {
        one.name.removesuffix(".toml"): one.read_text(encoding="utf-8")
        for one in sorted(folder.iterdir(), key=lambda one: one.name)
        if one.name.endswith(".toml")
    }


def _show(texts: dict[str, str], as_json: bool) -> None:
    """What each plan is to shoot: the pictures of each set, and the cameras."""
    import json

    from stations.studio.plan import PlanWrong, parse

    rows = []
    for name, text in texts.items():
        try:
            job = parse(name, text)
        except PlanWrong as error:
            raise ended("plan", [str(error)]) from error
        sets: dict[str, int] = {}
        for shot in job.shots:
            sets[shot.set] = sets.get(shot.set, 0) + 1
        rows.append(
            {"name": name, "recipe": job.recipe, "sets": sets, "cameras": list(job.cameras)}
        )
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    wide = max(len(str(row["name"])) for row in rows)
    for row in rows:
        counted = ", ".join(f"{number} {kind}" for kind, number in dict(row["sets"]).items())
        typer.echo(f"{row['name']:{wide}}  {row['recipe']}: {counted}")
