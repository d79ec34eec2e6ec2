"""The capture that a command is about: a folder, or a record of a site's ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from plant.pages.capture import Capture
    from stations.records import Record
    from wire.site import Site
    from wire.texts import Texts

CaptureName = Annotated[
    str,
    typer.Argument(
        help="A folder with a manifest.json, or with --site the id of a record studio.capture.",
        metavar="CAPTURE",
    ),
]
SiteFile = Annotated[
    Path | None,
    typer.Option("--site", help="The site file, whose ledger has the record.", metavar="FILE"),
]


def ended(command: str, problems: Sequence[str], code: int = 2) -> typer.Exit:
    """Tell problems, a line each; what to raise then."""
    for one in problems:
        typer.echo(f"refit studio {command}: {one}", err=True)
    return typer.Exit(code)


def texts_of(language: str) -> Texts:
    """The texts of a language; a command ends with 2 when there are none."""
    from wire.texts import Texts, UnknownLanguage

    try:
        return Texts(language)
    except UnknownLanguage as error:
        raise typer.BadParameter(str(error), param_hint="--lang") from error


@contextmanager
def opened(name: str, site: Path | None) -> Iterator[Capture]:
    """The capture; CaptureUnusable when it cannot be had."""
    from plant.pages.capture import CaptureUnusable, from_folder, from_record
    from refit.sites import open_site

    if site is None:
        if not Path(name).is_dir():
            hint = "name a folder with a manifest.json; the id of a record needs --site FILE"
            raise CaptureUnusable([f"{name}: there is no such folder: {hint}"])
        yield from_folder(Path(name))
        return
    loaded = open_site(site)
    record = _record(loaded, name)
    with _fetching(loaded) as fetch:
        yield from_record(record, fetch)


def _record(site: Site, id: str) -> Record:
    from plant.ledger import LedgerError, open_ledger
    from plant.pages.capture import CaptureUnusable
    from stations.records import Record
    from wire.clock import SystemClock

    try:
        with open_ledger(site.ledger, SystemClock(), create=False) as ledger:
            entry = ledger.get(id)
    except LedgerError as error:
        raise CaptureUnusable([str(error)]) from error
    if entry is None:
        raise CaptureUnusable([f"{id}: the ledger has no record of this id: see refit ledger"])
    if entry.kind != "studio.capture":
        raise CaptureUnusable([f"{id} is a record {entry.kind}: name one studio.capture"])
    return Record.model_validate_json(entry.body)


@contextmanager
def _fetching(site: Site) -> Iterator[Callable[[str], bytes]]:
    """What gives the bytes of a file by its hash: its folder when that is here, else over HTTP."""
    from plant.media.directory import DirectoryMedia
    from plant.media.store import MediaStoreError
    from plant.pages.capture import CaptureUnusable
    from wire.clock import SystemClock
    from wire.media.client import MediaClient, MediaError, Refused
    from wire.tls import TlsError, client_context

    config = site.media
    if not config.url:
        raise CaptureUnusable(["the site has no media store: [media] says where it is"])
    try:
        if config.folder.is_dir():
            store = DirectoryMedia(config.folder, SystemClock())
            yield lambda sha256: b"".join(store.read(sha256))
            return
        context = client_context(config.ca_file) if config.tls else None
        with closing(MediaClient(config.base_url, config.token, context)) as client:

            def fetch(sha256: str) -> bytes:
                try:
                    return b"".join(client.read(sha256))
                except Refused as error:
                    if error.status == 404:
                        raise LookupError(sha256) from error
                    raise

            yield fetch
    except (MediaError, MediaStoreError, TlsError) as error:
        raise CaptureUnusable([f"the media store: {error}"]) from error
