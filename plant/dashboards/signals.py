"""Panels of the tags of one station, each made from its declaration alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plant.dashboards import looks, panels, queries, units
from plant.dashboards.looks import words
from plant.dashboards.names import Sources
from plant.dashboards.panels import Influx, Json, Panel, by_name
from plant.stores.influx.lines import STATUS, field_of
from stations.declare import Node, Station, Tag, Type

NOT_GOOD, OFFLINE = "not good", "machine offline"
GAP_MS = 45_000  # a heartbeat comes every 30 s
GOOD_MAX = 1 << 30  # a StatusCode from here on is not Good
NUMBERS, ARRAYS = (Type.INT, Type.FLOAT), (Type.INTS, Type.FLOATS)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the samples of one kind of station lie; `where` are the tags of the station shown."""

    sources: Sources
    measurement: str
    where: dict[str, str]


def is_number(tag: Tag[Any]) -> bool:
    """Whether a tag is drawn as a line."""
    return tag.value_type in NUMBERS and tag.states is None


def group_of(tag: Tag[Any]) -> str:
    """The part of the machine to which a tag belongs, by its address."""
    if not isinstance(tag.at, Node):
        return words(tag.at.on) or "Modbus"
    if tag.at.is_node_id or "/" not in tag.at.path:
        return "station"
    return tag.at.path.partition("/")[0].lower()


def _status(tag: Tag[Any]) -> str:
    """The field of a tag's StatusCode."""
    return field_of(tag.name) + STATUS


def told(tag: Tag[Any]) -> str:
    """What a person needs to know of a tag: its sentence, its limits, its states."""
    parts = [tag.doc]
    if tag.low is not None or tag.high is not None:
        low = "" if tag.low is None else f" from {tag.low:g}"
        high = "" if tag.high is None else f" up to {tag.high:g}"
        parts.append(f"Believable{low}{high} {tag.unit}".rstrip() + ".")
    if tag.states is not None:
        parts.append("\n".join(f"- {words(one.name)}: {one.doc}" for one in tag.states))
    return "\n\n".join(parts)


def number(place: Place, tag: Tag[Any]) -> Panel:
    """A number over time; shaded while it is not good and while its machine is away."""
    here = queries.where(place.where, queries.TIME)
    away = queries.where(place.where, '"online" = false', queries.TIME)
    name = queries.name(_status(tag))
    return Panel(
        "timeseries",
        words(tag.name),
        told(tag),
        units.of(tag),
        [
            _influx(
                place,
                f"mean({queries.name(field_of(tag.name))})",
                here,
                "previous",
                words(tag.name),
            ),
            _influx(place, f"last({name}) / {GOOD_MAX}", here, "previous", NOT_GOOD),
            Influx(
                place.sources.samples,
                queries.over_time('count("online")', "station_state", away),
                OFFLINE,
            ),
        ],
        options=panels.graph_options(),
        custom=panels.line(thresholdsStyle={"mode": "dashed"}),
        defaults={
            "color": {"mode": "palette-classic"},
            "thresholds": looks.limits(tag.low, tag.high),
        },
        overrides=[
            _shade(NOT_GOOD, looks.PURPLE, True),
            _shade(OFFLINE, looks.PALE, GAP_MS),
        ],
        interval="1s",
    )


def _influx(place: Place, what: str, where: str, fill: str, alias: str) -> Influx:
    query = queries.over_time(what, place.measurement, where, fill=fill)
    return Influx(place.sources.samples, query, alias)


def _shade(name: str, colour: str, over: bool | int) -> Json:
    """A series without a line that fills the whole height where it is 1 or more."""
    return by_name(
        name,
        color={"mode": "fixed", "fixedColor": colour},
        unit=units.SHORT,
        min=0,
        max=1,
        custom__axisPlacement="hidden",
        custom__lineWidth=0,
        custom__fillOpacity=30,
        custom__spanNulls=over,
        custom__thresholdsStyle={"mode": "off"},
    )


def long_term(place: Place, tag: Tag[Any]) -> Panel:
    """A number over months: the mean of each minute, with its smallest and largest value."""
    fields = queries.each("mean", {field_of(tag.name): "mean"})
    fields += f', min({queries.name(tag.name + "_min")}) AS "min"'
    fields += f', max({queries.name(tag.name + "_max")}) AS "max"'
    here = queries.where(place.where, queries.TIME)
    query = queries.over_time(fields, place.measurement, here)
    bound = {"custom__lineWidth": 0, "color": {"mode": "fixed", "fixedColor": looks.BLUE}}
    return Panel(
        "timeseries",
        words(tag.name),
        told(tag),
        units.of(tag),
        [Influx(place.sources.means, query, "$col")],
        options=panels.graph_options(calcs=["mean", "min", "max"]),
        custom=panels.line(lineInterpolation="linear", thresholdsStyle={"mode": "dashed"}),
        defaults={
            "color": {"mode": "fixed", "fixedColor": looks.BLUE},
            "thresholds": looks.limits(tag.low, tag.high),
        },
        overrides=[
            by_name("max", custom__fillBelowTo="min", custom__fillOpacity=20, **bound),
            by_name("min", **bound),
        ],
        interval="1m",
    )


def states(place: Place, tags: Sequence[Tag[Any]], title: str, told: str) -> Panel:
    """States or switches over time, one lane for each."""
    here = queries.where(place.where, queries.TIME)
    targets = [
        Influx(
            place.sources.samples,
            queries.select(queries.name(field_of(tag.name)), place.measurement, here),
            words(tag.name),
        )
        for tag in tags
    ]
    overrides = [
        by_name(words(tag.name), mappings=looks.numbers(tag.states)) for tag in tags if tag.states
    ]
    return Panel(
        "state-timeline", title, told, units.NONE, targets, 24, 3 + len(tags),
        options=panels.timeline(), custom=panels.TIMELINE, overrides=overrides,
        defaults={"mappings": looks.switch(), "color": {"mode": "fixed", "fixedColor": looks.GREY}},
    )  # fmt: skip


def array(place: Place, tag: Tag[Any]) -> Panel:
    """The newest elements of an array, one bar for each."""
    here = queries.where(place.where, queries.EVER)
    query = queries.select(
        queries.each("last", {field_of(tag.name): tag.name}), place.measurement, here
    )
    return Panel(
        "bargauge", words(tag.name), told(tag), units.of(tag),
        [Influx(place.sources.samples, query, table=True)],
        w=24 if tag.length > 12 else 8, h=8,
        options={
            "displayMode": "basic", "orientation": "vertical", "valueMode": "color",
            "legend": panels.legend(False), "maxVizHeight": 300, "minVizHeight": 16,
            "minVizWidth": 8, "namePlacement": "auto", "showUnfilled": True, "sizing": "auto",
            "reduceOptions": panels.reduced(),
        },
        defaults={"thresholds": looks.limits(tag.low, tag.high), **_range(tag)},
        transformations=[
            panels.transformation("extractFields", source=tag.name, format="json", replace=True)
        ],
    )  # fmt: skip


def _range(tag: Tag[Any]) -> Json:
    ends = {"min": tag.low, "max": tag.high}
    return {key: value for key, value in ends.items() if value is not None}


def values_now(place: Place, tags: Sequence[Tag[Any]]) -> Panel:
    """The newest good value of every number as a tile, red where it is outside of its limits."""
    here = queries.where(place.where, queries.EVER)
    fields = queries.each("last", {field_of(tag.name): words(tag.name) for tag in tags})
    overrides = [
        by_name(words(tag.name), unit=units.of(tag), thresholds=looks.limits(tag.low, tag.high))
        for tag in tags
    ]
    query = queries.select(fields, place.measurement, here)
    return Panel(
        "stat", "Values now",
        "The newest good value of each number, however old it is: beside it stands how good the"
        " newest one is. Red: outside of the limits of a believable value.",
        units.SHORT,
        [Influx(place.sources.samples, query, table=True)],
        w=16, h=5 + len(tags) // 4,
        options=panels.tile(name=True, colorMode="value"),
        overrides=overrides,
    )  # fmt: skip


def quality_now(place: Place, tags: Sequence[Tag[Any]], height: int) -> Panel:
    """How good the newest sample of every tag is, the worst first."""
    here = queries.where(place.where, queries.EVER)
    fields = queries.each("last", {_status(tag): words(tag.name) for tag in tags})
    query = queries.select(fields, place.measurement, here)
    return Panel(
        "table", "Quality now",
        "How good the newest sample of each tag is, by the severity of its OPC UA StatusCode; a tag"
        " that is not listed never came.",
        units.NONE,
        [Influx(place.sources.samples, query, table=True)],
        w=8, h=height,
        options=panels.table("quality", descending=True), custom=panels.CELL,
        overrides=[by_name("quality", mappings=looks.quality(),
                           custom__cellOptions=panels.COLOURED_CELL)],
        transformations=[
            panels.transformation("reduce", mode="seriesToRows", reducers=["lastNotNull"]),
            panels.organize({"Field": "tag", "Last *": "quality"}),
        ],
    )  # fmt: skip


def quality_over_time(place: Place, tags: Sequence[Tag[Any]]) -> Panel:
    """How good the samples of every tag were, a lane for each.

    One query for each tag: a single one with all of them takes InfluxDB twenty times as long.
    """
    here = queries.where(place.where, queries.TIME)
    targets = [
        _influx(place, f"last({queries.name(_status(tag))})", here, "none", words(tag.name))
        for tag in tags
    ]
    return Panel(
        "state-timeline", "Quality of every tag",
        "Each lane begins with the first change of quality in the time that is shown; a tag without"
        " a lane has not changed its quality in it.",
        units.NONE, targets, 24, 4 + len(tags) // 2,
        options={**panels.timeline(), "perPage": 30, "showValue": "never"},
        custom=panels.TIMELINE, defaults={"mappings": looks.quality()}, interval="10s",
    )  # fmt: skip


def texts(place: Place, tags: Sequence[Tag[Any]]) -> Panel:
    """The newest texts."""
    here = queries.where(place.where, queries.EVER)
    fields = queries.each("last", {field_of(tag.name): words(tag.name) for tag in tags})
    query = queries.select(fields, place.measurement, here)
    return Panel(
        "table", "Texts now", "\n".join(f"- {words(tag.name)}: {tag.doc}" for tag in tags),
        units.TEXT,
        [Influx(place.sources.samples, query, table=True)],
        w=24, h=3 + len(tags), options=panels.table(), custom=panels.CELL,
        transformations=[
            panels.transformation("reduce", mode="seriesToRows", reducers=["lastNotNull"]),
            panels.organize({"Field": "tag", "Last *": "text"}),
        ],
    )  # fmt: skip


def groups(declaration: type[Station]) -> dict[str, list[Tag[Any]]]:
    """The numbers and arrays of a declaration by the part of the machine."""
    found: dict[str, list[Tag[Any]]] = {}
    for tag in declaration.tags:
        if is_number(tag) or tag.value_type in ARRAYS:
            found.setdefault(group_of(tag), []).append(tag)
    return found
