"""The page of what was measured, from the results of runs."""

from __future__ import annotations

from pathlib import Path


def text_of(results: Path) -> str:
    """The Markdown of a file of results."""
    return results.read_text()
