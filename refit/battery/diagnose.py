"""`refit battery diagnose`: what a vehicle's battery says of itself, over UDS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from refit.battery.options import AsJson, ended, say_json

if TYPE_CHECKING:
    from edge.battery.uds import Diagnosis

app = typer.Typer()


@app.command()
def diagnose(
    interface: Annotated[
        str, typer.Option(help="The kind of CAN adapter, as python-can names it.")
    ] = "socketcan",
    channel: Annotated[str, typer.Option(help="The adapter's channel.")] = "can0",
    vehicle: Annotated[str, typer.Option(help="Whose identifiers to use.")] = "zoe2",
    answer_s: Annotated[
        float, typer.Option(min=0.05, max=30.0, help="How long to wait for an answer.")
    ] = 1.0,
    json: AsJson = False,
) -> None:
    """Read the battery's own values from a vehicle: state of charge and health, cells, balancing.

    It asks one identifier after the other (UDS service 0x22 over ISO-TP) and writes nothing to the
    vehicle. What the battery refuses or does not answer is listed with its reason; these are the
    battery's own words, not a measurement. Needs the extra `uds`.

    Ends with 0 when everything was told, 1 when something was not, 2 when nobody could be asked.
    """
    from edge.battery.uds import Away, bus_of, diagnosis, is_possible
    from stations.battery.diagnosis import vehicle as map_of

    if not is_possible():
        raise ended("diagnose", ["it needs the extra `uds`: pip install refit[uds]"])
    try:
        known = map_of(vehicle)
    except FileNotFoundError:
        raise ended("diagnose", [f"--vehicle {vehicle}: not known; zoe2 is"]) from None
    try:
        with bus_of(interface, channel) as bus, _progress() as told:
            found = diagnosis(bus, known, answer_s, told)
    except Away as error:
        raise ended("diagnose", [str(error)]) from error
    if json:
        say_json(_as_json(found))
    else:
        _show(found)
    if found.is_silent:
        raise ended("diagnose", [f"{known.name} on {channel} answers nothing: ignition, gateway?"])
    if any(one.value is None for one in (*found.values, *found.cells)):
        raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("asking the battery")
        yield lambda done, of: bar.update(task, completed=done, total=of)


def _as_json(found: Diagnosis) -> dict[str, Any]:
    return {
        "vehicle": found.vehicle,
        "values": {
            one.name: {"value": one.value, "unit": one.unit, "reason": one.reason}
            for one in found.values
        },
        "cells_v": [one.value for one in found.cells],
        "balancing": None if found.balancing is None else list(found.balancing),
        "not_told": [
            {"name": one.name, "reason": one.reason}
            for one in (*found.values, *found.cells) if one.value is None
        ],
    }  # fmt: skip


def _show(found: Diagnosis) -> None:
    from rich.table import Table

    from refit.battery.options import console_of

    table = Table("value", "", "unit", "reason", box=None, title=found.vehicle)
    for one in found.values:
        shown = "" if one.value is None else f"{one.value:g}"
        table.add_row(one.name, shown, one.unit, one.reason or "")
    volts = [one.value for one in found.cells if one.value is not None]
    table.add_row("cells", f"{len(volts)} of {len(found.cells)}", "", "")
    if volts:
        spread = f"{min(volts):.3f} to {max(volts):.3f}"
        table.add_row("cell voltages", spread, "V", "")
    if found.balancing is not None:
        table.add_row("balancing", " ".join(map(str, found.balancing)) or "none", "cells", "")
    console_of().print(table)
