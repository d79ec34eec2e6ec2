"""The reference pages that are made from the code: `python -m refit.reference` writes all of them.

A test compares each page in docs/reference with what the code makes of it now.
"""

from __future__ import annotations

from pathlib import Path

from refit.reference import (
    commands,
    conformance,
    inspection,
    kinds,
    libraries,
    measurements,
    metrics,
    records,
    tags,
    views,
)
from stations.kinds import names
from wire.site import reference as site_file

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def pages() -> dict[str, str]:
    """Every page that is made from the code, by the name of its file."""
    made = {
        "site-file.md": site_file.page(),
        "command-line.md": commands.page(),
        "records.md": records.page(),
        "metrics.md": metrics.page(),
        "ledger-views.md": views.page(),
        "measurements.md": measurements.page(),
        "README.md": kinds.page(),
        "inspection-items.md": inspection.page(),
        "libraries.md": libraries.page(),
        "sparkplug-conformance.md": conformance.page(),
    }
    return made | {f"tags-{kind}.md": tags.page(kind) for kind in names()}


def write(folder: Path = FOLDER) -> list[Path]:
    """Write the pages that are not as the code makes them; which those were."""
    written = []
    for name, text in pages().items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            written.append(path)
    return written
