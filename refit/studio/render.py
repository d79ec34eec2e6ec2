"""`refit studio render`: pictures of a vehicle that is none, for engineers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def render(
    out: Annotated[Path, typer.Option(help="The folder to write; made if it is not there.")],
    seed: Annotated[int, typer.Option(help="The same seed makes the same vehicle.")] = 0,
    body: Annotated[
        str | None, typer.Option(help="city, estate, suv or van; drawn by the seed if not given.")
    ] = None,
    colour: Annotated[str | None, typer.Option(help="Such as red; drawn by the seed.")] = None,
    frames: Annotated[int, typer.Option(help="Pictures of the turn.", min=4, max=360)] = 36,
    size: Annotated[str, typer.Option(help="Width and height in pixels.")] = "640x360",
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="What goes wrong at which frame: lost=3, repeat=4, blur=7, overexposed=9,"
            " offset=12, still=15, cropped=20. May be given several times.",
            metavar="NAME=FRAME",
        ),
    ] = None,
    damage: Annotated[
        list[str] | None,
        typer.Option(
            help="scratch, dent or lamp, alone or at a place: scratch=front-left-door.",
            metavar="KIND[=PLACE]",
        ),
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Interior, underbody, wheels, treads, details, too.")
    ] = False,
    plates: Annotated[
        bool,
        typer.Option(
            "--plates", help="Leave number plates as they are; such pictures are restricted then."
        ),
    ] = False,
    scale: Annotated[
        float, typer.Option(help="Size of panorama and underbody: 1 is 8192 and 4096 x 12000.")
    ] = 1.0,
) -> None:
    """Render a vehicle on the turntable: a folder as a studio delivers it, with its manifest.

    Beside the pictures lies truth.json: where plates and damages are, and what went wrong.
    The pictures are marked as simulated, number plates are destroyed as in those of a real studio.
    The same options make the same pixels.
    """
    from edge.studio.masking import hide
    from refit.running import progress_of
    from simulators.studio.album import Order, write_album
    from simulators.studio.damage import injury
    from simulators.studio.faults import read_faults
    from simulators.studio.style import Look

    try:
        look = Look.of(seed, body, colour)
        wide, high = _size(size)
        faults = read_faults(fault or ())
        if faults and max(faults) >= frames and not any("still" in one for one in fault or ()):
            raise ValueError(f"fault at frame {max(faults)}: frames are 0 to {frames - 1}")
        injuries = tuple(
            injury(look, kind, place, number)
            for number, (kind, _, place) in enumerate(one.partition("=") for one in damage or ())
        )
        if not 0.01 <= scale <= 1:
            raise ValueError(f"scale {scale} is not between 0.01 and 1")
        order = Order(look, injuries, frames, wide, high, faults, all_, scale)
        with progress_of("pictures") as told:
            manifest = write_album(order, out, told, None if plates else hide)
    except (OSError, ValueError) as error:
        typer.echo(f"refit studio render: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{len(manifest.pictures)} pictures of a {look.colour} {look.body} in {out}")


def _size(text: str) -> tuple[int, int]:
    wide, _, high = text.partition("x")
    if not (
        wide.isdigit() and high.isdigit() and 32 <= int(wide) <= 8192 and 18 <= int(high) <= 8192
    ):
        raise ValueError(f"size {text!r}: write width x height in pixels, such as 640x360")
    return int(wide), int(high)
