"""`refit studio check`: are the pictures of a turn whole, sharp and rightly exposed?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refit.studio.captures import ended

if TYPE_CHECKING:
    from edge.studio.checking import FolderFound

app = typer.Typer()


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="A folder of pictures of one turn.")],
    plan: Annotated[
        Path | None, typer.Option(help="The shot plan that was to be met.", metavar="PLAN")
    ] = None,
    expected: Annotated[
        int | None, typer.Option(min=1, help="How many pictures a whole turn has.", metavar="N")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check any folder of pictures of a turn, photographs or renders.

    Angles are those of manifest.json; else of names with a decimal part (spin_003_030.0.jpg); else
    the pictures are numbered in the order of the turn, and --expected says how many make it whole.
    Sharpness, exposure and repeats are judged against the other pictures of the set.

    Ends with 0 when all is good, 1 when something was found, 2 when nothing can be said.
    """
    from edge.studio.checking import FolderUnusable, check_folder

    tolerance_deg = 0.5
    if plan is not None:
        expected, tolerance_deg = _of_plan(plan)
    try:
        found = check_folder(folder, expected, tolerance_deg, _told)
    except (FolderUnusable, OSError) as error:
        raise ended("check", [str(error)]) from error
    typer.echo(found.model_dump_json()) if json else _show(found)
    if not found.is_good:
        raise typer.Exit(1)


def _of_plan(path: Path) -> tuple[int, float]:
    """How many pictures of the spin a plan has, and its tolerance in degrees."""
    from edge.studio.plans import parse
    from stations.studio.manifest import PictureSet
    from wire.site.problems import Wrong

    try:
        job = parse(path, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, Wrong) as error:
        raise ended("check", [f"--plan {path}: {error}"]) from error
    spin = [shot for shot in job.shots if shot.set is PictureSet.SPIN]
    if not spin:
        raise ended("check", [f"--plan {path}: it has no shot of the set spin"])
    return len(spin), job.tolerance_deg


def _told(paths: Iterable[Path]) -> Iterator[Path]:
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(
        list(paths), "pictures", console=console, transient=True, disable=not console.is_terminal
    )


def _show(found: FolderFound) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None)
    for column in ("file", "angle", "sharpness", "clipped", "mean", "verdict", "reasons"):
        table.add_column(column, justify="left" if column in ("file", "reasons") else "right")
    for one in found.pictures:
        numbers = (one.angle_deg, one.sharpness, one.clipped, one.mean)
        cells = ["" if number is None else f"{number:g}" for number in numbers]
        table.add_row(one.file, *cells, one.verdict, ", ".join(one.reasons))
    console = Console()
    console.print(table)
    of = "" if found.expected is None else f" of {found.expected}"
    console.print(f"{found.frames} pictures{of}, angles by {found.angle_source}")
    if found.missing:
        console.print("missing at " + ", ".join(f"{angle:g}" for angle in found.missing) + " deg")
    for first, second in found.duplicates:
        console.print(f"{second} shows what {first} shows", markup=False)
    for reason in found.set_reasons:
        console.print(f"the whole set: {reason}")
    console.print("good" if found.is_good else "[bold]something was found[/bold]")
