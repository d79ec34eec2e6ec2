"""`refit broker-config`: a complete configuration of Mosquitto for a site."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wire.site import Site

app = typer.Typer()


@app.command("broker-config")
def broker_config(
    site: Annotated[Path, typer.Option(help="The site file.", metavar="FILE")],
    to: Annotated[Path, typer.Option(help="Folder for the files.", metavar="FOLDER")],
    at: Annotated[
        Path | None,
        typer.Option(help="Where the broker finds that folder; default: there.", metavar="PATH"),
    ] = None,
    certs: Annotated[
        Path | None,
        typer.Option(
            help="Where the broker finds ca.pem, crl.pem and broker/; default: in that folder.",
            metavar="PATH",
        ),
    ] = None,
    listen: Annotated[
        str, typer.Option(help="Address of this machine to listen at; default: all of them.")
    ] = "",
    passwords: Annotated[
        bool, typer.Option("--passwords", help="Accounts with passwords, not with certificates.")
    ] = False,
    also: Annotated[
        list[str] | None,
        typer.Option(
            help="A station that an agent no longer serves and may still have values of; may be"
            " given several times.",
            metavar="AGENT/STATION",
        ),
    ] = None,
) -> None:
    """Write mosquitto.conf and access.acl for a site's broker: TLS, who comes in, who may what.

    Every agent speaks for itself and its own stations alone, only the historian confirms, nobody
    comes in without an account. Write it again after every change of agents or stations. The
    broker's certificate comes from `refit certs`. What stands there already is replaced only when
    it was written by this command.
    """
    from ipaddress import ip_address

    from plant import mosquitto
    from refit.sites import WRONG, open_site
    from wire.access import accounts
    from wire.site.problems import Wrong

    loaded = open_site(site)
    try:
        if listen:
            ip_address(listen)
        _check(loaded)
        more = [_pair(loaded, one) for one in also or ()]
        allowed = accounts(loaded, more)
        folder = (at or to).absolute()
        places = mosquitto.Places(
            PurePosixPath(folder), PurePosixPath((certs or folder).absolute()), listen, passwords
        )
        texts = mosquitto.files(loaded, allowed, places)
        for name in texts:
            _own(to / name, mosquitto.MARK)
    except (Wrong, ValueError) as error:
        hint = getattr(error, "hint", "")
        typer.echo(f"refit broker-config: {error}{hint and f' ({hint})'}", err=True)
        raise typer.Exit(WRONG) from error
    to.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        _replace(to / name, text)
    names = ", ".join(one.name for one in allowed)
    typer.echo(f"{len(texts)} files in {to}; accounts: {names}", err=True)


def _check(site: Site) -> None:
    from wire.site.problems import Wrong

    if not site.broker.tls:
        raise Wrong(
            f"the site's broker is {site.broker.url}, where nobody is told from another",
            f'write [broker] url = "mqtts://HOST:8883" in {site.file}',
        )

    if len({one.port for one in site.broker.servers}) > 1:
        raise Wrong(
            "the servers of [broker] have different ports, and one configuration is for them all",
            "give their urls the same port",
        )


def _pair(site: Site, text: str) -> tuple[str, str]:
    from wire.site.problems import Wrong
    from wire.site.values import name_of

    agent, _, station = text.partition("/")
    try:
        site.agent(agent)
        name_of(station)
    except (LookupError, ValueError) as error:
        raise Wrong(f"--also {text}: {error.args[0]}", "write AGENT/STATION") from error
    return agent, station


def _own(path: Path, mark: str) -> None:
    from wire.site.problems import Wrong

    if path.exists() and not path.read_text(encoding="utf-8").startswith(mark):
        raise Wrong(f"{path} was not written by this command", "give another folder, or remove it")


def _replace(path: Path, text: str) -> None:
    """The new file at once or the old one: a broker may start at any moment."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o644)
    new.replace(path)
