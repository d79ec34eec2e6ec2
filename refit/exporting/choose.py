"""Which series of a store are wanted, and what the site file says of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from plant.stores.store import OWN_MEASUREMENTS, Series
from stations.declare import Type
from wire.site import Site, SiteError
from wire.site.problems import closest


class Unknown(LookupError):
    """No station, tag or measurement fits what was asked for, and what there is."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One series, with what the site file says of its tag."""

    series: Series
    unit: str = ""
    doc: str = ""
    low: float | None = None
    high: float | None = None
    states: dict[str, str] = field(default_factory=dict)
    name: str = ""  # station/tag; with the measurement where a station has been of two kinds

    @property
    def is_number(self) -> bool:
        """Whether it has means."""
        return self.series.type in (Type.INT, Type.FLOAT)

    def about(self) -> dict[str, object]:
        """What a file says of the tag."""
        known = {
            "type": self.series.type.name.lower(), "unit": self.unit, "doc": self.doc,
            "low": self.low, "high": self.high, "line": self.series.line, "states": self.states,
        }  # fmt: skip
        return {key: value for key, value in known.items() if value not in ("", None, {})}


def choose(
    site: Site,
    listed: Iterable[Series],
    stations: Sequence[str],
    tags: Sequence[str],
    measurement: str | None,
) -> list[Chosen]:
    """The series that fit, in the order of the site file; Unknown when a word fits none.

    `stations` and `tags` are names or patterns such as `press-*`; none of them means all. The
    historian's own measurements are given out only by their name.
    """  # fmt: skip
    # A station that was moved to another line has two series, which a store reads as one.
    every = list({(one.measurement, one.station, one.tag): one for one in listed}.values())
    named = {one.measurement for one in every}
    if measurement is not None and measurement not in named:
        raise Unknown(_none("measurement", measurement, named))
    there = [
        one for one in every
        if (one.measurement not in OWN_MEASUREMENTS if measurement is None
            else one.measurement == measurement)
    ]  # fmt: skip
    known = {one.name for one in site.stations} if measurement is None else set()
    names = known | {one.station for one in there}
    _check("station", stations, names)
    found = [one for one in there if _fits(one.station, stations)]
    declared = _declared(site)
    of_found = {tag for station, tag in declared if _fits(station, stations) and station in known}
    _check("tag", tags, of_found | {one.tag for one in found})
    order = {key: at for at, key in enumerate(declared)}
    chosen = [one for one in found if _fits(one.tag, tags)]
    chosen.sort(key=lambda one: (order.get((one.station, one.tag), len(order)), one.station))
    twice = Counter((one.station, one.tag) for one in chosen)
    return [_chosen(one, declared, twice[one.station, one.tag] > 1) for one in chosen]


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, one) for one in patterns)


def _check(what: str, patterns: Sequence[str], names: set[str]) -> None:
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise Unknown(_none(what, pattern, names))


def _none(what: str, pattern: str, names: set[str]) -> str:
    told = closest(pattern, sorted(names)) if names else "there is none yet"
    return f'no {what} fits "{pattern}"; {told}'


def _declared(site: Site) -> dict[tuple[str, str], Chosen]:
    """By station and tag what the site file says; the series in it are only placeholders."""
    found = {}
    for station in site.stations:
        try:
            tags = station.declared.tags
        except SiteError:
            continue
        for tag in tags:
            states = {str(one.value): one.name for one in tag.states or ()}
            series = Series(site.name, station.line, station.name, "", tag.name, tag.value_type)
            found[station.name, tag.name] = Chosen(
                series, tag.unit, tag.doc, tag.low, tag.high, states
            )
    return found


def _chosen(series: Series, declared: dict[tuple[str, str], Chosen], is_twice: bool) -> Chosen:
    name = f"{series.station}/{series.tag}" + (f" ({series.measurement})" if is_twice else "")
    known = declared.get((series.station, series.tag))
    if known is None or series.measurement in OWN_MEASUREMENTS:
        return Chosen(series, name=name)
    return replace(known, series=series, name=name)
