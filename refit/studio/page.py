"""`refit studio page`: the page of one vehicle, from a capture folder or a record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from refit.studio.captures import CaptureName, SiteFile, ended, opened, texts_of

app = typer.Typer()


@app.command()
def page(
    capture: CaptureName,
    out: Annotated[Path, typer.Option(help="The folder to make.", metavar="FOLDER")],
    lang: Annotated[str, typer.Option(help="Language of the page: fr or en.")] = "en",
    site: SiteFile = None,
) -> None:
    """Make the page of a vehicle: a folder that any browser shows, from a disk or a server.

    It needs no internet and no server. Restricted pictures, such as that of the VIN plate, are not
    in it. The folder is made whole or not at all; an older page there is replaced. Ends with 2 when
    the capture cannot be shown, and says why.
    """
    from plant.pages.capture import CaptureUnusable
    from plant.pages.page import make_page
    from plant.pages.whole import Occupied
    from refit.running import progress_of

    texts = texts_of(lang)
    try:
        with opened(capture, site) as found, progress_of("pictures") as progress:
            made = make_page(found, out, texts, progress)
    except CaptureUnusable as error:
        raise ended("page", error.problems) from error
    except Occupied as error:
        raise ended("page", [str(error)]) from error
    except KeyboardInterrupt:
        raise ended("page", ["interrupted, no page was made"], 130) from None
    typer.echo(str(made))
