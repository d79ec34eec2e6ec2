"""`refit sparkplug-report`: what is proven of Sparkplug 3.0, and what a recording shows of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refit.sites import WRONG

if TYPE_CHECKING:
    from refit.conformance import Assertion
    from refit.conformance.judge import Book

app = typer.Typer()
ACTORS = {"": "", "edge": "E", "host": "H"}
SHOWN = ("held", "violated", "not exercised")


@app.command("sparkplug-report")
def sparkplug_report(
    about: Annotated[
        str, typer.Argument(help="Part of an id or of its meaning, such as bdseq.")
    ] = "",
    verdict: Annotated[
        str,
        typer.Option(
            help="proven, not-applicable or not-met; of a recording held, violated or"
            " not-exercised.",
            show_default=False,
        ),
    ] = "",
    actor: Annotated[str, typer.Option(help="edge or host.", show_default=False)] = "",
    capture: Annotated[
        Path | None,
        typer.Option(
            help="Judge this recording instead: one MQTT packet a line as JSON, with the fields"
            " connection, kind (CONNECT, CONNACK, SUBSCRIBE, PUBLISH, DISCONNECT, END), version,"
            " client_id, clean, will, filters, topic, payload (base64), qos, retain, reason,"
            " by_broker, at_ms, server, as docs/reference/sparkplug.md says.",
            metavar="FILE", exists=True, dir_okay=False,
        ),
    ] = None,
    primary: Annotated[
        str, typer.Option(help="The host id that the recorded edge nodes follow.")
    ] = "",
) -> None:  # fmt: skip
    """List the assertions of Sparkplug 3.0 for edge nodes and hosts, and what proves each.

    One line each: what is known of it, its id, what it means; then the tests, or why there is none.
    With --capture: whether each was seen to hold in a recording, was broken (and where), or did not
    come up; ends with 1 when one was broken.
    """
    from refit.conformance import VERDICTS, assertions, counted

    _known("verdict", verdict, [one.replace(" ", "-") for one in (VERDICTS, SHOWN)[bool(capture)]])
    _known("actor", actor, [one for one in ACTORS if one])
    found = [
        one
        for one in assertions()
        if about.lower() in f"{one.id} {one.meaning}".lower() and ACTORS[actor] in one.actor
    ]
    wanted = verdict.replace("-", " ")
    if capture is not None:
        _judged(_book(capture, primary), found, wanted)
        return
    found = [one for one in found if wanted in ("", one.verdict)]
    for one in found:
        _print(one.verdict, one, (*one.tests, one.because))
    typer.echo(f"{len(found)} of {len(assertions())} assertions: {counted(found)}")


def _known(what: str, said: str, known: list[str]) -> None:
    if said and said not in known:
        typer.echo(f"no {what} {said!r}: known are {' and '.join(known)}", err=True)
        raise typer.Exit(WRONG)


def _book(capture: Path, primary: str) -> Book:
    from refit.conformance.capture import NoCapture, read
    from refit.conformance.judge import judge

    try:
        with capture.open(encoding="utf-8") as lines:
            log = read(lines)
    except (NoCapture, OSError, UnicodeDecodeError) as error:
        typer.echo(f"refit sparkplug-report: {capture}: {error}", err=True)
        raise typer.Exit(WRONG) from error
    if not log:
        typer.echo(f"refit sparkplug-report: {capture} holds no packet", err=True)
        raise typer.Exit(WRONG)
    return judge(log, primary=primary or None)


def _judged(book: Book, found: list[Assertion], wanted: str) -> None:
    counts = dict.fromkeys(SHOWN, 0)
    for one in found:
        status = book.status(one.id)
        counts[status] += 1
        if wanted in ("", status):
            _print(status, one, book.broken.get(one.id, ()))
    typer.echo(f"{len(found)} assertions: {', '.join(f'{n} {what}' for what, n in counts.items())}")
    if counts["violated"]:
        raise typer.Exit(1)


def _print(verdict: str, one: Assertion, lines: Iterable[str]) -> None:
    typer.echo(f"{verdict:14} {one.id} ({one.level}): {one.meaning}")
    for line in lines:
        if line:
            typer.echo(f"{'':14}   {line}")
