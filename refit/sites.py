"""Loading a site for a command: a wrong one ends it with exit code 2 and all its errors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.text import Text

    from wire.site import Overrides, Problem, Site

WRONG = 2


def open_site(path: Path, overrides: Overrides | None = None) -> Site:
    """The site of a file; prints every problem to stderr and exits with 2 when there is one."""
    from wire.logs import start_quiet_logging
    from wire.site import SiteError, load

    start_quiet_logging()
    try:
        return load(path, overrides)
    except SiteError as error:
        show_problems(error.problems, "error")
        raise typer.Exit(WRONG) from error


def show_problems(problems: Iterable[Problem], word: str) -> None:
    """Print problems to stderr, one or two lines each, and how many there are."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    shown = list(problems)
    for problem in shown:
        console.print(_text(problem, word))
    if shown:
        console.print(f"{len(shown)} {word}{'' if len(shown) == 1 else 's'}")


def _text(problem: Problem, word: str) -> Text:
    from rich.text import Text

    place = shortened(problem.file) + (f":{problem.line}" if problem.line else "")
    text = Text.assemble(
        (place, "bold"), ": ", (word, "red" if word == "error" else "yellow"), ": "
    )
    if problem.key:
        text.append(f"{problem.key}: ", "cyan")
    text.append(problem.what)
    if problem.hint:
        text.append(f"\n    {problem.hint}", "green")
    return text


def shortened(path: Path) -> str:
    """The path from the working folder, when it lies below it."""
    folder = Path.cwd()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
