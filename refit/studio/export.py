"""`refit studio export`: a capture as a ZIP for other viewers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from refit.studio.captures import CaptureName, SiteFile, ended, opened

app = typer.Typer()


@app.command()
def export(
    capture: CaptureName,
    out: Annotated[Path, typer.Option(help="The ZIP to make.", metavar="X.zip")],
    site: SiteFile = None,
) -> None:
    """Give out a capture as a ZIP: frames named as 360-degree viewers want them, and a listing.

    Frames are `spin/001.jpg`, `spin/002.jpg` ... by growing angle; `listing.json` says the angle,
    size and SHA-256 of every file, and what the names were. The pictures are unchanged. Restricted
    ones are not in it. Ends with 2 when the capture cannot be given out, and says why.
    """
    from plant.pages.capture import CaptureUnusable
    from plant.pages.export import write_zip
    from refit.exporting.files import whole_file
    from refit.running import progress_of

    try:
        with (
            opened(capture, site) as found,
            progress_of("pictures") as progress,
            whole_file(out) as file,
        ):
            count = write_zip(found, file, progress)
    except CaptureUnusable as error:
        raise ended("export", error.problems) from error
    except KeyboardInterrupt:
        raise ended("export", ["interrupted, no file was written"], 130) from None
    typer.echo(f"{count} files written to {out}", err=True)
