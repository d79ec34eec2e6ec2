"""The system's Chromium for pages, one for each test module, and pages that accept no error.

Its fixtures end with their module: playwright keeps an event loop running in its thread, in which
no test of ours could run a coroutine.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from plant.pages.capture import from_folder
from plant.pages.page import make_page
from tests.conftest import missing
from tests.plant.pages.captures import whole_capture
from wire.texts import Texts

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "build" / "screenshots"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
Open = Callable[..., Page]

expect.set_options(timeout=20_000)  # of a machine that does other work beside


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pages `en` and `fr` of one capture. Read it only."""
    folder = tmp_path_factory.mktemp("pages")
    capture = from_folder(whole_capture(folder / "capture"))
    for language in ("en", "fr"):
        make_page(capture, folder / language, Texts(language))
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing("Chromium", "apt-get install chromium")
    with sync_playwright() as playwright:
        # As root it has no sandbox; it opens nothing but our own pages.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens an address in a window of its own; an error that a page tells fails the test."""
    contexts, told = [], []

    def opened(url: str, at_will: bool = False, before: str = "", **options: Any) -> Page:
        """`at_will`: the page's time stands until `page.clock` goes on; `before`: a script."""
        settings = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}
        context = browser.new_context(**(settings | options))
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        root = url.rpartition("/")[0]

        def outside(request: Request) -> None:
            if not request.url.startswith((root, "data:", "blob:")):
                told.append(f"asked for {request.url}")

        page.on("request", outside)
        page.on("console", lambda said: told.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: told.append(str(error)))
        if at_will:
            page.clock.install(time=0)
            page.clock.pause_at(1000)
        if before:
            page.add_init_script(before)
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert told == []


def kept(page: Page, name: str, **options: Any) -> None:
    """A screenshot among the artefacts."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", **options)
