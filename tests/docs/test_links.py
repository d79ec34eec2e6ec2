"""Every page can be reached from the README, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted((ROOT / "stations").glob("*/README.md"))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def links(page: Path) -> list[str]:
    """The relative links of a page, outside of code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]*`", "", text)
    return [target for target in LINK.findall(text) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page make."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def target(page: Path, link: str) -> Path:
    """The file that a link means; of a folder, its README."""
    path = page if link.startswith("#") else (page.parent / link.partition("#")[0]).resolve()
    return path / "README.md" if path.is_dir() else path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        there = target(page, link)
        assert there.exists(), f"{page.relative_to(ROOT)} links to {link}"
        anchor = link.partition("#")[2]
        assert not anchor or anchor in anchors(there), f"{link} has no such heading"


def test_every_page_is_in_the_index() -> None:
    reached, index = set(), [ROOT / "docs/README.md"]
    for page in index:
        reached.add(page)
        inside = [one for one in (target(page, link) for link in links(page)) if one.exists()]
        index += [one for one in inside if one.name == "README.md" and one not in index]
        reached.update(inside)
    pages = set((ROOT / "docs").rglob("*.md"))
    assert pages - reached == set()
    assert ROOT / "docs/README.md" in {
        target(ROOT / "README.md", link) for link in links(ROOT / "README.md")
    }


def test_what_would_be_wrong_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A b-c, d!\n[x](gone.md#y) [z](https://z) `[q](q)`\n```\n[c](c)\n```\n")
    assert links(page) == ["gone.md#y"]
    assert anchors(page) == {"a-b-c-d"}
    assert not target(page, "gone.md#y").exists()
    assert target(page, "#a-b-c-d") == page
