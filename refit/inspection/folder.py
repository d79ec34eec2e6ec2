"""Where the agent of a station PC keeps what inspectors see and decide."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from stations.inspection.happenings import Answer
    from wire.site import Site

ANSWER_S, LOOK_S = 10.0, 0.1


def open_folder(site: Path, station: str, command: str) -> tuple[Site, Path]:
    """The site, and the inspectors' folder of a station; ends with 2 when there can be none."""
    from refit.sites import WRONG, open_site

    loaded = open_site(site)
    try:
        config = loaded.station(station)
    except LookupError as error:
        typer.echo(f"{command}: {error}", err=True)
        raise typer.Exit(WRONG) from error
    if not config.machines:
        told = f"{station} has no sessions: write [station.machines.NAME] and [station.inspection]"
        typer.echo(f"{command}: {told}", err=True)
        raise typer.Exit(WRONG)
    folder = loaded.outbox.folder / f"{config.agent}.inspection" / station / "operator"
    if not folder.is_dir():
        told = f"there is no {folder}: the agent {config.agent} has not run on this machine"
        typer.echo(f"{command}: {told}", err=True)
        raise typer.Exit(WRONG)
    return loaded, folder


def asked(folder: Path, command: str, **what: Any) -> Answer:
    """Put an order or a choice before the agent and wait for its answer; ends with 1 without."""
    from pydantic import ValidationError

    from edge.inspection import operator
    from refit.sites import WRONG

    wish = operator.Wish(id=str(uuid.uuid4()), **what)
    try:
        wish.happening(0)
    except ValidationError as error:
        for one in error.errors():
            where = ".".join(map(str, one["loc"]))
            typer.echo(f"{command}: {where}: {one['msg']}", err=True)
        raise typer.Exit(WRONG) from error
    operator.ask(folder, wish)
    until = time.monotonic() + ANSWER_S
    while time.monotonic() < until:
        answer = operator.answer_to(folder, wish.id)
        if answer is not None:
            return answer
        time.sleep(LOOK_S)
    typer.echo(f"{command}: the agent does not answer; it does when it runs again", err=True)
    raise typer.Exit(1)
