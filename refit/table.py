"""The live table of a running plant: what each station does, and whether everything arrives."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from plant.stores.factory import open_store
from plant.stores.store import Store
from refit.demo_plant import DemoPlant
from stations.status import is_good
from wire.site import StationConfig

WIDTH_WHOLE = 136  # of a terminal that has room for every column
WIDTH_RECORD = 111  # of one that has room for the last record, not for the counts
REFRESH_S = 1.0
RATE_S = 5.0


@dataclass(slots=True)
class Rate:
    """How fast a counter rises, over the last seconds."""

    seen: deque[tuple[float, int]] = field(default_factory=deque)

    def per_s(self, count: int) -> float:
        """Take in the counter now; its rise per second."""
        now = time.monotonic()
        self.seen.append((now, count))
        while now - self.seen[0][0] > RATE_S:
            self.seen.popleft()
        since, before = self.seen[0]
        return (count - before) / (now - since) if now > since else 0.0


class PlantTable:
    """Draws a running demo plant from what is really stored, and what its agents say."""

    def __init__(self, plant: DemoPlant, store: Store, width: int = WIDTH_WHOLE) -> None:
        self.plant, self.store = plant, store
        self.counts, self.records = width >= WIDTH_WHOLE, width >= WIDTH_RECORD
        self._rates = {station.name: Rate() for station in plant.site.stations}

    def draw(self) -> Group:
        """The table as it is now."""
        table = Table(title=f"Refit: site {self.plant.site.name}", title_justify="left")
        for title in ("station", "state", "vehicle"):
            table.add_column(title, no_wrap=True)
        counts = ("values/s", "acknowledged", "backlog") if self.counts else ("values/s",)
        for title in (*counts, "quality"):
            table.add_column(title, justify="right", no_wrap=True)
        if self.records:
            table.add_column("last record", no_wrap=True, overflow="ellipsis")
        health = {agent.name: self.plant.health(agent.name) for agent in self.plant.site.agents}
        for station in self.plant.site.stations:
            said = health[station.agent]
            record = self.plant.last_record(station.name)
            told = f"{record.time[11:19]} {record.kind}" if record else ""
            row = self._row(station, said and said["health"])
            table.add_row(*row, *([told] if self.records else []))
        return Group(*self._files(), table, *self._problems(health), self._foot())

    def _files(self) -> Iterator[Text]:
        """The newest of what was made of records, each with the path to open."""
        for maker, made in self.plant.files.told():
            if made:
                of = f" ({len(made)} so far)" if len(made) > 1 else ""
                yield Text(f"newest {maker.what}{of}: {made[-1]}", "bold", overflow="fold")
            else:
                yield Text(f"newest {maker.what}: none yet", "dim")

    def _row(self, station: StationConfig, health: dict[str, Any] | None) -> list[str | Text]:
        stored = self.store.count(station.name)
        rate = self._rates[station.name].per_s(stored)
        backlog = str(health["backlog_samples"]) if health else "-"
        return [
            station.name,
            self._state(station),
            str(self._value(station, "visit") or ""),
            f"{rate:.0f}",
            *([str(stored), backlog] if self.counts else []),
            self._quality(station),
        ]

    def _value(self, station: StationConfig, tag: str) -> Any:
        if tag not in {one.name for one in station.declaration.tags}:
            return None
        latest = self.store.last(station.name, tag).latest
        return None if latest is None else latest.value

    def _state(self, station: StationConfig) -> str:
        number = self._value(station, "state")
        if number is None:
            return ""
        states = station.declaration.tag("state").states
        known = {state.value: state.name.lower() for state in states or ()}
        return known.get(number, str(number))

    def _quality(self, station: StationConfig) -> Text:
        """The share of the tags whose latest sample is Good."""
        tags = station.declaration.tags
        latest = [self.store.last(station.name, tag.name).latest for tag in tags]
        good = sum(one is not None and is_good(one.status) for one in latest)
        style = "green" if good == len(tags) else "yellow"
        return Text(f"{100 * good / len(tags):.0f} % good", style)

    def _problems(self, health: dict[str, dict[str, Any] | None]) -> list[Text]:
        lines = []
        for agent, said in health.items():
            problems = ["does not answer yet"] if said is None else said["problems"]
            lines += [Text(f"{agent}: {problem}", "yellow") for problem in problems]
        lines += [Text(problem, "yellow") for problem in self.plant.files.problems]
        return lines

    def _foot(self) -> Text:
        running = time.monotonic() - self.plant.started
        return Text(f"running for {running:.0f} s; everything lies in {self.plant.folder}", "dim")


def show(plant: DemoPlant) -> None:
    """Show the table until Ctrl-C; Ended when one of the processes dies."""
    store = open_store(plant.site.store)
    try:
        console = Console()
        table = PlantTable(plant, store, console.width)
        with Live(table.draw(), console=console, auto_refresh=False, transient=False) as live:
            while True:
                plant.wait(REFRESH_S)
                live.update(table.draw(), refresh=True)
    except KeyboardInterrupt:
        return
    finally:
        store.close()
