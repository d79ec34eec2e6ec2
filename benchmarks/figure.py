"""What a figure is: a name, what it says, and how it is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Context:
    """How to measure now: everything, or (`short`) just enough to see that it works.

    `patience_s` is how long to wait, before each trial, for other work on this machine to end.
    """

    folder: Path
    say: Say
    short: bool = False
    repeats: int = 3
    seconds: float = 10.0
    patience_s: float = 30.0

    @property
    def settings(self) -> dict[str, Any]:
        """What goes into the JSON beside the figures."""
        return {
            "short": self.short, "repeats": self.repeats, "seconds": self.seconds,
            "patience_s": self.patience_s,
        }  # fmt: skip

    def trial(self, name: str) -> Path:
        """A new folder for one trial."""
        count = sum(1 for _ in self.folder.iterdir())
        path = self.folder / f"{count:03d}-{name}"
        path.mkdir()
        return path


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `measure` returns what goes into the JSON, `settings` and `runs` among it."""

    name: str
    what: str
    measure: Callable[[Context], dict[str, Any]]


def medians(runs: Sequence[dict[str, Any]], *, skip: Sequence[str] = ()) -> dict[str, Any]:
    """The median of every number of equal dictionaries, however deep; other values of the first."""
    result: dict[str, Any] = {}
    for key, value in runs[0].items():
        values = [run[key] for run in runs if run.get(key) is not None]
        if key in skip:
            continue
        if isinstance(value, dict):
            result[key] = medians(values)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            result[key] = value
        else:
            result[key] = median(values)
    return result
