"""`refit dashboards`: what Grafana needs to show a site, written from its declarations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from plant.dashboards import Servers
    from wire.site import Site

app = typer.Typer()

# The folder that Grafana has on its own machine unless one says otherwise.
GRAFANA_FOLDER = "/etc/grafana/refit/dashboards"


@app.command()
def dashboards(
    site: Annotated[Path, typer.Option("--site", help="The site file.", metavar="FILE")],
    to: Annotated[Path, typer.Option(help="Where to write.", metavar="FOLDER")] = Path("grafana"),
    grafana_folder: Annotated[
        str,
        typer.Option(
            help="Where Grafana will find TO/dashboards on its machine.", metavar="FOLDER"
        ),
    ] = GRAFANA_FOLDER,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with 1 when a file is out of date.")
    ] = False,
) -> None:
    """Write dashboards, data sources and alert rules for Grafana, as the site and its kinds are.

    Then copy TO/provisioning/* into Grafana's provisioning folder and TO/dashboards to the folder
    named by --grafana-folder, set the environment variables REFIT_INFLUXDB_* and
    REFIT_POSTGRESQL_* for Grafana's service, and start it again: docs/how-to/grafana.md.
    """
    from plant.dashboards import files
    from refit.sites import open_site

    loaded = open_site(site)
    made = files(loaded, servers_of(loaded), grafana_folder)
    stale = outdated(made, to)
    if check:
        for path in stale:
            typer.echo(f"{path} is out of date", err=True)
        raise typer.Exit(1 if stale else 0)
    write(made, to)
    if loaded.store.version == "victoria":
        typer.echo(
            "VictoriaMetrics knows no InfluxQL: only the panels of the ledger work", err=True
        )
    elif not loaded.store.is_influx:
        typer.echo(
            "Grafana cannot read this site's store, a file: docs/how-to/influxdb.md has another",
            err=True,
        )
    typer.echo(f"{to}: {len(made)} files, {len(stale)} of them changed")


def servers_of(site: Site) -> Servers:
    """Where Grafana finds the stores, as far as the site file says it."""
    from dataclasses import replace
    from urllib.parse import urlsplit

    from plant.dashboards import Servers

    servers, store = Servers(), site.store
    if store.is_influx:
        servers = replace(
            servers, influxdb=store.address, database=store.database,
            means=f"{store.database}_1m", token=store.version in ("2", "3"),
        )  # fmt: skip
    if site.ledger.path is None:
        parts = urlsplit(site.ledger.url)
        host = parts.netloc.rpartition("@")[2]
        servers = replace(
            servers,
            postgresql=host if parts.port else f"{host}:5432",
            ledger=parts.path.removeprefix("/"),
            # Grafana does not know "prefer".
            sslmode=mode if (mode := site.ledger.sslmode) not in (None, "prefer")
            else servers.sslmode,
        )  # fmt: skip
    return servers


def outdated(made: dict[str, str], to: Path) -> list[Path]:
    """The files below a folder that are not, or no longer, what was made; those too many count."""
    stale = [
        to / name
        for name, text in made.items()
        if not (to / name).is_file() or (to / name).read_text(encoding="utf-8") != text
    ]
    return stale + [path for path in boards_in(to) if str(path.relative_to(to)) not in made]


def boards_in(to: Path) -> list[Path]:
    """The dashboards that lie there: all in that folder are ours."""
    return sorted((to / "dashboards").glob("*.json"))


def write(made: dict[str, str], to: Path) -> None:
    """Write all files, each whole or not at all, and remove dashboards that are no more."""
    for name, text in made.items():
        path = to / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + ".new")
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    for path in boards_in(to):
        if str(path.relative_to(to)) not in made:
            path.unlink()
