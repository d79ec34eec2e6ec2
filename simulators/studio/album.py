"""A whole capture as a studio delivers it: pictures by set, manifest, damages, and the truth."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

from simulators.studio import panorama, views
from simulators.studio.damage import TEXTS, Injury
from simulators.studio.faults import CROP_M, OFFSET_DEG, CameraFault, Faults, developed
from simulators.studio.picture import SAMPLES, View, photograph
from simulators.studio.style import Look
from simulators.studio.truth import Truth, truth_of
from simulators.studio.vehicle import Vehicle, vehicle
from stations.studio.manifest import Damage, Manifest, Picture, PictureSet, Recipe

HEROES = (0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0)
PANORAMA = 8192
UNDERBODY = (4096, 12000)
QUALITY = 90
Polygons = tuple[tuple[tuple[float, float], ...], ...]
Hide = Callable[[Image.Image, Polygons], Polygons]
"""Destroys the polygons (shares of width and height) in a picture; what is gone now."""
STARTED = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
"""Manifests of the same order are the same: no clock is read."""


@dataclass(frozen=True)
class Order:
    """What is to be pictured. `scale` makes panorama and underbody smaller."""

    look: Look
    injuries: tuple[Injury, ...] = ()
    frames: int = 36
    width: int = 640
    height: int = 360
    faults: Faults = field(default_factory=dict)
    everything: bool = False
    heroes: bool = True
    scale: float = 1.0
    samples: int = SAMPLES


@dataclass(frozen=True)
class Shot:
    """One picture to be made; `view` None: it is not made by a single view."""

    set: PictureSet
    index: int
    view: View | None
    planned_deg: float | None = None
    title: str | None = None
    restricted: bool = False
    opened: str = ""
    faults: frozenset[CameraFault] = frozenset()

    @property
    def file(self) -> str:
        """Its name in the folder."""
        angle = "" if self.planned_deg is None else f"_{self.planned_deg:05.1f}"
        return f"{self.set}/{self.set}_{self.index:03d}{angle}.jpg"


def spin(order: Order) -> Iterator[Shot]:
    """The turn, with what goes wrong in it."""
    stood: float | None = None
    for index in range(order.frames):
        faults = order.faults.get(index, frozenset())
        planned = 360.0 * index / order.frames
        stood = (planned if stood is None else stood) if CameraFault.STILL in faults else None
        angle = planned if stood is None else stood
        angle = (angle + OFFSET_DEG) % 360 if CameraFault.OFFSET in faults else angle
        off = CROP_M if CameraFault.CROPPED in faults else 0.0
        view = views.ring(order.look, angle, order.width, order.height, off)
        yield Shot(PictureSet.SPIN, index, view, planned, faults=faults)


def shots(order: Order) -> list[Shot]:
    """Everything that an order asks for, in the order of the work."""
    look, size = order.look, (order.width, order.height)
    found = list(spin(order))
    for index, angle in enumerate(HEROES if order.heroes else ()):
        found.append(Shot(PictureSet.HERO, index, views.ring(look, angle, *size), angle))
    if not order.everything:
        return found
    near = views.near
    for kind, spots in (
        (PictureSet.WHEEL, views.wheels(look)),
        (PictureSet.TREAD, views.treads(look)),
        (PictureSet.DETAIL, views.details(look)),
        (PictureSet.DAMAGE, [views.close_up(one) for one in order.injuries]),
    ):
        for index, spot in enumerate(spots):
            view = replace(near(spot, *size), lamp=kind is PictureSet.TREAD)
            found.append(Shot(kind, index, view, title=spot[0]))
    for kind, spot in (
        (PictureSet.ENGINE, views.engine(look)),
        (PictureSet.BOOT, views.boot(look)),
    ):
        found.append(Shot(kind, 0, near(spot, *size), title=spot[0], opened=kind.value))
    found.append(
        Shot(
            PictureSet.VIN,
            0,
            near(views.vin(look), *size),
            title="VIN plate",
            restricted=True,
            opened="vin",
        )
    )
    wide, high = (int(side * order.scale) for side in UNDERBODY)
    found.append(Shot(PictureSet.UNDERBODY, 0, views.underbody(wide, high), title="underbody"))
    found.append(Shot(PictureSet.INTERIOR, 0, None, title="interior"))
    return found


def write_album(
    order: Order,
    folder: Path,
    told: Callable[[int, int], None] = lambda done, of: None,
    hide: Hide | None = None,
) -> Manifest:
    """Make the folder of a capture. The manifest comes last; `truth.json` is for tests alone.

    Without `hide` every number plate can be read: a picture with one is restricted then.
    """
    planned = shots(order)
    car = vehicle(order.look, order.injuries)
    pictures: list[Picture] = []
    truths: dict[str, object] = {}
    before: tuple[np.ndarray, Polygons] | None = None
    told(0, len(planned))
    for done, shot in enumerate(planned, 1):
        if CameraFault.LOST not in shot.faults:
            about, plates = _told(order, shot)
            if CameraFault.REPEAT in shot.faults and before is not None:
                made, plates = before
            else:
                made = _made(order, car, shot, folder)
            before = made, plates
            pictures.append(_written(shot, made, folder, len(pictures), plates, hide))
            truths[shot.file] = about
        told(done, len(planned))
    markers = list(_markers(order, car, folder))
    manifest = _manifest(order, pictures, planned, tuple(markers))
    _put(folder / "truth.json", json.dumps(_truth(order, truths), indent=1))
    _put(folder / "damages.json", json.dumps([one.model_dump() for one in markers], indent=1))
    _put(folder / "manifest.json", manifest.model_dump_json(indent=1))
    return manifest


def panorama_size(order: Order) -> int:
    """The width of the panorama: it has a middle, and is twice as wide as high."""
    return int(PANORAMA * order.scale) // 4 * 4


def _made(order: Order, car: Vehicle, shot: Shot, folder: Path) -> np.ndarray:
    """The picture of a shot as its sensor gives it."""
    if shot.view is None:
        size = panorama_size(order)
        faces = panorama.cube(car, max(size // 4, 16))
        (folder / "interior").mkdir(parents=True, exist_ok=True)
        for name, face in faces.items():
            (folder / f"interior/cube_{name}.jpg").write_bytes(jpeg(face))
        return panorama.equirectangular(faces, size)
    shown = vehicle(replace(order.look, opened=shot.opened), order.injuries) if shot.opened else car
    picture = photograph(shown, shot.view, order.samples)
    number = list(PictureSet).index(shot.set) * 1000 + shot.index
    return developed(picture, shot.faults, order.look.seed * 100_003 + number)


def jpeg(picture: np.ndarray | Image.Image, quality: int = QUALITY) -> bytes:
    """A picture as a JPEG."""
    out = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _written(
    shot: Shot, made: np.ndarray, folder: Path, count: int, plates: Polygons, hide: Hide | None
) -> Picture:
    masked: Polygons = ()
    picture = Image.fromarray(made)
    if plates and hide is not None:
        masked = hide(picture, plates)
    data = jpeg(picture)
    path = folder / shot.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    angle = None if shot.planned_deg is None or shot.view is None else shot.view.angle_deg
    return Picture(
        file=shot.file,
        set=shot.set,
        index=shot.index,
        angle_deg=angle,
        planned_deg=shot.planned_deg,
        camera="simulated",
        trigger=shot.index if shot.set is PictureSet.SPIN else None,
        time=STARTED + timedelta(seconds=count * 1.67),
        exposure_s=0.001,
        title=shot.title,
        width=picture.width,
        height=picture.height,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        masked=masked,
        restricted=shot.restricted or (bool(plates) and hide is None),
    )


def _told(order: Order, shot: Shot) -> tuple[Mapping[str, object], Polygons]:
    """What is known of a picture, and where number plates are in it, in sight or half out of it."""
    faults = sorted(shot.faults)
    if shot.view is None or shot.view.lens.flat:
        # From the seats and from below no plate is seen: they stand upright and look away.
        return {"faults": faults, "plates": [], "box": None, "damages": []}, ()
    shown = vehicle(replace(order.look, opened=shot.opened), order.injuries)
    truth: Truth = truth_of(shown, shot.view)
    about = {"faults": faults, "true_angle_deg": shot.view.angle_deg, **asdict(truth)}
    return about, truth.plates


def _markers(order: Order, car: Vehicle, folder: Path) -> Iterator[Damage]:
    """Each damage on the frame that looks at it most directly."""
    views_ = [shot.view for shot in spin(replace(order, faults={})) if shot.view is not None]
    for number, one in enumerate(order.injuries):
        best = max(
            views_, key=lambda view: float(np.dot(view.lens.place - np.float32(one.at), one.normal))
        )
        x, y = (best.lens.project(np.float32([one.at]))[0][0] / (best.width, best.height)).tolist()
        photo = f"damage/damage_{number:03d}.jpg"
        yield Damage(
            id=f"{one.kind}-{number}",
            frame_angle_deg=round(best.angle_deg, 1),
            x=round(x, 5),
            y=round(y, 5),
            text=TEXTS[one.kind].format(one.place.replace("-", " ")),
            source="simulated",
            photo=photo if (folder / photo).exists() else None,
        )


def _manifest(
    order: Order, pictures: list[Picture], planned: Iterable[Shot], damages: tuple[Damage, ...]
) -> Manifest:
    there = {picture.file for picture in pictures}
    missing = tuple(f"{shot.set}_{shot.index:03d}" for shot in planned if shot.file not in there)
    return Manifest(
        capture=f"rendered-{order.look.seed:06d}",
        visit=None,
        station="studio",
        recipe=Recipe(id="rendered", version=1),
        software="refit studio render",
        started=STARTED,
        ended=STARTED + timedelta(seconds=len(pictures) * 1.67),
        frames_per_turn=order.frames,
        simulated=True,
        complete=not missing,
        reasons=(f"{len(missing)} pictures are missing",) if missing else (),
        missing=missing,
        pictures=tuple(pictures),
        damages=damages,
    )


def _truth(order: Order, truths: Mapping[str, object]) -> Mapping[str, object]:
    return {
        "look": asdict(order.look),
        "faults": {str(index): sorted(names) for index, names in sorted(order.faults.items())},
        "injuries": [asdict(one) for one in order.injuries],
        "pictures": truths,
    }


def _put(path: Path, text: str) -> None:
    """A file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".part")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
