"""The ends of the studio's hour: cameras with pictures drawn before, and the controller's hand."""

from __future__ import annotations

import json
import random
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.studio_pictures import DETAILS
from stations.studio.jobs import Job, Shot
from stations.studio.manifest import PictureSet
from stations.studio.model import StudioModel
from stations.studio.station import SPIN_ANGLES

HEROES = (45.0, 135.0, 225.0, 315.0)
LARGE = {"cabin": PictureSet.INTERIOR, "sill": PictureSet.UNDERBODY}


def plan(large: bool) -> Job:
    """36 pictures of the spin, and 30 others: 4 heroes and 26 of the standing vehicle."""
    turn = {PictureSet.HERO: HEROES, PictureSet.SPIN: [a for a in SPIN_ANGLES if a not in HEROES]}
    shots = [
        Shot(set=kind, index=index, camera="ring", angle_deg=angle)
        for kind, angles in turn.items()
        for index, angle in enumerate(angles)
    ]
    shots += [Shot(set=PictureSet.DETAIL, index=index, camera="hand") for index in range(DETAILS)]
    if large:
        shots += [Shot(set=kind, index=0, camera=camera) for camera, kind in LARGE.items()]
    return Job(id="full-360", version=3, shots=tuple(shots))


@dataclass
class Lens:
    """Delivers pictures that were drawn before, now and then a bad one."""

    pictures: Path
    folder: Path
    bad: int
    rng: random.Random
    counts: dict[str, int] = field(default_factory=dict)
    made: int = 0
    spoiled: int = 0
    last_s: float = 0.0

    def shoot(self, camera: str, number: int) -> None:
        """One trigger reaches a camera, which sees this picture."""
        self.made += 1
        self.counts[camera] = self.counts.get(camera, 0) + 1
        target = self.folder / f"{camera}_{self.counts[camera]:06d}.jpg"
        said = json.loads((self.pictures / f"{camera}_{number:03d}.json").read_text())
        # No two vehicles have the same picture: what differs here is in what is delivered.
        said["exposure_s"] = 0.001 + self.made * 1e-7
        target.with_suffix(".json").write_text(json.dumps(said))
        source = f"{camera}_{number:03d}.jpg"
        if self.bad and camera in ("ring", "hand") and self.rng.random() < 1 / self.bad:
            self.spoiled += 1
            # Of the turn one is out of focus, of the standing vehicle one is the one before.
            blurred = camera == "ring"
            source = f"blurred_{number:03d}.jpg" if blurred else f"hand_{(number or 1) - 1:03d}.jpg"
        shutil.copyfile(self.pictures / source, target)
        self.last_s = time.monotonic()


class Hand:
    """The controller's end of the commands."""

    def __init__(self, model: StudioModel) -> None:
        self._model = model
        self.given: dict[str, float] = {}

    def allows(self, command: str) -> bool:
        """Everything."""
        return True

    async def give(self, command: str, value: bool) -> None:
        """Take a command at once."""
        if value:
            self.given.setdefault(command, time.monotonic())
        self._model.commanded(command, value)
