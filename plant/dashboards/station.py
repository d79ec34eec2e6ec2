"""The dashboards of one kind of station: now and today, and over months."""

from __future__ import annotations

from dataclasses import dataclass

from plant.dashboards import looks, panels, queries, signals, units
from plant.dashboards.board import Board, link, variable
from plant.dashboards.names import Sources, uid
from plant.dashboards.panels import Influx, Json, Panel, by_name
from plant.dashboards.signals import Place
from stations.declare import Station, Type

STATION = {"station": "$station"}
SAME = "${station:queryparam}"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a dashboard is about: a kind of station, or one machine declared by a CSV."""

    site: str
    name: str
    declaration: type[Station]
    is_device: bool
    sources: Sources

    @property
    def measurement(self) -> str:
        """Where its samples lie."""
        return self.name

    def place(self) -> Place:
        """Where the samples of the station lie that is chosen above."""
        return Place(self.sources, self.name, {"site": self.site, **STATION})


def uid_of(site: str, name: str) -> str:
    """The dashboard of a kind, or of a device by its name."""
    return uid(site, "station", name)


def long_uid(site: str, name: str) -> str:
    """The dashboard of its long term."""
    return uid(site, "long", name)


def today(shown: Shown, links: list[Json]) -> Board:
    """The dashboard of now and today."""
    place, tags = shown.place(), shown.declaration.tags
    months = link("Long term", long_uid(shown.site, shown.name), variables=SAME)
    board = Board(
        uid_of(shown.site, shown.name),
        f"{looks.words(shown.name).replace('-', ' ').capitalize()} ({shown.site})",
        (shown.declaration.__doc__ or "").partition("\n")[0],
        tags=["station"], variables=[_variable(shown)],
        links=[*links, months],
    )  # fmt: skip
    board.add(*_header(shown))
    numbers = [tag for tag in tags if signals.is_number(tag)]
    now = signals.values_now(place, numbers)
    board.row("Now", [now, signals.quality_now(place, tags, now.h)])
    states = [tag for tag in tags if tag.states is not None]
    switches = [tag for tag in tags if tag.value_type is Type.BOOL]
    texts = [tag for tag in tags if tag.value_type is Type.TEXT]
    if states:
        listed = "\n\n".join(f"**{looks.words(tag.name)}** {signals.told(tag)}" for tag in states)
        board.row("States", [signals.states(place, states, "States", listed)])
    if switches:
        listed = "\n".join(f"- {looks.words(tag.name)}: {tag.doc}" for tag in switches)
        board.row("Switches", [signals.states(place, switches, "Switches", listed)], collapsed=True)
    for title, members in signals.groups(shown.declaration).items():
        drawn = [
            signals.number(place, tag) if signals.is_number(tag) else signals.array(place, tag)
            for tag in members
        ]
        board.row(title.capitalize(), drawn, collapsed=True)
    if texts:
        board.row("Texts", [signals.texts(place, texts)], collapsed=True)
    board.row("Quality", [signals.quality_over_time(place, tags)], collapsed=True)
    return board


def months(shown: Shown, links: list[Json]) -> Board:
    """The dashboard of the long term, from the means of each minute."""
    today = link("Today", uid_of(shown.site, shown.name), variables=SAME)
    board = Board(
        long_uid(shown.site, shown.name),
        f"{looks.words(shown.name).replace('-', ' ').capitalize()}, long term ({shown.site})",
        "Means of each minute, with the smallest and the largest value; kept for two years.",
        tags=["long term"], variables=[_variable(shown)],
        links=[*links, today],
        start="now-30d", refresh="5m",
    )  # fmt: skip
    for title, members in signals.groups(shown.declaration).items():
        drawn = [signals.long_term(shown.place(), tag) for tag in members if signals.is_number(tag)]
        if drawn:
            board.row(title.capitalize(), drawn)
    return board


def _variable(shown: Shown) -> Json:
    site = queries.where({"site": shown.site})
    query = queries.tag_values(shown.measurement, "station", site)
    return variable("station", "Station", shown.sources.samples, query, hide=shown.is_device)


def _header(shown: Shown) -> list[Panel]:
    field = "online" if shown.is_device else "state_name"
    states = None if shown.is_device else shown.declaration.tag("state").states
    mappings = looks.online() if states is None else looks.state_names(states)
    return [_tile(shown, field, mappings), _facts(shown), _timeline(shown, field, mappings)]


def _newest(shown: Shown, what: str) -> Influx:
    now = queries.where({"site": shown.site, **STATION}, queries.HEARD)
    return Influx(shown.sources.samples, queries.newest(what, "station_state", now), table=True)


def _tile(shown: Shown, field: str, mappings: list[Json]) -> Panel:
    return Panel(
        "stat", "State",
        "What the station does now. Violet: its state is of bad quality. Black: its machine or its"
        " agent is offline. No coloured tile: the historian has said nothing for 90 s.",
        units.TEXT, [_newest(shown, queries.name(field))], 6, 5,
        options=panels.tile(f"/^{field}$/"),
        defaults={"mappings": mappings, "noValue": "no data"},
    )  # fmt: skip


def _facts(shown: Shown) -> Panel:
    facts = '"silent_s" AS "last heard", "why"'
    texts = ["why"] if shown.is_device else ["vehicle", "why"]
    if not shown.is_device:
        facts = f'"visit" AS "vehicle", "since_s" AS "in this state", {facts}'
    return Panel(
        "stat", "Facts",
        "The vehicle, how long the state has lasted, how long ago the station was last heard and,"
        " when it is offline, why. Unchanged: heard a moment ago although nothing moves.",
        units.SECONDS, [_newest(shown, facts)], 6, 5,
        options=panels.tile(
            "/^(vehicle|in this state|last heard|why)$/", name=True, colorMode="none"
        ),
        overrides=[by_name(name, unit=units.TEXT) for name in texts],
    )  # fmt: skip


def _timeline(shown: Shown, field: str, mappings: list[Json]) -> Panel:
    here = queries.where({"site": shown.site, **STATION}, queries.TIME)
    last = f"last({queries.name(field)})"
    query = queries.over_time(last, "station_state", here, fill="null")
    return Panel(
        "state-timeline", "State over time",
        "Black: offline. Violet: bad quality. Grey: no data of the state. Nothing drawn: the"
        " historian was down. A state that does not change goes on in its colour.",
        units.NONE, [Influx(shown.sources.samples, query, "state")], 12, 5,
        options=panels.timeline(), custom=panels.TIMELINE,
        defaults={"mappings": mappings}, interval="1m",
    )  # fmt: skip
