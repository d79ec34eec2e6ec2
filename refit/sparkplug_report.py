"""`refit sparkplug-report`: what is proven of Sparkplug 3.0, assertion by assertion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from refit.sites import WRONG

if TYPE_CHECKING:
    from refit.conformance import Assertion

app = typer.Typer()


@app.command("sparkplug-report")
def sparkplug_report(
    about: Annotated[
        str, typer.Argument(help="Part of an id or of its meaning, such as bdseq.")
    ] = "",
    verdict: Annotated[
        str, typer.Option(help="proven, not-applicable or not-met.", show_default=False)
    ] = "",
    actor: Annotated[str, typer.Option(help="edge or host.", show_default=False)] = "",
) -> None:
    """List the assertions of Sparkplug 3.0 for edge nodes and hosts, and what proves each.

    One line each: what is known of it, its id, what it means; then the tests, or why there is none.
    """
    from refit.conformance import VERDICTS, assertions, counted

    verdicts = {one.replace(" ", "-"): one for one in VERDICTS}
    actors = {"": "", "edge": "E", "host": "H"}
    if verdict and verdict not in verdicts:
        typer.echo(f"no verdict {verdict!r}: known are {', '.join(verdicts)}", err=True)
        raise typer.Exit(WRONG)
    if actor not in actors:
        typer.echo(f"no actor {actor!r}: known are edge and host", err=True)
        raise typer.Exit(WRONG)
    found = [
        one
        for one in assertions()
        if about.lower() in f"{one.id} {one.meaning}".lower()
        and verdicts.get(verdict, one.verdict) == one.verdict
        and actors[actor] in one.actor
    ]
    for one in found:
        _print(one)
    typer.echo(f"{len(found)} of {len(assertions())} assertions: {counted(found)}")


def _print(one: Assertion) -> None:
    typer.echo(f"{one.verdict:14} {one.id} ({one.level}): {one.meaning}")
    for line in (*one.tests, one.because):
        if line:
            typer.echo(f"{'':14}   {line}")
