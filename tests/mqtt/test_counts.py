"""What the access list's tests try, in numbers, as the page says them; and that it is all there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.mqtt.guarded import EVERYBODY, METER, SITE, allowed, allows, counted, universe
from wire.access import accounts
from wire.site import Site, load

PAGE = ROOT / "docs/how-to/secure-the-broker.md"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "meter.csv").write_text(METER)
    (tmp_path / "site.toml").write_text(SITE.format(port=8883))
    return load(tmp_path / "site.toml")


def test_the_page_says_how_often_it_is_tried(site: Site) -> None:
    page = PAGE.read_text()
    for what, number in counted(accounts(site)).items():
        assert f"| {what} | {number:,} |" in page, f"{what}: {number:,}"


def test_every_account_and_everything_that_it_may_is_among_what_is_tried(site: Site) -> None:
    found = accounts(site)
    assert {one.name for one in found} == set(EVERYBODY)
    for one in found:
        for pattern in (*one.publishes, *one.reads):
            assert any(allows(pattern, topic) for topic in universe()), pattern
        assert len(allowed(one.publishes)) < len(universe()) / 4
    assert len(universe()) == len(set(universe()))
