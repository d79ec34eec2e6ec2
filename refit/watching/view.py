"""What of the rows is shown and how: filter, order, page, and every cell as text. All pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from refit.watching.board import Board, Row

BLOCKS = "▁▂▃▄▅▆▇█"
SORTS = ("station", "tag", "value", "quality", "age", "rate")
NUMBERS_SHOWN = 4
DIGITS = 7
WORST = {"Bad": 0, "Uncertain": 1, "": 2, "Good": 3}
Key = Callable[[Row], Any]


@dataclass(frozen=True, slots=True)
class View:
    """What somebody has asked to see. `top` is the index of the first row on the screen."""

    filter: str = ""
    sort: str = "station"
    is_descending: bool = False
    top: int = 0
    is_paused: bool = False
    is_typing: bool = False
    is_help: bool = False
    is_over: bool = False


def press(view: View, key: str, page: int, count: int) -> View:
    """The view after a key; `page` is the number of rows on the screen, `count` of all shown."""
    if view.is_typing:
        return _typed(view, key)
    if view.is_help and key not in ("q", "ctrl-c"):
        return replace(view, is_help=False)
    last = max(count - page, 0)
    moves = {
        "up": view.top - 1, "k": view.top - 1, "down": view.top + 1, "j": view.top + 1,
        "page-up": view.top - page, "page-down": view.top + page, "home": 0, "end": last,
    }  # fmt: skip
    if key in moves:
        return replace(view, top=min(max(moves[key], 0), last))
    match key:
        case "q" | "ctrl-c":
            return replace(view, is_over=True)
        case "/":
            return replace(view, is_typing=True, top=0)
        case "escape":
            return replace(view, filter="", top=0)
        case "s":
            return replace(view, sort=SORTS[(SORTS.index(view.sort) + 1) % len(SORTS)], top=0)
        case "r":
            return replace(view, is_descending=not view.is_descending, top=0)
        case " " | "p":
            return replace(view, is_paused=not view.is_paused)
        case "?" | "h":
            return replace(view, is_help=True)
    return view


def _typed(view: View, key: str) -> View:
    if key == "ctrl-c":
        return replace(view, is_over=True)
    if key == "enter":
        return replace(view, is_typing=False)
    if key == "escape":
        return replace(view, is_typing=False, filter="", top=0)
    if key == "backspace":
        return replace(view, filter=view.filter[:-1], top=0)
    if len(key) == 1 and key.isprintable():
        return replace(view, filter=view.filter + key, top=0)
    return view


def fits(row: Row, board: Board, text: str) -> bool:
    """Whether every word of a filter is in the row; of one that begins with `-`, that it is not."""
    place = board.stations.get(row.station)
    said = (row.station, row.tag, row.unit, row.quality, row.state, row.doc)
    more = (place.line, place.kind, place.agent) if place else ()
    whole = " ".join((*said, *more)).lower()
    for word in text.lower().split():
        hidden = len(word) > 1 and word.startswith("-")
        if word[1:] in whole if hidden else word not in whole:
            return False
    return True


def shown(board: Board, view: View, now_s: float, stations: Sequence[str] = ()) -> list[Row]:
    """The rows that fit the filter, in order; of these stations alone when some are named."""
    found = [
        row for row in board.rows.values()
        if (not stations or row.station in stations) and fits(row, board, view.filter)
    ]  # fmt: skip
    found.sort(key=_order(view.sort, board, now_s), reverse=view.is_descending)
    return found


def _order(sort: str, board: Board, now_s: float) -> Key:
    orders: dict[str, Key] = {
        "station": lambda row: row.place,
        "tag": lambda row: (row.tag, row.place),
        "value": lambda row: (*_rank(row.value), row.place),
        "quality": lambda row: (WORST[row.severity], row.quality, row.place),
        "age": lambda row: (_age(board, row, now_s), row.place),
        "rate": lambda row: (board.per_s(row, now_s), row.place),
    }
    return orders[sort]


def _age(board: Board, row: Row, now_s: float) -> float:
    age = board.age_s(row, now_s)
    return math.inf if age is None else age


def _rank(value: Any) -> tuple[int, float, str]:
    """Values of all types in one order: none, numbers, texts, arrays."""
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, int | float):
        return 1, 0.0 if math.isnan(value) else value, ""
    return (2, 0.0, value) if isinstance(value, str) else (3, 0.0, json.dumps(value))


def plain(text: str) -> str:
    """A text of a machine without signs that a terminal would obey."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def value_text(row: Row) -> str:
    """The value with its unit; of a state its name and number."""
    if row.value is None:
        return "-"
    if row.states:
        return f"{row.state} ({row.value})" if row.state else f"unknown state ({row.value})"
    return " ".join(filter(None, (_value(row.value), plain(row.unit))))


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.{DIGITS}g}"
        case str():
            return plain(value) or '""'
        case list():
            first = ", ".join(_value(one) for one in value[:NUMBERS_SHOWN])
            return f"[{first}, … {len(value)}]" if len(value) > NUMBERS_SHOWN else f"[{first}]"
        case None:
            return "-"
    return str(value)


def sparkline(numbers: Iterable[float], width: int) -> str:
    """The last numbers as blocks from the least to the greatest; a space where one is missing."""
    if width < 1:
        return ""
    last = list(numbers)[-width:]
    finite = [one for one in last if math.isfinite(one)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    return "".join(_block(one, low, high) if math.isfinite(one) else " " for one in last)


def _block(number: float, low: float, high: float) -> str:
    if low == high:
        return BLOCKS[3]
    # Halves, because the distance of two huge numbers may be none that a float can be.
    share = (number / 2 - low / 2) / (high / 2 - low / 2)
    return BLOCKS[min(int(share * len(BLOCKS)), len(BLOCKS) - 1)] if share == share else BLOCKS[0]


def time_text(seconds: float | None) -> str:
    """A duration in at most five signs: 0.4s, 12s, 3m20, 5h07, 12d."""
    if seconds is None:
        return "-"
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3_600:
        return f"{whole // 60}m{whole % 60:02}"
    if whole < 86_400:
        return f"{whole // 3_600}h{whole % 3_600 // 60:02}"
    return f"{whole // 86_400}d"
