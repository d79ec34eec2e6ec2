"""The command line. Each group of commands is one module of this room with a typer `app`.

Such a module imports at its top only what is quick to import; what a command needs is imported when
it runs, so that `refit --help` answers at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

MODULES = (
    "demo",
    "broker",
    "agent",
    "historian",
    "simulate",
    "check",
    "browse",
    "trust",
    "tags",
    "watch",
    "status",
    "new",
    "export",
    "kpi",
    "ledger",
    "media",
    "dashboards",
    "schema",
    "sparkplug_report",
    "doctor",
    "chaos",
    "certs",
    "broker_config",
    "studio",
    "inspection",
    "battery",
    "quality",
)


class Commands(TyperGroup):
    """All commands. What the operating system refuses is told in a line, like other mistakes.

    The module of a command that is called is imported alone: what a killed agent does not load, its
    machines need not keep.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all."""
        self._take(MODULES)
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command whose help flows within any width: its lines are those of the code."""
        if cmd_name not in self.commands:
            module = cmd_name.replace("-", "_")
            self._take([module] if module in MODULES else MODULES)
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            _flow(found)
        return found

    def _take(self, modules: Sequence[str]) -> None:
        self.commands |= typer.main.get_group(of(modules)).commands

    def invoke(self, ctx: Any) -> Any:
        """Run a command; it ends with 1 when a file, a folder or a port cannot be had."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # whoever read has enough
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            told = f"{place}{error.strerror or error}"
            typer.echo(f"refit {ctx.invoked_subcommand}: {told}", err=True)
            raise typer.Exit(1) from error


def of(modules: Sequence[str] = MODULES) -> typer.Typer:
    """The commands of some modules of this room, by default of all."""
    found = typer.Typer()
    for module in modules:
        found.add_typer(importlib.import_module(f"refit.{module}").app)
    return found


def _flow(command: Any) -> None:
    paragraphs = (command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(one.split()) for one in paragraphs)
    for one in getattr(command, "commands", {}).values():
        _flow(one)


app = typer.Typer(
    name="refit",
    cls=Commands,
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


if __name__ == "__main__":
    app()
