"""The vehicle turns by itself: once, for whoever sees it, until somebody touches it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.hands import from_disk, is_at, turned

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


def test_it_turns_by_itself_until_it_is_touched(open_page: Open, pages: Path) -> None:
    """A turn takes 12 s of the page's time, which goes on only when the test says so."""
    page = open_page(from_disk(pages), at_will=True, reduced_motion="no-preference")
    view = turned(page)
    stop, go = (
        page.get_by_role("button", name=name) for name in ("Stop turning", "Turn by itself")
    )
    expect(stop).to_have_attribute("aria-pressed", "true")
    page.clock.run_for(3000)
    expect(view).to_have_attribute("data-frame", re.compile("^(8|9)$"))
    view.click(position={"x": 10, "y": 10})
    expect(go).to_have_attribute("aria-pressed", "false")
    frame = view.get_attribute("data-frame")
    page.clock.run_for(3000)
    assert view.get_attribute("data-frame") == frame


def test_it_turns_once_and_again_when_it_is_asked(open_page: Open, pages: Path) -> None:
    page = open_page(from_disk(pages), at_will=True, reduced_motion="no-preference")
    view = turned(page)
    stop, go = (
        page.get_by_role("button", name=name) for name in ("Stop turning", "Turn by itself")
    )
    page.clock.run_for(11_000)
    expect(stop).to_have_attribute("aria-pressed", "true")
    page.clock.run_for(2000)
    expect(go).to_have_attribute("aria-pressed", "false")
    is_at(view, 0)
    go.click()
    page.clock.run_for(14_000)
    expect(stop).to_have_attribute("aria-pressed", "true")
    expect(view).not_to_have_attribute("data-frame", "0")


def test_a_page_that_nobody_sees_yet_turns_when_it_is_seen(open_page: Open, pages: Path) -> None:
    hide = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => window.away})"
    page = open_page(
        from_disk(pages), at_will=True, before=f"window.away = true; {hide}",
        reduced_motion="no-preference",
    )  # fmt: skip
    view = turned(page)
    page.clock.run_for(2000)
    is_at(view, 0)
    seen = "() => { window.away = %s; document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(seen % "false")
    page.clock.run_for(2000)
    expect(view).to_have_attribute("data-frame", re.compile("^(5|6)$"))
    page.evaluate(seen % "true")
    page.evaluate(seen % "false")
    expect(page.get_by_role("button", name="Turn by itself")).to_be_visible()


def test_it_stays_still_for_whom_motion_disturbs(open_page: Open, pages: Path) -> None:
    page = open_page(from_disk(pages))
    view = turned(page)
    is_at(view, 0)
    play = page.get_by_role("button", name="Turn by itself")
    expect(play).to_have_attribute("aria-pressed", "false")
    play.click()
    expect(view).not_to_have_attribute("data-frame", "0")
