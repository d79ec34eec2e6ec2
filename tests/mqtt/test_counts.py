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


# What each may publish and read, written out: the verdicts of the other tests rest on it.
TOLD = ("NBIRTH/+", "NDATA/+", "NDEATH/+", "DBIRTH/+/+", "DDATA/+/+", "DDEATH/+/+")
RIGHTS: dict[str, tuple[set[str], set[str]]] = {
    "pc-1": (
        {
            "spBv1.0/works/NBIRTH/pc-1", "spBv1.0/works/NDATA/pc-1", "spBv1.0/works/NDEATH/pc-1",
            "spBv1.0/works/DBIRTH/pc-1/meter-1", "spBv1.0/works/DDATA/pc-1/meter-1",
            "spBv1.0/works/DDEATH/pc-1/meter-1", "refit/works/record/pc-1",
            "refit/works/answer/pc-1",
        },
        {
            "spBv1.0/works/NCMD/pc-1", "spBv1.0/works/DCMD/pc-1/+", "spBv1.0/STATE/historian",
            "refit/works/recorded/pc-1", "refit/works/command/pc-1",
        },
    ),
    "historian": (
        {"spBv1.0/works/NCMD/+", "spBv1.0/STATE/historian", "refit/works/recorded/+"},
        {f"spBv1.0/works/{one}" for one in TOLD}
        | {"spBv1.0/STATE/historian", "refit/works/record/+"},
    ),
    "line-controller": (
        {"refit/works/command/+"},
        {f"spBv1.0/works/{one}" for one in TOLD}
        | {"spBv1.0/STATE/historian", "refit/works/answer/+"},
    ),
    "viewer": (set(), {f"spBv1.0/works/{one}" for one in TOLD} | {"spBv1.0/STATE/historian"}),
}  # fmt: skip


def test_the_rights_are_these(site: Site) -> None:
    found = {one.name: (set(one.publishes), set(one.reads)) for one in accounts(site)}
    other = found.pop("pc-2")
    assert found == RIGHTS
    mine = [{topic.replace("pc-1", "pc-2") for topic in topics} for topics in RIGHTS["pc-1"]]
    assert other == ({topic.replace("meter-1", "meter-2") for topic in mine[0]}, mine[1])


def test_every_account_and_everything_that_it_may_is_among_what_is_tried(site: Site) -> None:
    found = accounts(site)
    assert {one.name for one in found} == set(EVERYBODY)
    for one in found:
        for pattern in (*one.publishes, *one.reads):
            assert any(allows(pattern, topic) for topic in universe()), pattern
        assert len(allowed(one.publishes)) < len(universe()) / 4
    assert len(universe()) == len(set(universe()))
