"""The pictures of a capture as files of a page: as delivered, and smaller ones to look over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from PIL import Image

from plant.pages import facts
from plant.pages.capture import Capture
from plant.pages.markup import Shot
from plant.pages.pictures import picture_of, smaller, webp
from stations.studio.manifest import Picture
from wire.texts import Texts

SMALL, SMALL_QUALITY = 640, 78
ENDINGS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}
FILMS = (".webm", ".mp4")
Progress = Callable[[int, int], None]


class Material:
    """Reads the pictures of a capture and writes what a page needs of them into its folder."""

    def __init__(self, capture: Capture, folder: Path, texts: Texts, progress: Progress) -> None:
        self.capture, self.texts = capture, texts
        self._folder, self._progress = folder, progress
        self._done = 0
        self._shots: dict[str, Shot] = {}

    def opened(self, picture: Picture) -> tuple[bytes, Image.Image]:
        """The bytes of a picture, verified, and what they show. CaptureUnusable."""
        self._done += 1
        self._progress(self._done, max(len(self.capture.pictures), self._done))
        data = self.capture.read(picture)
        return data, picture_of(data, picture.file)

    def deliver(self, name: str, picture: Picture, data: bytes) -> str:
        """Write a picture exactly as it was delivered; its name on the page."""
        return self.write(name + ENDINGS[picture.type], data)

    def write(self, name: str, data: bytes) -> str:
        """Write a file of the page; its name."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return name

    def shot(self, picture: Picture) -> Shot:
        """A picture for a gallery; one that is in two of them is written once."""
        known = self._shots.get(picture.file)
        if known is None:
            data, image = self.opened(picture)
            name = f"{picture.set}/{len(self._shots):03d}"
            src = self.deliver(name, picture, data)
            small = self.write(f"{name}_small.webp", webp(smaller(image, SMALL), SMALL_QUALITY))
            known = Shot(src, small, self.title(picture), facts.flaw(self.texts, picture))
            self._shots[picture.file] = known
        return known

    def shots(self, pictures: Sequence[Picture]) -> list[Shot]:
        """Pictures for a gallery."""
        return [self.shot(one) for one in pictures]

    def title(self, picture: Picture) -> str:
        """What a picture is called among those of its set."""
        same = self.capture.of(picture.set)
        rotation = self.capture.manifest.rotation
        return facts.title(self.texts, picture, same.index(picture) + 1, len(same), rotation)


def film_name(file: str) -> str:
    """What the video of the turn is called on a page, whatever the capture calls it."""
    ending = PurePosixPath(file).suffix.lower()
    return f"turn{ending if ending in FILMS else FILMS[0]}"
