"""What a person does to a page: drags, with a mouse or with fingers, and what they see then."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Locator, Page, expect


def box_of(view: Locator) -> tuple[float, float, float, float]:
    """Left, top, width and height on the screen."""
    box = view.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def drag(page: Page, view: Locator, across: float, down: float = 0.0) -> None:
    """Drag from the middle by shares of the width and of the height, in some steps."""
    left, top, width, height = box_of(view)
    x, y = left + width / 2, top + height / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across * width, y + down * height, steps=6)
    page.mouse.up()


class Fingers:
    """Touches of a page by the browser's own protocol."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def _send(self, kind: str, *points: tuple[float, float]) -> None:
        listed = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": listed})

    def move(self, *paths: tuple[tuple[float, float], tuple[float, float]], steps: int = 5) -> None:
        """Put a finger on the begin of each path, move all to the ends, lift them."""
        self._send("touchStart", *(begin for begin, _ in paths))
        for step in range(1, steps + 1):
            share = step / steps
            places = [
                (begin[0] + share * (end[0] - begin[0]), begin[1] + share * (end[1] - begin[1]))
                for begin, end in paths
            ]
            self._send("touchMove", *places)
        self._send("touchEnd")


def colour_at(page: Page, view: Locator, across: float = 0.5, down: float = 0.5) -> Any:
    """The colour that is seen at a place of a view."""
    left, top, width, height = box_of(view)
    clip = {"x": left + across * width - 2, "y": top + down * height - 2, "width": 4, "height": 4}
    shot = Image.open(io.BytesIO(page.screenshot(clip=clip)))
    return shot.convert("RGB").getpixel((1, 1))


def from_disk(pages: Path, language: str = "en") -> str:
    return (pages / language / "index.html").as_uri()


def turned(page: Page) -> Locator:
    """The view of the turn, once all its pictures are there."""
    view = page.locator("#panel-exterior .view")
    expect(view).to_have_attribute("data-whole", "true")
    return view


def is_at(view: Locator, frame: int) -> None:
    """The frame is wanted, and it is the one that is seen."""
    expect(view).to_have_attribute("data-frame", str(frame))
    expect(view).to_have_attribute("data-shown", str(frame))
    seen = view.locator("img.frame.on")
    expect(seen).to_have_count(1)
    assert f"turn/{frame:03d}.webp" in (seen.get_attribute("src") or "")
