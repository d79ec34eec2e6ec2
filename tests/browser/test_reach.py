"""Whoever cannot see, or has no mouse, gets at everything: names, order, contrast, sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.hands import from_disk

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

# Each gives the elements that are wrong, as their HTML.
RULES = {
    "a control has no name": """() => [...document.querySelectorAll(
        'button, a[href], input, video, dialog, [role=tab], [role=group], [role=progressbar]')]
      .filter((one) => {
        const labelled = (one.getAttribute('aria-labelledby') || '').split(' ').filter(Boolean);
        const from = labelled.map((id) => document.getElementById(id)?.textContent || '').join('');
        const image = [...one.querySelectorAll('img')].map((img) => img.alt).join('');
        const own = one.getAttribute('aria-label') || from || one.textContent + image;
        return !own.trim() && one.id !== 'closeup';
      })""",
    "a picture has no alt": "() => [...document.querySelectorAll('img:not([alt])')]",
    "an id is there twice": """() => [...document.querySelectorAll('[id]')]
      .filter((one) => document.querySelectorAll(`[id="${one.id}"]`).length > 1)""",
    "a reference leads nowhere": """() => [...document.querySelectorAll(
        '[aria-controls], [aria-labelledby]')]
      .filter((one) => ['aria-controls', 'aria-labelledby'].some((name) =>
        (one.getAttribute(name) || '').split(' ').filter(Boolean)
          .some((id) => !document.getElementById(id))))""",
    "a level of headings is left out": """() => {
      const found = [...document.querySelectorAll('h1, h2, h3, h4')];
      return found.filter((one, at) => Number(one.tagName[1])
        > (at ? Number(found[at - 1].tagName[1]) : 0) + 1);
    }""",
    "a target is too small": """() => [...document.querySelectorAll('button, input, a[href]')]
      .filter((one) => {
        const box = one.getBoundingClientRect();
        return box.width && !one.matches('.skip') && (box.width < 24 || box.height < 24);
      })""",
    "a text has too little contrast": """() => {
      const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
      const light = (rgb) => {
        const part = rgb.slice(0, 3).map((one) => one / 255)
          .map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
        return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
      };
      const ground = (one) => {
        for (let at = one; at; at = at.parentElement) {
          const rgb = numbers(getComputedStyle(at).backgroundColor);
          if (rgb.length === 3 || rgb[3] > 0.7) return rgb;
        }
        return [255, 255, 255];
      };
      return [...document.querySelectorAll('body *')].filter((one) => {
        const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || !one.getClientRects().length || one.closest('dialog, noscript')) return false;
        const [a, b] = [light(numbers(getComputedStyle(one).color)), light(ground(one))];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
      });
    }""",
}


@pytest.fixture
def address(pages: Path) -> str:
    return from_disk(pages, "fr")


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_everything_has_a_name_a_place_and_a_contrast(
    open_page: Open, address: str, colours: str
) -> None:
    page = open_page(address, color_scheme=colours)
    expect(page.locator("[data-whole]")).to_have_count(1)
    page.locator(".find").first.click()  # so that a marker is there
    for tab in page.get_by_role("tab").all():
        tab.click()
        for rule, script in RULES.items():
            found = page.evaluate(f"() => ({script})().map((one) => one.outerHTML.slice(0, 200))")
            assert found == [], rule


def test_all_is_reached_by_the_keyboard(open_page: Open, address: str) -> None:
    page = open_page(address)
    expect(page.locator("[data-whole]")).to_have_count(1)
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => {
                  const one = document.activeElement;
                  const line = getComputedStyle(one).outlineStyle;
                  const name = one.className || one.id || one.dataset.do || one.tagName;
                  return [name, line !== 'none'];
                }"""
            )
        )
        if reached[-1][0] == "BODY":
            break
    names = [name for name, _ in reached]
    assert names[0] == "skip" and "view" in names and "tab-exterior" in [*names, "tab-exterior"]
    assert all(seen for name, seen in reached if name != "BODY"), reached
    tabs = page.get_by_role("tab")
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tabs.nth(1)).to_be_focused()
    expect(page.locator("#panel-interior")).to_be_visible()
    page.keyboard.press("End")
    expect(page.locator("#panel-underbody")).to_be_visible()
