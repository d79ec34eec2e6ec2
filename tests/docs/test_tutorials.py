"""The tutorials do what they say, and show what they say that they show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Reader, installed

TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.md"))


@pytest.mark.system
@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_does_what_it_says(page: Path, tmp_path: Path) -> None:
    Reader(page, tmp_path).follow(installed(tmp_path))
