"""The table as it is drawn: a head with what is wrong, and only the rows that there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from refit.watching.board import Board, Place, Row
from refit.watching.view import View, plain, shown, sparkline, time_text, value_text

SPARK = 24
SPARK_MIN = len("history")
VALUE_MAX = 22  # as soon as the history has too little room
LEAST = (("quality", 10), ("tag", 16), ("value", 12), ("station", 12), ("tag", 8),
         ("station", 6), ("value", 6), ("quality", 4))  # fmt: skip
TROUBLES_MAX = 4
FRAME_LINES = 4  # of a table: the line above, the titles, and the lines below both
FOOT_LINES = 1
STYLES = {"Good": "green", "Uncertain": "yellow", "Bad": "red", "": "dim"}
TITLES = {
    "station": "station", "tag": "tag", "value": "value", "quality": "quality", "age": "age",
    "rate": "per s",
}  # fmt: skip
HELP = """\
/        filter: every word must be in station, tag, unit, quality, state, line,
         kind, agent or description; -word: must not. Enter keeps it, Escape ends it
s        sort by the next column: station, tag, value, quality, age, per s
r        the other way round
space    pause, and go on
↑ ↓      one row up or down (also k and j); page up and down; home and end
?        this help
q        quit (also Ctrl-C)

quality  the name of the OPC UA StatusCode: Good, Uncertain or Bad is how it begins
age      how old the latest sample is, by the historian's clock. A value that does
         not change gives no new sample: that of an online station is still so
per s    samples a second over the last ten seconds
history  the last numbers that came, the lowest of them as ▁, the highest as █
Grey values are the last ones of a station that is offline, or of a historian that
is away. A narrow terminal has no room for the history and for long names.
"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is to be shown, how many rows of it are on the screen, and of how many."""

    whole: Group
    page: int
    count: int


def draw(
    board: Board, view: View, now_s: float, console: Console, url: str, stations: Sequence[str] = ()
) -> Drawn:
    """The screen as it is now, within the height of the console."""
    rows = shown(board, view, now_s, stations)
    head = [_title(board, len(rows), url), *_troubles(board, now_s)]
    page = max(console.height - len(head) - FRAME_LINES - FOOT_LINES, 1)
    top = min(view.top, max(len(rows) - page, 0))
    part = rows[top : top + page]
    if view.is_help:
        body: Table | Text = Text("\n" + HELP)
    elif not rows:
        body = Text("\n" + _nothing(board, view, stations), "yellow")
    else:
        body = table(board, part, now_s, console.width, view.sort, view.is_descending)
    for line in head:
        line.truncate(console.width, overflow="ellipsis")
    foot = _foot(view, top, len(part), len(rows))
    foot.truncate(console.width, overflow="ellipsis")
    return Drawn(Group(*head, body, foot), page, len(rows))


def table(
    board: Board,
    rows: Sequence[Row],
    now_s: float,
    width: int,
    sort: str = "",
    is_descending: bool = False,
) -> Table:
    """Some rows as a table; the title of the column by which they are sorted has an arrow.

    Without `sort` it is one for a single look, which knows no rates.
    """
    arrow = " ↓" if is_descending else " ↑"
    titles = {
        name: Text(title + (arrow if name == sort else ""))
        for name, title in TITLES.items()
        if sort or name != "rate"
    }
    lines = [_cells(board, row, now_s) for row in rows]
    widths = {name: max(one[name].cell_len for one in (titles, *lines)) for name in titles}
    spark = _fit(widths, width)
    made = Table()
    for name, title in titles.items():
        made.add_column(
            title, no_wrap=True, overflow="ellipsis", width=widths[name],
            justify="right" if name in ("value", "age", "rate") else "left",
        )  # fmt: skip
    if spark:
        made.add_column("history", no_wrap=True, width=spark)
    for row, cells in zip(rows, lines, strict=True):
        style = "dim" if board.is_old(row) else "cyan"
        history = [Text(sparkline(row.recent, spark), style)] if spark else []
        made.add_row(*(cells[name] for name in titles), *history)
    return made


def _cells(board: Board, row: Row, now_s: float) -> dict[str, Text]:
    old = board.is_old(row)
    value_style = "dim" if old or row.value is None else ""
    return {
        "station": Text(plain(row.station), "dim" if old else ""),
        "tag": Text(plain(row.tag)),
        "value": Text(value_text(row), value_style),
        "quality": Text(row.quality, "dim" if old else STYLES[row.severity]),
        "age": Text(time_text(board.age_s(row, now_s)), value_style),
        "rate": Text(_rate(board.per_s(row, now_s)), value_style),
    }


def _fit(widths: dict[str, int], room: int) -> int:
    """Make columns as narrow as the room asks for, the long ones first; what the history has.

    An age or a rate that is cut says something wrong, so those keep their width.
    """
    over = sum(widths.values()) + 3 * len(widths) + 1 - room
    given = min(max(over + 3 + SPARK, 0), max(widths["value"] - VALUE_MAX, 0))
    widths["value"] -= given
    over -= given
    for name, least in LEAST:
        given = min(max(over, 0), max(widths[name] - least, 0))
        widths[name] -= given
        over -= given
    spark = min(-over - 3, SPARK)
    return spark if spark >= SPARK_MIN else 0


def _rate(per_s: float) -> str:
    return "-" if per_s == 0 else f"{per_s:.1f}" if per_s < 100 else f"{per_s:.0f}"


def _title(board: Board, count: int, url: str) -> Text:
    online = sum(one.online for one in board.stations.values())
    return Text.assemble(
        ("Refit", "bold"), f": site {board.site or '?'}, ",
        f"{online} of {len(board.stations)} stations online, ",
        f"{board.good()} of {len(board.rows)} tags Good",
        ("" if count == len(board.rows) else f", {count} shown", ""), (f"  {url}", "dim"),
    )  # fmt: skip


def _troubles(board: Board, now_s: float) -> list[Text]:
    """What keeps values from coming, the most general first; a few lines at most."""
    found = []
    if board.away_since_s is not None:
        since = time_text(now_s - board.away_since_s)
        what = "the values are the last ones" if board.rows else "nothing is known yet"
        found.append(Text(f"no answer from the historian for {since}: {board.away}; {what}", "red"))
    found += [Text(one, "red") for one in board.troubles()]
    gone = [one for one in board.agents.values() if not one.online]
    found += [_gone("agent", one, board, now_s) for one in gone]
    dead = {one.name for one in gone}
    found += [
        _gone("station", one, board, now_s)
        for one in board.stations.values()
        if not one.online and one.agent not in dead
    ]
    more = len(found) - TROUBLES_MAX
    if more > 0:
        found[TROUBLES_MAX - 1 :] = [Text(f"and {more + 1} more agents and stations", "yellow")]
    return found


def _gone(what: str, place: Place, board: Board, now_s: float) -> Text:
    since = board.since_s(place, now_s)
    told = f" for {time_text(since)}" if since is not None else ""
    return Text(f"{what} {plain(place.name)} is offline{told}: {plain(place.why)}", "yellow")


def _nothing(board: Board, view: View, stations: Sequence[str]) -> str:
    unknown = [name for name in stations if name not in board.stations]
    if unknown and board.stations:
        known = plain(", ".join(board.stations))
        return f"no station {unknown[0]!r}; known are {known}"
    if view.filter and board.rows:
        return f"no tag fits the filter {view.filter!r}: Escape ends it"
    return "there is no tag yet" if not board.away else ""


def _foot(view: View, top: int, on_screen: int, count: int) -> Text:
    if view.is_typing:
        return Text.assemble(("filter: ", "bold"), view.filter, ("▏", "blink"))
    words = [f"{top + 1}-{top + on_screen} of {count}" if count else "0 of 0"]
    words += ["PAUSED, space goes on"] if view.is_paused else []
    words += [f"filter {view.filter!r}"] if view.filter else []
    return Text(
        "  ".join([*words, "? help  / filter  s sort  r reverse  space pause  q quit"]), "dim"
    )
