"""The live screen: answers come from the poller, keys from the terminal, the table goes out."""

from __future__ import annotations

import queue
import signal
import time
from collections.abc import Sequence
from types import FrameType

from rich.console import Console
from rich.live import Live

from refit.watching.board import Board
from refit.watching.client import Away, Client, Poller
from refit.watching.keys import Keys
from refit.watching.screen import Drawn, draw
from refit.watching.view import View, press

WAIT_S = 0.1
REDRAW_S = 1.0


def live(
    client: Client, view: View, every_s: float, stations: Sequence[str], console: Console, file: int
) -> None:
    """Show the table until `q`; `file` is the terminal from which the keys come."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)  # the terminal must be given back as it was
    poller, board = Poller(client, every_s), Board()
    try:
        with Keys(file) as keys, Live(console=console, screen=True, auto_refresh=False) as screen:
            while not view.is_over:
                now_s = time.time()
                drawn = draw(board, view, now_s, console, client.url, stations)
                screen.update(drawn.whole, refresh=True)
                view = _wait(poller, board, keys, view, drawn, console)
    finally:
        poller.stop()


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _wait(
    poller: Poller, board: Board, keys: Keys, view: View, drawn: Drawn, console: Console
) -> View:
    """Wait until something is to be drawn: a key, an answer, another size, a second gone by."""
    until, size = time.monotonic() + REDRAW_S, console.size
    while True:
        key = keys.next(WAIT_S)
        if key is not None:
            return press(view, key, drawn.page, drawn.count)
        if not view.is_paused and take(poller, board):
            return view
        if console.size != size or (time.monotonic() > until and not view.is_paused):
            return view


def take(poller: Poller, board: Board) -> bool:
    """Take in what has come; whether anything has."""
    has_come = False
    while True:
        try:
            found = poller.found.get_nowait()
        except queue.Empty:
            return has_come
        has_come = True
        if isinstance(found, Away):
            board.lost(str(found), time.time())
        else:
            board.take(found, time.time())
