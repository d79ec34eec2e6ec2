"""The command line of the site's own authority."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refit.running import progress_of

if TYPE_CHECKING:
    from refit.certs.making import Whom
    from refit.certs.work import Row

app = typer.Typer(name="certs", help="The site's own certificates: make, renew, revoke, list.")

DAYS = 730
WARN_DAYS = 30
Folder_ = Annotated[
    Path, typer.Option("--folder", help="Folder of the certificates.", metavar="FOLDER")
]
SiteFile = Annotated[
    Path | None, typer.Option("--site", help="The site file: who is what, and where.")
]
Days = Annotated[int, typer.Option(help="How long certificates are good.", min=1)]
Hosts = Annotated[
    list[str] | None,
    typer.Option("--host", help="A name or address at which it is found; several times.")
]  # fmt: skip
Uri = Annotated[
    str | None,
    typer.Option("--opcua", help="It is an OPC UA application of this URI.", metavar="URI"),
]
HERE = Path("certs")


@contextmanager
def _told() -> Iterator[None]:
    """What cannot be done is a line, and exit code 2."""
    from refit.certs.making import CertError
    from refit.sites import WRONG

    try:
        yield
    except CertError as error:
        typer.echo(f"refit certs: {error}", err=True)
        raise typer.Exit(WRONG) from error


def _known(site: Path | None) -> dict[str, Whom]:
    from refit.certs.wanted import everybody
    from refit.sites import open_site

    return {} if site is None else everybody(open_site(site))


def _whom(known: dict[str, Whom], name: str, hosts: list[str], uri: str | None) -> Whom:
    """What a certificate is for: by the options, else by the site file, else an account."""
    from refit.certs.making import CertError, Use, Whom

    if uri is not None:
        return Whom(name, Use.OPCUA, tuple(hosts), uri)
    if name in known:
        found = known[name]
        return Whom(name, found.use, (*found.hosts, *hosts)) if found.use.serves else found
    if hosts:
        return Whom(name, Use.SERVER, tuple(hosts))
    if known:
        from wire.site.problems import closest

        raise CertError(f'the site knows no "{name}": {closest(name, known)}')
    return Whom(name, Use.CLIENT)


@app.command()
def init(
    folder: Folder_ = HERE,
    site: SiteFile = None,
    permit: Annotated[
        list[str] | None,
        typer.Option(help="A domain or network to vouch for beside private ones; several times."),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the authority; default: the site's.")] = "",
    years: Annotated[int, typer.Option(help="How long the authority is good.", min=1)] = 20,
) -> None:
    """Make the authority of a site: its key, its certificate and an empty revocation list.

    Do it on one machine that is looked after, not on a station PC. The authority can only vouch for
    private networks and for the domains of the site file's hosts (name constraints), so that its
    certificate is no danger where it is trusted. Its key never leaves the folder.
    """
    from refit.certs import making, wanted, work
    from refit.sites import open_site

    with _told():
        loaded = None if site is None else open_site(site)
        hosts = [] if loaded is None else wanted.hosts(loaded)
        permitted = [*(permit or ()), *(making.permitted_of(host) for host in hosts)]
        called = name or ("refit" if loaded is None else loaded.name)
        end = work.begin(folder, called, permitted, 365 * years)
    typer.echo(f"the authority is in {folder}, good until {end:%Y-%m-%d}; keep a copy of")
    typer.echo("authority.key.pem where nobody comes in: whoever has it can make certificates")


@app.command()
def issue(
    names: Annotated[
        list[str] | None, typer.Argument(help="Whose; default: all that run on the site.")
    ] = None,
    folder: Folder_ = HERE,
    site: SiteFile = None,
    host: Hosts = None,
    opcua: Uri = None,
    days: Days = DAYS,
) -> None:
    """Make keys and certificates here, where the authority is: for each agent and each service.

    A name of the site file gets what it needs there; any other is an account, with --host a server,
    with --opcua an OPC UA application. The keys are made on this machine and then have to be
    carried to where they belong; `refit certs request` and `sign` spare them that way. Who has a
    good certificate keeps it.
    """
    from refit.certs import wanted, work
    from refit.certs.making import CertError
    from refit.sites import open_site

    with _told():
        known = _known(site)
        if not names and site is None:
            raise CertError("name those who are to have one, or give the --site FILE")
        asked = names or wanted.running(open_site(site)) if site else names or []
        whose = [_whom(known, name, host or [], opcua) for name in asked]
        with progress_of("making") as told:
            made, kept = work.issue(folder, whose, days, told, skip=not names)
    for path in made:
        typer.echo(f"{path}/cert.pem and key.pem are made")
    for name in kept:
        typer.echo(f"{name} has a good certificate and keeps it")
    if made:
        typer.echo("keys were made on this machine: take each to its own, and remove it here")


@app.command()
def renew(
    names: Annotated[
        list[str] | None, typer.Argument(help="Whose; default: all that end soon.")
    ] = None,
    folder: Folder_ = HERE,
    within: Annotated[
        int, typer.Option(help="Without names: all that end within so many days.", min=0)
    ] = WARN_DAYS,
    new_key: Annotated[bool, typer.Option("--new-key", help="With a new key, too.")] = False,
    days: Days = DAYS,
) -> None:
    """Make certificates anew, with the same names and, unless told otherwise, the same key.

    A running agent or historian takes the new files at its next connect, without a restart. The old
    certificate stays good until it ends; `revoke` is for keys that somebody else may have.
    """
    from refit.certs import work

    with _told(), progress_of("making") as told:
        made, elsewhere = work.renew(folder, names or [], within, days, told, new_key=new_key)
    for path in made:
        typer.echo(f"{path}/cert.pem is made anew")
    for name in elsewhere:
        typer.echo(f"{name}: its key is elsewhere; there: refit certs request {name}", err=True)
    if not made and not elsewhere:
        typer.echo(f"none ends within {within} days")


@app.command()
def revoke(
    names: Annotated[list[str], typer.Argument(help="Whose, or serial numbers.")],
    folder: Folder_ = HERE,
) -> None:
    """Take back every certificate of a name, or the one of a serial number, for ever.

    crl.pem is written anew: copy it to the broker and restart that.
    """
    from refit.certs import work

    with _told():
        for name, serial in work.revoke(folder, names):
            typer.echo(f"{name}, {serial:x} is revoked")
    typer.echo(f"now copy {folder / 'crl.pem'} to the broker and restart it")


@app.command("list")
def list_(
    folder: Folder_ = HERE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """Show who has which certificate, until when, and which are revoked.

    Ends with 1 when one that is in use has ended or ends within 30 days.
    """
    from refit.certs import work

    with _told():
        rows = work.listed(folder)
    if as_json:
        import orjson

        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    else:
        _show(rows)
    soon = [row for row in rows if row.current and not row.revoked and row.days < WARN_DAYS]
    for row in soon:
        told = f"ends in {row.days} days" if row.days >= 0 else "has ended"
        typer.echo(f"{row.name}: {told}: refit certs renew {row.name}", err=True)
    if soon:
        raise typer.Exit(1)


def _show(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console.width = 160
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("name", "use", "serial", "until", "days left", ""):
        table.add_column(column, justify="right" if column == "days left" else "left")
    for row in rows:
        state = "revoked" if row.revoked else "" if row.current else "replaced"
        table.add_row(row.name, row.use, row.serial[:16], row.until, str(row.days), state)
    console.print(table)


@app.command()
def request(
    name: Annotated[str, typer.Argument(help="Whose: the name of the agent or service.")],
    folder: Folder_ = HERE,
    opcua: Annotated[
        bool, typer.Option("--opcua", help="For an OPC UA application: an RSA key.")
    ] = False,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="With a new key, in use when its certificate comes.")
    ] = False,
) -> None:
    """Ask for a certificate, on the machine that will use it: the key is made here and stays here.

    Take the request to the authority and sign it there; a request is no secret. The fingerprint is
    to be compared there, so that nobody exchanges it on the way.
    """
    from refit.certs import work

    with _told():
        path, fingerprint = work.request(folder, name, rsa=opcua, new_key=new_key)
    typer.echo(f"{path}: sign it with `refit certs sign {name} {path.name}`")
    typer.echo(f"fingerprint {fingerprint}")


@app.command()
def sign(
    name: Annotated[str, typer.Argument(help="For whom the request is.")],
    file: Annotated[Path, typer.Argument(help="The request.", metavar="REQUEST")],
    folder: Folder_ = HERE,
    site: SiteFile = None,
    host: Hosts = None,
    opcua: Uri = None,
    to: Annotated[
        Path | None, typer.Option(help="Write the certificate there as well.", metavar="FILE")
    ] = None,
    days: Days = DAYS,
) -> None:
    """Sign a request, where the authority is. What it is good for, this machine decides.

    Give the name yourself: a request that calls itself otherwise is refused.
    """
    from refit.certs import work

    with _told():
        whom = _whom(_known(site), name, host or [], opcua)
        path, fingerprint = work.sign(folder, whom, file, days, to)
    typer.echo(f"{path} is made; on its machine: refit certs take {name} {path.name}")
    typer.echo(f"fingerprint {fingerprint}: is it the one that the request showed?")


@app.command()
def take(
    name: Annotated[str, typer.Argument(help="Whose it is.")],
    file: Annotated[Path, typer.Argument(help="The signed certificate.", metavar="CERT")],
    folder: Folder_ = HERE,
    ca: Annotated[
        Path | None,
        typer.Option(help="The authority's certificate, if it is not here.", metavar="FILE"),
    ] = None,
) -> None:
    """Put a signed certificate beside its key, on the machine that asked for it.

    Refused when it belongs to another key, is for another name or was signed by another authority.
    """
    from refit.certs import work

    with _told():
        path = work.take(folder, name, file, ca)
    typer.echo(f"{path}/cert.pem and key.pem are in use from the next connect on")
