"""`refit trust`: which OPC UA servers an agent believes, and who it is to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from edge.trust.certificates import Facts
    from edge.trust.folder import Entry, TrustList
    from wire.site import Site

app = typer.Typer(
    name="trust", help="OPC UA servers that are trusted, and those that are not (yet)."
)

SiteOption = Annotated[
    Path | None,
    typer.Option("--site", help="The site file; by default site.toml.", metavar="FILE"),
]
AgentOption = Annotated[
    str | None, typer.Option("--agent", help="Only this agent of the site.", metavar="NAME")
]
PkiOption = Annotated[
    Path | None,
    typer.Option("--pki", help="A folder of certificates, without a site.", metavar="FOLDER"),
]
Fingerprint = Annotated[
    str,
    typer.Argument(
        help="SHA-256 or SHA-1 of the certificate, or its first 8 digits.", metavar="FINGERPRINT"
    ),
]
STYLE = {"own": "cyan", "trusted": "green", "rejected": "red"}


@dataclass(frozen=True)
class Listed:
    """A certificate in the list of an agent."""

    agent: str
    state: str
    facts: Facts
    stations: str
    why: str
    path: Path


@app.command("list")
def show_list(
    site: SiteOption = None,
    agent: AgentOption = None,
    pki: PkiOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List our own certificate, those that are trusted and those that were rejected.

    A certificate is shown with the stations at which it was seen.
    """
    loaded, lists = _lists(site, agent, pki)
    found = [one for name, of in lists.items() for one in _listed(name, of, loaded)]
    if as_json:
        typer.echo(json.dumps([_document(one) for one in found], indent=2, ensure_ascii=False))
    else:
        _table(found)


@app.command()
def show(
    wanted: Fingerprint, site: SiteOption = None, agent: AgentOption = None, pki: PkiOption = None
) -> None:
    """Show all of a certificate, to be compared with what the server itself shows."""
    from edge.trust.certificates import grouped
    from edge.trust.folder import TrustError

    loaded, lists = _lists(site, agent, pki)
    sought = "".join(wanted.split()).replace(":", "").upper()
    found = [
        one
        for name, of in lists.items()
        for one in _listed(name, of, loaded)
        if one.facts.sha256.startswith(sought) or one.facts.sha1.startswith(sought)
    ]
    if not found:
        _end(TrustError(f"no certificate that is known has the fingerprint {wanted}"))
    for one in found:
        facts = one.facts
        for name, value in (
            ("state", f"{one.state}, agent {one.agent}" if one.agent else one.state),
            ("subject", facts.subject),
            ("application", facts.application_uri or "none"),
            ("hosts", ", ".join(facts.hosts) or "none"),
            ("valid", f"{facts.valid_from:%Y-%m-%d %H:%M} to {facts.valid_until:%Y-%m-%d %H:%M}"),
            ("SHA-256", grouped(facts.sha256)),
            ("SHA-1", grouped(facts.sha1)),
            ("seen at", one.stations or "nowhere"),
            ("rejected", one.why),
            ("file", str(one.path)),
        ):
            if value:
                typer.echo(f"{name:<12} {value}")


@app.command()
def accept(
    wanted: Fingerprint, site: SiteOption = None, agent: AgentOption = None, pki: PkiOption = None
) -> None:
    """Trust a server that was rejected; the agent connects within seconds, without a restart.

    Compare the fingerprint with that which the server itself shows before.
    """
    _change(site, agent, pki, lambda of: of.accept(wanted), "is trusted from now on")


@app.command()
def remove(
    wanted: Fingerprint, site: SiteOption = None, agent: AgentOption = None, pki: PkiOption = None
) -> None:
    """Trust a server no longer, or forget a rejected one. It counts for the next connection."""
    _change(site, agent, pki, lambda of: of.remove(wanted), "is not trusted any more")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="A certificate, DER or PEM.", metavar="FILE")],
    site: SiteOption = None,
    agent: AgentOption = None,
    pki: PkiOption = None,
) -> None:
    """Trust a server, or an authority, whose certificate came on another way than the network."""
    from edge.trust import certificates

    try:
        certificate = certificates.load(file)
    except ValueError as error:
        _end(ValueError(f"{file} is no certificate: {error}"))
    _change(site, agent, pki, lambda of: of.add(certificate), "is trusted from now on")


def _change(
    site: Path | None, agent: str | None, pki: Path | None, do: Callable[[TrustList], Entry],
    told: str,
) -> None:  # fmt: skip
    """Do something in each list in which it can be done; the reason when there is none."""
    from edge.trust.certificates import grouped
    from edge.trust.folder import TrustError

    _, lists = _lists(site, agent, pki)
    failed, done = None, 0
    for name, of in lists.items():
        try:
            entry = do(of)
        except TrustError as error:
            failed = error
            continue
        done += 1
        facts, by = entry.facts, f" by {name}" if name else ""
        typer.echo(f"{facts.subject} {told}{by}\nSHA-256 {grouped(facts.sha256)}")
    if not done and failed is not None:
        _end(failed)


def _lists(
    site: Path | None, agent: str | None, pki: Path | None
) -> tuple[Site | None, dict[str, TrustList]]:
    """The lists that are meant, by agent; that of a folder has no name."""
    from edge.trust.folder import TrustList
    from refit.sites import open_site

    if pki is not None:
        if site is not None or agent is not None:
            _end(
                ValueError("--pki is for a folder without a site: leave out --site and --agent"), 2
            )
        return None, {"": TrustList(pki)}
    loaded = open_site(site or Path("site.toml"))
    try:
        names = [loaded.agent(agent).name] if agent else _secured(loaded)
    except LookupError as error:
        _end(ValueError(error.args[0]), 2)
    return loaded, {name: TrustList(loaded.pki_of(name)) for name in names}


def _secured(site: Site) -> list[str]:
    """The agents that talk to a server securely, or all when none does."""
    found = {one.agent for one in site.stations if one.opcua and one.opcua.security != "None"}
    return [one.name for one in site.agents if one.name in found or not found]


def _listed(agent: str, of: TrustList, site: Site | None) -> Iterator[Listed]:
    from edge.trust import certificates, own

    mine = own.files(of.folder).certificate
    if mine.exists():
        yield Listed(agent, "own", certificates.facts(certificates.load(mine)), "", "", mine)
    for state, entries in (("trusted", of.trusted()), ("rejected", of.rejected())):
        for one in entries:
            why = "; ".join(dict.fromkeys(filter(None, one.seen.values())))
            where = ", ".join(_places(one, site))
            told = why if state == "rejected" else ""
            yield Listed(agent, state, one.facts, where, told, one.path)


def _places(entry: Entry, site: Site | None) -> list[str]:
    """The stations at which a certificate was shown, or the URLs when no station is there."""
    found: list[str] = []
    for url in entry.seen:
        stations = () if site is None else site.stations
        named = [one.name for one in stations if one.opcua and one.opcua.url == url]
        found += named or [url]
    return found


def _document(one: Listed) -> dict[str, Any]:
    facts = one.facts
    return {
        "agent": one.agent, "state": one.state, "subject": facts.subject,
        "application_uri": facts.application_uri, "hosts": facts.hosts,
        "valid_from": facts.valid_from.isoformat(), "valid_until": facts.valid_until.isoformat(),
        "sha256": facts.sha256, "sha1": facts.sha1, "seen": one.stations, "why": one.why,
        "file": str(one.path),
    }  # fmt: skip


def _table(found: list[Listed]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console.width = 200
    if not found:
        console.print("no certificate is there yet: the agent makes its own when it first needs it")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("agent", "state", "subject, application", "valid until", "SHA-256", "seen at"):
        table.add_column(column, overflow="fold")
    for one in found:
        about = f"{one.facts.subject}\n{one.facts.application_uri}"
        seen = Text(one.stations)
        if one.why:
            seen.append(f"\n{one.why}", "italic")
        table.add_row(
            one.agent, Text(one.state, STYLE[one.state]), Text(about),
            f"{one.facts.valid_until:%Y-%m-%d}", one.facts.sha256[:16], seen,
        )  # fmt: skip
    console.print(table)


def _end(error: Exception, code: int = 1) -> NoReturn:
    typer.echo(f"refit trust: {error}", err=True)
    raise typer.Exit(code) from error
