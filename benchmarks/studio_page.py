"""How soon a vehicle page shows its first picture, and turns, on a line of 20 Mbit/s."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.figure import Context, Figure, medians

BITS_PER_S = 20_000_000
DELAY_S = 0.02  # from a request to the begin of its answer
FRAMES, SIZE = 36, (1920, 1080)
SHORT_FRAMES, SHORT_SIZE = 6, (480, 270)
FORMATS = (("JPEG", 75), ("JPEG", 85), ("WEBP", 75), ("WEBP", 80), ("WEBP", 85))
LOADED = """() => {
  const all = performance.getEntriesByType('resource');
  const pictures = all.filter((one) => one.name.includes('/turn/'));
  const ends = pictures.map((one) => one.responseEnd);
  const first = document.querySelector('img.frame.on').src;
  const own = pictures.find((one) => one.name === first);
  return {first_s: own.responseEnd / 1000, turn_s: Math.max(...ends) / 1000};
}"""


def frame(number: int, of: int, size: tuple[int, int]) -> Image.Image:
    """A stand-in for a photograph: a shaded body before a light ground, with a sensor's noise."""
    width, height = size
    down = np.linspace(235, 170, height, dtype=np.float32)[:, None, None]
    ground = np.broadcast_to(down, (height, width, 3)).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(ground))
    draw, turn = ImageDraw.Draw(image), 2 * np.pi * number / of
    long = width * (0.22 + 0.2 * abs(np.sin(turn)))
    for step in range(60):
        shade, edge = 30 + 3 * step, step / 200
        box = (
            width / 2 - long * (1 - edge), height * (0.3 + edge / 2),
            width / 2 + long * (1 - edge), height * (0.8 - edge / 3),
        )  # fmt: skip
        draw.rounded_rectangle(box, height / 8, fill=(shade // 3, shade // 2, shade))
    random = np.random.default_rng(number)
    for _ in range(400):  # edges: shut lines, spokes, reflections
        x, y = width / 2 + random.uniform(-long, long), height * random.uniform(0.35, 0.78)
        tone = int(random.integers(10, 240))
        ahead = (x + random.normal() * width / 40, y + random.normal() * height / 60)
        draw.line((x, y, *ahead), fill=(tone, tone, tone), width=2)
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(width / 2400)), np.float32)
    noisy = soft + random.normal(0, 2.0, soft.shape[:2])[..., None].astype(np.float32)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def formats(image: Image.Image, width: int) -> list[dict[str, Any]]:
    """Size and likeness (PSNR) of a frame at the width of the turn, by format and quality."""
    from plant.pages.pictures import smaller

    small = smaller(image, width)
    wanted = np.asarray(small, np.float32)
    found = []
    for kind, quality in FORMATS:
        out, began = io.BytesIO(), time.perf_counter()
        small.save(out, kind, quality=quality)
        took = time.perf_counter() - began
        error = np.square(np.asarray(Image.open(out).convert("RGB"), np.float32) - wanted).mean()
        found.append(
            {
                "format": kind, "quality": quality, "kb": round(out.tell() / 1000, 1),
                "psnr_db": round(float(10 * np.log10(255**2 / error)), 1),
                "seconds": round(took, 3),
            }
        )  # fmt: skip
    return found


def measure(context: Context) -> dict[str, Any]:
    """A page of drawn frames, made and then loaded in Chromium as often as is asked for."""
    from plant.pages import stage
    from plant.pages.capture import from_folder
    from plant.pages.page import make_page
    from stations.studio.manifest import PictureSet
    from tests.plant.pages.captures import Drawn
    from wire.texts import Texts

    count, size = (SHORT_FRAMES, SHORT_SIZE) if context.short else (FRAMES, SIZE)
    folder = context.trial("page")
    drawn = Drawn(folder / "capture")
    for number in range(count):
        drawn.add(PictureSet.SPIN, number, frame(number, count, size), angle=360 * number / count)
    for number in range(8):
        drawn.add(PictureSet.DETAIL, number, frame(number, 8, size))
    capture = from_folder(drawn.finish(frames_per_turn=count))
    began = time.perf_counter()
    make_page(capture, folder / "page", Texts("en"))
    made_s = time.perf_counter() - began
    runs = _loads(folder / "page", context.repeats)
    context.say(f"first picture {runs[0]['first_s']:.2f} s, whole turn {runs[0]['turn_s']:.2f} s")
    turn = list((folder / "page/turn").glob("*.webp"))
    return {
        "settings": context.settings
        | {
            "frames": count, "width": size[0], "height": size[1], "bits_per_s": BITS_PER_S,
            "delay_s": DELAY_S, "turn_width": stage.TURN, "turn_quality": stage.TURN_QUALITY,
        },
        "made_s": round(made_s, 2),
        "turn_mb": round(sum(one.stat().st_size for one in turn) / 1e6, 3),
        "page_mb": round(sum(one.stat().st_size for one in _files(folder / "page")) / 1e6, 3),
        "formats": formats(frame(1, count, size), stage.TURN),
        "runs": runs,
        "median": medians(runs),
    }  # fmt: skip


def _files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


def _loads(folder: Path, repeats: int) -> list[dict[str, Any]]:
    """Load a page with an empty cache, again and again."""
    import shutil

    from playwright.sync_api import sync_playwright

    from tests.servers.folder import FolderServer

    program = shutil.which("chromium")
    if program is None:
        raise RuntimeError("there is no Chromium: apt-get install chromium")
    runs = []
    with FolderServer(folder, BITS_PER_S, DELAY_S) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for _ in range(repeats):
            page = browser.new_page(reduced_motion="reduce")
            page.goto(f"{server.url}/index.html", wait_until="commit")
            page.wait_for_selector("[data-whole]", timeout=60_000)
            found = page.evaluate(LOADED)
            runs.append({name: round(value, 3) for name, value in found.items()})
            page.close()
        browser.close()
    return runs


FIGURE = Figure(
    "studio_page", "seconds to the first picture and to the whole turn at 20 Mbit/s", measure
)
