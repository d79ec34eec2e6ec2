"""From a site file to a `Site`: read it and its includes, check all, say all that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import BaseModel

from wire.site import checks, documents, foreign, inspections, security
from wire.site.brokers import OWN_NAME
from wire.site.connections import Pki
from wire.site.documents import Document, Overrides
from wire.site.explain import Model, validate
from wire.site.foreign import ForeignConfig
from wire.site.lines import LineConfig
from wire.site.models import AgentConfig, Site, SiteFile, SiteTable, StationConfig
from wire.site.positions import Key
from wire.site.problems import Problem, SiteError, closest

TABLES: dict[str, type[BaseModel]] = {
    name: field.annotation
    for name, field in SiteFile.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
}
READ_FILES = (
    "tags", "plan", "password_file", "token_file", "tokens_file", "ca_file", "cert_file",
    "key_file", "user_cert_file", "user_key_file", "sign_certificate_file", "sign_key_file",
    "vin_key_file",
)  # fmt: skip
SECRETS = (
    "password_file", "token_file", "tokens_file", "key_file", "user_key_file", "sign_key_file",
    "vin_key_file",
)  # fmt: skip


@dataclass(frozen=True)
class Examined:
    """What was found in a site file: the site when there is no problem, and what is only odd."""

    site: Site | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def load(path: Path, overrides: Overrides | None = None) -> Site:
    """The site that a file describes; SiteError with every problem when it cannot be used."""
    examined = examine(path, overrides)
    if examined.site is None:
        raise SiteError(examined.problems)
    return examined.site


def examine(path: Path, overrides: Overrides | None = None) -> Examined:
    """Everything that is wrong or odd in a site file, its includes and its CSVs."""
    document = documents.read(path)
    if document.problems and not document.values:
        return Examined(None, tuple(document.problems), ())
    documents.override(document, overrides or {})
    site = _build(document)
    if site is None:
        return Examined(None, tuple(_in_order(document)), ())
    warnings = [
        *_missing_files(document, site),
        *checks.open_secrets(document, _secrets(document, site)),
        *checks.odd_broker(document, site.broker),
        *checks.odd_media(document, site.media),
        *security.cells(document, site),
    ]
    for index, one in enumerate(site.stations):
        warnings += checks.odd(document, ("station", index), one)
        warnings += inspections.odd(document, ("station", index), one, site.http.tls)
    return Examined(site, (), tuple(warnings))


def write_copy(source: Path, target: Path, overrides: Overrides | None = None) -> Site:
    """Write a site as one file with other values in it, and load that.

    Files that are read (CSVs, certificates) stay where they are; what is written (store, ledger,
    outbox) lies beside the copy unless the overrides say otherwise.
    """
    load(source, overrides)
    document = documents.read(source)
    for table in _tables(document.values):
        for key in READ_FILES:
            if key in table:
                table[key] = str(document.folder / table[key])
    documents.override(document, overrides or {})
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(tomli_w.dumps(document.values), encoding="utf-8")
    return load(target)


def _tables(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from _tables(inner)


def _build(document: Document) -> Site | None:
    values = document.values
    for key in values:
        if key not in SiteFile.model_fields:
            document.problems.append(
                document.problem((key,), "unknown key", closest(key, SiteFile.model_fields))
            )
    tables: dict[str, Any] = {}
    for name, model in TABLES.items():
        if model is SiteTable and name not in values:
            hint = 'write [site] with name = "NAME"'
            document.problems.append(Problem(document.path, 0, name, "is missing", hint))
            continue
        tables[name] = validate(document, (name,), model, values.get(name, {}))
    lines = _list(document, "line", LineConfig)
    agents = _list(document, "agent", AgentConfig)
    stations = _list(document, "station", StationConfig)
    others = _list(document, "foreign", ForeignConfig)
    document.problems += [*checks.names(document), *checks.lines(document)]
    names = [one.name for one in stations.values()]
    ours = [one.name for one in agents.values()]
    document.problems += foreign.problems(document, others, names, ours)
    for place, config in stations.items():
        document.problems += checks.station(document, place, config)
    if document.problems:
        return None
    table = tables.pop("site")
    site = Site(
        name=table.name, cells=table.cells, **tables, lines=tuple(lines.values()),
        agents=tuple(agents.values()), stations=tuple(stations.values()),
        foreign=tuple(others.values()),
        folder=document.folder, file=document.path,
    )  # fmt: skip
    document.problems += security.doors(document, site)
    if document.problems:
        return None
    for station in site.stations:
        if station.opcua is not None:
            station.opcua.keep_in(Pki(site.pki_of(station.agent), f"--site {document.path}"))
    return site


def _list(document: Document, name: str, model: type[Model]) -> dict[Key, Model]:
    found: dict[Key, Model] = {}
    for index, value in enumerate(document.values.get(name, [])):
        one = validate(document, (name, index), model, value)
        if one is not None:
            found[(name, index)] = one
    return found


def _in_order(document: Document) -> list[Problem]:
    """Each problem once, the site file's first, then those of the other files, by line."""
    return sorted(set(document.problems), key=lambda one: (one.file != document.path, one))


def _missing_files(document: Document, site: Site) -> Iterator[Problem]:
    """Secrets and certificates that are not on this machine; they may be on the station PC."""
    for key, value in _leaves(document.values, ()):
        if key[-1] in READ_FILES[2:] and not any(
            one.is_file() for one in _places(document, site, value)
        ):
            yield document.problem(key, f"{value} is not on this machine", "put it there")


def _secrets(document: Document, site: Site) -> Iterator[tuple[Key, Path]]:
    """Every file of a key or a password that is on this machine, and where the site names it."""
    for key, value in _leaves(document.values, ()):
        if key[-1] in SECRETS:
            for path in _places(document, site, value):
                yield key, path


def _places(document: Document, site: Site, value: str) -> list[Path]:
    """Where a file may be: for each who comes in at the broker, when it is each one's own."""
    names = [one.name for one in site.agents] + [site.historian.name]
    return [
        document.folder / one
        for one in dict.fromkeys(value.replace(OWN_NAME, name) for name in names)
    ]


def _leaves(value: Any, key: Key) -> Iterator[tuple[Key, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*key, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*key, index))
    else:
        yield key, value
