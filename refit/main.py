"""The command line. Each group of commands is one module of this room with a typer `app`.

Such a module imports at its top only what is quick to import; what a command needs is imported when
it runs, so that `refit --help` answers at once.
"""

from __future__ import annotations

import importlib
from typing import Annotated

import typer

MODULES = (
    "demo",
    "broker",
    "agent",
    "historian",
    "simulate",
    "check",
    "browse",
    "tags",
    "watch",
    "new",
    "export",
    "kpi",
    "ledger",
    "media",
    "dashboards",
    "schema",
    "doctor",
)

app = typer.Typer(
    name="refit",
    help="From the machines of a used-vehicle factory to the people who run it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(version("refit"))
        raise typer.Exit


@app.callback()
def refit(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """From the machines of a used-vehicle factory to the people who run it."""


for _module in MODULES:
    app.add_typer(importlib.import_module(f"refit.{_module}").app)


if __name__ == "__main__":
    app()
