"""What can be wrong with a site: each problem says where it is and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong: file, line (0: the whole file), key, what, and the way out."""

    file: Path
    line: int
    key: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        text = f"{place}: {self.key}: {self.what}" if self.key else f"{place}: {self.what}"
        return f"{text} ({self.hint})" if self.hint else text


class SiteError(Exception):
    """A site that cannot be used, with every problem that was found, in the order of the lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Wrong(ValueError):
    """A value that cannot be right: what is wrong with it, and what would be right."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def closest(word: str, known: Iterable[str]) -> str:
    """`did you mean ...?`, or the known words when none is near."""
    words = [str(one) for one in known]
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    if not words:
        return ""
    return f"known {'is' if len(words) == 1 else 'are'} {', '.join(words)}"
