"""The vehicle page in a browser: from a disk and from a server, by mouse, keys and fingers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from plant.pages.capture import from_folder
from plant.pages.page import make_page
from stations.studio.manifest import PictureSet
from tests.browser.conftest import Open, kept
from tests.browser.hands import Fingers, box_of, colour_at, drag, from_disk, is_at, turned
from tests.plant.pages.captures import AROUND, Drawn, drawn
from tests.servers.folder import FolderServer
from wire.texts import Texts

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

PHONE = {
    "viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True,
    "device_scale_factor": 2,
}  # fmt: skip
WALL = {"viewport": {"width": 1920, "height": 1080}}


@pytest.fixture(scope="module")
def server(pages: Path) -> Iterator[FolderServer]:
    with FolderServer(pages) as server:
        yield server


@pytest.mark.parametrize("place", ["disk", "server"])
def test_dragging_turns_the_vehicle_without_any_network(
    open_page: Open, pages: Path, server: FolderServer, place: str
) -> None:
    """A turn is one width of the view; what is near goes with the hand."""
    page = open_page(from_disk(pages) if place == "disk" else f"{server.url}/en/index.html")
    view = turned(page)
    page.context.set_offline(True)
    is_at(view, 0)
    drag(page, view, -0.25)
    is_at(view, 9)
    drag(page, view, -0.5)
    is_at(view, 27)
    drag(page, view, 1 / 3)
    is_at(view, 15)
    assert page.locator("#panel-exterior input").input_value() == "15"


def test_keys_turn_the_vehicle(open_page: Open, pages: Path) -> None:
    page = open_page(from_disk(pages))
    view = turned(page)
    view.focus()
    for key, frame in (
        ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("Home", 0), ("ArrowLeft", 35),
        ("PageUp", 2), ("PageDown", 35),
    ):  # fmt: skip
        page.keyboard.press(key)
        is_at(view, frame)
    dial = page.get_by_role("slider", name="Direction of view")
    dial.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    is_at(view, 1)
    assert dial.get_attribute("aria-valuetext") == "10° front"


def test_fingers_turn_and_zoom(open_page: Open, pages: Path) -> None:
    page = open_page(from_disk(pages), **PHONE)
    view = turned(page)
    left, top, width, height = box_of(view)
    middle, fingers = (left + width / 2, top + height / 2), Fingers(page)
    fingers.move((middle, (middle[0] - width / 4, middle[1])))
    is_at(view, 9)
    begin = [(middle[0] - 30, middle[1]), (middle[0] + 30, middle[1])]
    fingers.move((begin[0], (middle[0] - 90, middle[1])), (begin[1], (middle[0] + 90, middle[1])))
    expect(view).to_have_attribute("data-scale", "3.00")
    is_at(view, 9)
    expect(view.locator("img.full")).to_have_count(1)


def test_zoom_shows_the_picture_as_delivered_and_is_moved(open_page: Open, pages: Path) -> None:
    page = open_page(from_disk(pages))
    view = turned(page)
    panel = page.locator("#panel-exterior")
    for scale in ("1.40", "1.96"):
        panel.get_by_role("button", name="Zoom in").click()
        expect(view).to_have_attribute("data-scale", scale)
    full = view.locator("img.full")
    expect(full).to_have_count(1)
    assert (full.get_attribute("src") or "").endswith("turn/000_full.jpg")
    before = box_of(full)
    drag(page, view, 0.1, 0.1)
    is_at(view, 0)
    after = box_of(full)
    assert after[0] > before[0] and after[1] > before[1]
    view.focus()
    page.keyboard.press("0")
    expect(view).to_have_attribute("data-scale", "1.00")
    expect(full).to_have_count(0)
    view.dblclick(position={"x": 10, "y": 10})
    expect(view).to_have_attribute("data-scale", "2.50")


def test_a_damage_leads_to_its_frame_and_its_close_up(open_page: Open, pages: Path) -> None:
    page = open_page(from_disk(pages))
    view = turned(page)
    marker = page.get_by_role("button", name="Damage 1: Scratch on the left door, 12 cm")
    expect(marker).to_be_hidden()
    page.get_by_role("button", name="Show on the vehicle: Scratch").click()
    is_at(view, 9)
    expect(marker).to_be_visible()
    left, top, width, height = box_of(view)
    x, y, wide, high = box_of(marker)
    assert abs(x + wide / 2 - (left + 0.4 * width)) < 2
    assert abs(y + high / 2 - (top + 0.6 * height)) < 2
    kept(page, "damage")
    marker.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    picture = dialog.locator("img")
    assert picture.get_attribute("src", timeout=1000).startswith("damage/")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(marker).to_be_focused()
    page.keyboard.press("Tab")  # the other marker is hidden: it is not on the way
    expect(page.locator("#panel-exterior [data-do=play]")).to_be_focused()


def test_a_damage_without_a_picture_leads_to_its_words(open_page: Open, pages: Path) -> None:
    page = open_page(from_disk(pages))
    turned(page)
    page.get_by_role("button", name="Show on the vehicle: Dent").click()
    page.get_by_role("button", name="Damage 2: Dent").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Show on the vehicle: Dent")).to_be_focused()


def test_the_interior_is_looked_at_all_around(open_page: Open, pages: Path) -> None:
    page = open_page(from_disk(pages))
    page.get_by_role("tab", name="Interior").click()
    view = page.locator("#panel-interior .view")
    expect(view).to_have_attribute("data-loaded", "6")

    def sees(name: str) -> None:
        found = colour_at(page, view)
        assert max(abs(a - b) for a, b in zip(found, AROUND[name], strict=True)) < 25, name

    sees("front")
    kept(page, "interior")
    field = float(view.get_attribute("data-field") or 0)
    _, _, width, height = box_of(view)
    drag(page, view, -60 / field * max(width, height) / width)
    expect(view).to_have_attribute("data-yaw", "60.0")
    sees("right")
    view.focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    expect(view).to_have_attribute("data-yaw", "180.0")
    sees("back")
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    expect(view).to_have_attribute("data-yaw", "-90.0")
    sees("left")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("+")
    expect(view).to_have_attribute("data-pitch", "10.0")
    assert float(view.get_attribute("data-field") or 0) < field


def test_the_underbody_is_moved_and_seen_closer(open_page: Open, pages: Path) -> None:
    page = open_page(from_disk(pages))
    page.get_by_role("tab", name="Underbody").click()
    panel = page.locator("#panel-underbody")
    view = panel.locator(".view")
    kept(page, "underbody")
    expect(view.locator("img").first).to_be_visible()
    scale = float(view.get_attribute("data-scale") or 0)
    for _ in range(2):
        panel.get_by_role("button", name="Zoom in").click()
    assert float(view.get_attribute("data-scale") or 0) > scale
    expect(view).to_have_attribute("data-level", "1")
    before = float(view.get_attribute("data-x") or 0)
    drag(page, view, -0.2)
    assert float(view.get_attribute("data-x") or 0) < before
    page.wait_for_function(
        "() => [...document.querySelectorAll('.tiles img')].every((one) => one.naturalWidth > 0)"
    )


def test_pictures_are_looked_through(open_page: Open, pages: Path) -> None:
    page = open_page(from_disk(pages))
    page.get_by_role("link", name="Wheel 2").click()
    dialog = page.get_by_role("dialog", name="Wheel 2 (2/8)")
    expect(dialog).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#closeup-title")).to_have_text("Wheel 3 (3/8)")
    page.get_by_role("button", name="Previous picture").click()
    page.get_by_role("button", name="Previous picture").click()
    page.get_by_role("button", name="Previous picture").click()
    expect(page.locator("#closeup-title")).to_have_text("Tread 4 (8/8)")
    page.get_by_role("button", name="Original size").click()
    expect(page.locator("#closeup-size")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("link", name="Wheel 2")).to_be_focused()


def test_pictures_that_do_not_come_are_told(open_page: Open, pages: Path, tmp_path: Path) -> None:
    make_page(from_folder(pages / "capture"), tmp_path / "page", Texts("en"))
    for number in (4, 5):
        (tmp_path / f"page/turn/{number:03d}.webp").write_bytes(b"cut")
    page = open_page((tmp_path / "page/index.html").as_uri())
    view = turned(page)
    expect(page.locator(".said")).to_have_text("2 pictures could not be loaded")
    drag(page, view, -5 / 36)
    expect(view).to_have_attribute("data-frame", "5")
    expect(view).to_have_attribute("data-shown", "6")
    expect(page.locator(".ring")).to_be_hidden()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_colours_are_those_that_are_wanted(open_page: Open, pages: Path, colours: str) -> None:
    page = open_page(from_disk(pages), color_scheme=colours)
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    kept(page, colours)
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate(ground) != before
    page.reload()
    assert page.evaluate(ground) != before


@pytest.mark.parametrize(("name", "options"), [("phone", PHONE), ("desktop", {}), ("wall", WALL)])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_nothing_is_cut_off_on_any_screen(
    open_page: Open, pages: Path, name: str, options: dict, language: str
) -> None:
    page = open_page(from_disk(pages, language), **options)
    view = turned(page)
    assert page.evaluate("document.documentElement.lang") == language
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    left, top, width, height = box_of(view)
    assert left >= 0 and left + width <= page.viewport_size["width"]
    assert top + height <= page.viewport_size["height"]
    kept(page, f"{name}-{language}")


def test_french_is_french(open_page: Open, pages: Path) -> None:
    page = open_page(from_disk(pages, "fr"))
    view = turned(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Véhicule v-000123")
    expect(page.get_by_role("tab", name="Soubassement")).to_be_visible()
    drag(page, view, -0.25)
    expect(page.locator(".angle")).to_have_text("90° gauche")


def test_a_page_has_the_parts_that_there_are_pictures_for(open_page: Open, tmp_path: Path) -> None:
    capture = Drawn(tmp_path / "capture")
    capture.add(PictureSet.DETAIL, 0, drawn((400, 300), "key", (90, 90, 90)), title="Key")
    (capture.folder / "turn.webm").write_bytes(b"")
    make_page(from_folder(capture.finish(video="turn.webm")), tmp_path / "page", Texts("en"))
    page = open_page((tmp_path / "page/index.html").as_uri())
    expect(page.get_by_role("tab")).to_have_count(1)
    expect(page.locator("video")).to_be_visible()
    page.get_by_role("link", name="Key").click()
    expect(page.get_by_role("dialog", name="Key")).to_be_visible()
