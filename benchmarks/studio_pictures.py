"""The pictures of one vehicle for the studio's hour: drawn once, kept, and used for every vehicle.

`python -m benchmarks.studio_pictures FOLDER --size 1920x1080`. Drawing them is no part of what is
measured. Beside each picture lies what its camera says: where a plate is seen.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from stations.studio.station import SPIN_ANGLES

DETAILS = 26
PANORAMA, STRIP = (8192, 4096), (4096, 12000)
SHARE = 8  # large pictures are drawn that much smaller, and enlarged with a sensor's noise


def draw(folder: Path, width: int, height: int) -> None:
    """Fill the folder; `ready` is written last."""
    from simulators.studio import panorama, views
    from simulators.studio.album import Order, jpeg, shots
    from simulators.studio.faults import CameraFault, developed
    from simulators.studio.picture import photograph
    from simulators.studio.style import Look
    from simulators.studio.truth import truth_of
    from simulators.studio.vehicle import vehicle

    folder.mkdir(parents=True, exist_ok=True)
    look = Look.of(7, "estate", "blue")
    car = vehicle(look)
    order = Order(look, width=width, height=height, everything=True)
    near = [one.view for one in shots(order) if one.set in ("detail", "wheel", "tread")]
    ring = [views.ring(look, angle, width, height) for angle in SPIN_ANGLES]
    more = [views.ring(look, 2.5 + 60 * number, width, height) for number in range(DETAILS)]
    for name, found in (("ring", ring), ("hand", [*near, *more][:DETAILS])):
        for number, view in enumerate(found):
            assert view is not None
            picture = photograph(car, view)
            path = folder / f"{name}_{number:03d}.jpg"
            path.write_bytes(jpeg(developed(picture, (), number)))
            if name == "ring":
                spoiled = developed(picture, (CameraFault.BLUR,), number)
                (folder / f"blurred_{number:03d}.jpg").write_bytes(jpeg(spoiled))
            said = {"plates": truth_of(car, view).plates, "simulated": True}
            path.with_suffix(".json").write_text(json.dumps(said))
    faces = panorama.cube(car, PANORAMA[0] // SHARE // 4)
    small = panorama.equirectangular(faces, PANORAMA[0] // SHARE)
    wide, high = (side // SHARE for side in STRIP)
    strip = photograph(car, views.underbody(wide, high))
    for name, picture, size in (("cabin", small, PANORAMA), ("sill", strip, STRIP)):
        (folder / f"{name}_000.jpg").write_bytes(jpeg(_enlarged(picture, size)))
        (folder / f"{name}_000.json").write_text('{"plates": [], "simulated": true}')
    (folder / "ready").touch()


def _enlarged(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    large = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    grain = np.random.default_rng(1).normal(0, 2, (*large.shape[:2], 1)).astype(np.float32)
    return np.clip(large + grain, 0, 255).astype(np.uint8)


def main() -> None:
    """Draw them unless they are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="1920x1080")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    if not (given.folder / "ready").exists():
        draw(given.folder, width, height)


if __name__ == "__main__":
    main()
