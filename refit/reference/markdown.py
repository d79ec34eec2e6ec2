"""The few pieces of Markdown of which the reference pages are made."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence

HEAD = "This page is made from the code by `make reference`; do not edit it.\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a `|` in a cell is kept from ending it."""
    lines = [list(head), ["---"] * len(head), *(list(row) for row in rows)]
    return "".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines
    )


def code(text: str) -> str:
    """`text` as code; nothing when it is empty."""
    return f"`{text}`" if text else ""


def words(documented: object) -> str:
    """The docstring of something, paragraph by paragraph."""
    return (inspect.getdoc(documented) or "").strip() + "\n"
