"""Captures to make pages of: drawn, small, with all sets, and what a test wants otherwise."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image, ImageDraw

from stations.studio.manifest import Damage, Manifest, Picture, PictureSet, Recipe

SPIN_SIZE = (320, 180)
AROUND = {
    "front": (200, 60, 60), "right": (60, 200, 60), "back": (60, 60, 200), "left": (200, 200, 60),
}  # fmt: skip
SECRET = (7, 250, 33)  # the colour of what must never be shown


def drawn(size: tuple[int, int], text: str, colour: tuple[int, int, int]) -> Image.Image:
    """A picture that says what it is."""
    image = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(image)
    draw.rectangle((size[0] // 4, size[1] // 3, size[0] * 3 // 4, size[1] * 2 // 3), fill="white")
    draw.text((size[0] // 3, size[1] // 2 - 6), text, fill="black")
    return image


def jpeg(image: Image.Image) -> bytes:
    """The picture as a camera delivers it."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


class Drawn:
    """A capture folder that grows picture by picture; `finish` writes its manifest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pictures: list[Picture] = []

    def add(
        self,
        set: PictureSet,
        index: int,
        image: Image.Image,
        *,
        angle: float | None = None,
        file: str | None = None,
        **more: object,
    ) -> Picture:
        """Write a picture and list it."""
        ending = "" if angle is None else f"_{angle:05.1f}"
        name = file or f"{set}/{set}_{index:03d}{ending}.jpg"
        path, data = self.folder / name, jpeg(image)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        facts = {
            "file": name, "set": set, "index": index, "angle_deg": angle, "camera": "ring",
            "width": image.width, "height": image.height, "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }  # fmt: skip
        self.pictures.append(Picture.model_validate(facts | more))
        return self.pictures[-1]

    def spin(self, angles: Iterable[float], size: tuple[int, int] = SPIN_SIZE) -> None:
        """Frames at these angles; each has a shade of its own."""
        for index, angle in enumerate(angles):
            shade = 40 + int(angle) % 360 * 180 // 360
            image = drawn(size, f"{angle:g}", (shade, 90, 255 - shade))
            self.add(PictureSet.SPIN, index, image, angle=angle)

    def rest(self) -> None:
        """One or two pictures of every other set, among them restricted ones."""
        sphere = Image.new("RGB", (1024, 512), AROUND["back"])
        for left, colour in ((128, "left"), (384, "front"), (640, "right")):
            sphere.paste(AROUND[colour], (left, 0, left + 256, 512))
        self.add(PictureSet.INTERIOR, 0, sphere, title="Driver's seat")
        under = Image.linear_gradient("L").resize((600, 1800)).convert("RGB")
        self.add(PictureSet.UNDERBODY, 0, under)
        for set in (PictureSet.WHEEL, PictureSet.TREAD):
            for index in range(4):
                self.add(set, index, drawn((300, 300), f"{set} {index}", (30, 90, 30 + 50 * index)))
        for index in range(3):
            self.add(PictureSet.DETAIL, index, drawn((400, 300), f"{index}", (90, 90, 60 * index)))
        self.add(PictureSet.ENGINE, 0, drawn((400, 300), "engine", (70, 70, 70)))
        self.add(PictureSet.BOOT, 0, drawn((400, 300), "boot", (110, 70, 70)))
        self.add(PictureSet.HERO, 0, drawn((480, 270), "hero", (70, 110, 70)), angle=45.0)
        self.add(PictureSet.DAMAGE, 0, drawn((400, 300), "scratch", (150, 70, 70)))
        self.add(PictureSet.VIN, 0, Image.new("RGB", (200, 80), SECRET))
        secret = Image.new("RGB", (400, 300), SECRET)
        self.add(PictureSet.DETAIL, 99, secret, title="unmasked", restricted=True)

    def finish(self, damages: Sequence[Damage] = (), **more: object) -> Path:
        """Write the manifest; the folder."""
        facts: dict[str, object] = {
            "capture": "c-2026-11-25-0001", "visit": "v-000123", "station": "studio-1",
            "recipe": Recipe(id="standard", version=3), "software": "refit 0.1.0",
            "started": datetime(2026, 11, 25, 9, 30, tzinfo=UTC),
            "ended": datetime(2026, 11, 25, 9, 36, tzinfo=UTC),
            "frames_per_turn": 36, "simulated": True, "complete": True,
            "pictures": tuple(self.pictures), "damages": tuple(damages),
        }  # fmt: skip
        manifest = Manifest.model_validate(facts | more)
        (self.folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
        return self.folder


def scratch(**more: object) -> Damage:
    """A damage with a close-up."""
    facts: dict[str, object] = {
        "id": "d1", "frame_angle_deg": 90.0, "x": 0.4, "y": 0.6,
        "text": "Scratch on the left door, 12 cm", "photo": "damage/damage_000.jpg",
        "source": "inspection",
    }  # fmt: skip
    return Damage.model_validate(facts | more)


def whole_capture(folder: Path) -> Path:
    """A capture with everything in it."""
    capture = Drawn(folder)
    capture.spin(range(0, 360, 10))
    capture.rest()
    dent = scratch(id="d2", frame_angle_deg=200.0, x=0.7, y=0.5, text="Dent", photo=None)
    return capture.finish([scratch(), dent])
