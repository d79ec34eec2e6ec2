"""Which paths somebody wants: globs in which `*` stays within a step and `**` does not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")


def glob(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression: `Line3/**`, `*/Temperature`, `**/Axis?/Speed`."""
    translated = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = (translated.get(part, re.escape(part)) for part in _PARTS.findall(pattern))
    return re.compile("".join(parts), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Filter:
    """Wanted is what fits one of the globs (or any, without one), the expression, and no `without`.

    ValueError for an expression that is none.
    """

    globs: Sequence[str] = ()
    regex: str = ""
    without: Sequence[str] = ()

    def compiled(self) -> Wanted:
        """Ready to be asked often."""
        try:
            expression = re.compile(self.regex)
        except re.error as error:
            raise ValueError(f"{self.regex!r} is no regular expression: {error}") from error
        return Wanted(
            [glob(one) for one in self.globs], expression, [glob(one) for one in self.without]
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A compiled `Filter`."""

    globs: list[re.Pattern[str]]
    regex: re.Pattern[str]
    without: list[re.Pattern[str]]

    def __call__(self, path: str) -> bool:
        """Whether a path is wanted; an expression may fit anywhere in it."""
        return (
            (not self.globs or any(one.fullmatch(path) for one in self.globs))
            and self.regex.search(path) is not None
            and not any(one.fullmatch(path) for one in self.without)
        )
