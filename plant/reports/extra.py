"""Whether the extra `reports` is installed, and what to say when it is not."""

from __future__ import annotations

from importlib.util import find_spec

NEEDED = ("fpdf", "matplotlib", "segno")
HOW = "pip install 'refit[reports]'"


class ReportsMissing(RuntimeError):
    """The extra is not installed; the message says how to have it."""


def need_reports() -> None:
    """ReportsMissing when a library of the extra is not there."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ReportsMissing(
            f"reports and charts need the extra reports ({', '.join(missing)} missing): {HOW}"
        )
