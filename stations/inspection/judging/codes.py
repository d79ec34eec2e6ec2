"""The code of a deficiency, `function.point.sub-point.letter.severity`, as in 1.2.1.b.2.

The last digit is the severity. A point or sub-point may have two digits: where the Directive has
four numbers, France joins the last two (8.2.1.2 is 8.2.12).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

_FORM = re.compile(r"([0-8])\.([1-9][0-9]?)\.([1-9][0-9]?)\.([a-z]{1,2})\.([1-3])")
_POINT = re.compile(r"([0-8])\.([1-9][0-9]?)\.([1-9][0-9]?)")


class Severity(IntEnum):
    """How grave a deficiency is; French: mineure, majeure, critique."""

    MINOR = 1
    MAJOR = 2
    CRITICAL = 3


class WrongCode(ValueError):
    """A text is no code; the message says what one looks like."""


@dataclass(frozen=True, slots=True)
class Code:
    """A code in its parts."""

    function: int
    point: int
    sub: int
    letter: str
    severity: Severity

    @property
    def number(self) -> str:
        """The point it belongs to, as in 8.2.12."""
        return f"{self.function}.{self.point}.{self.sub}"

    @property
    def subject(self) -> str:
        """The code without its severity."""
        return f"{self.number}.{self.letter}"

    def __str__(self) -> str:
        return f"{self.subject}.{self.severity.value}"


def parse(text: str) -> Code:
    """The parts of a code; WrongCode when it is none."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise WrongCode(
            f"{text!r} is no code: write function.point.sub-point.letter.severity with a severity"
            " of 1, 2 or 3, as in 1.2.1.b.2 or 8.2.12.a.2"
        )
    function, point, sub, letter, severity = match.groups()
    return Code(int(function), int(point), int(sub), letter, Severity(int(severity)))


def is_point(text: str) -> bool:
    """Whether a text is the number of a point, as in 8.2.12."""
    return _POINT.fullmatch(text) is not None
