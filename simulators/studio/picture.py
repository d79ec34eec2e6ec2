"""A picture of a vehicle in the studio: drawn in tiles, coloured, and its edges smoothed.

Where all samples of a pixel show the same part it is coloured once, else every sample is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulators.studio.body import cut, glazing, smooth_step
from simulators.studio.light import falling, reflected, turned
from simulators.studio.mesh import Floats, Part
from simulators.studio.raster import Buffer, Lens, Screen
from simulators.studio.style import METALLIC
from simulators.studio.surface import paint
from simulators.studio.vehicle import Vehicle

SAMPLES = 2
TILE = 1_400_000
"""Samples of a tile at most."""
Progress = Callable[[float], None]


@dataclass(frozen=True)
class View:
    """A camera, the size of its picture (pixels), and the angle of the table."""

    lens: Lens
    width: int
    height: int
    angle_deg: float
    indoors: bool = False
    lamp: bool = False
    """Lit by a lamp at the camera, as the line camera in the floor is."""


def photograph(car: Vehicle, view: View, samples: int = SAMPLES) -> np.ndarray:
    """The picture (height, width, 3), 8 bits. Same vehicle, view and samples: the same pixels."""
    out = np.empty((view.height, view.width, 3), np.uint8)
    rows = max(8, TILE // (view.width * samples * samples))
    pixels, near = view.lens.part(0, 0, samples).project(car.mesh.positions)
    for top in range(0, view.height, rows):
        high = min(rows, view.height - top)
        moved = pixels - np.array([0.0, top * samples])
        screen = Screen(moved, near, car.mesh.triangles)
        out[top : top + high] = _tile(car, view, screen, top, high, samples)
    return out


def _tile(
    car: Vehicle, view: View, screen: Screen, top: int, high: int, samples: int
) -> np.ndarray:
    width, height = view.width * samples, high * samples
    solid, panes = _drawn(car, screen, width, height)
    opaque, glass = solid.triangle, panes.triangle
    glass[panes.nearness < solid.nearness] = -1
    part = np.where(opaque >= 0, car.mesh.parts[np.maximum(opaque, 0)].astype(np.int16), -1)
    part = part + 64 * (glass >= 0)
    cells = (
        part.reshape(high, samples, view.width, samples)
        .transpose(0, 2, 1, 3)
        .reshape(-1, samples * samples)
    )
    place = np.arange(width * height).reshape(high, samples, view.width, samples)
    place = place.transpose(0, 2, 1, 3).reshape(-1, samples * samples)
    mixed = (cells != cells[:, :1]).any(1)
    light = np.empty((high * view.width, 3), np.float32)
    lens = view.lens.part(0, top, samples)
    middle = (samples * samples) // 2
    one = place[~mixed, middle]
    light[~mixed] = _seen(car, view, screen, lens, one, width, opaque[one], glass[one], samples)
    many = place[mixed].ravel()
    if len(many):
        shown = _seen(car, view, screen, lens, many, width, opaque[many], glass[many], samples)
        light[mixed] = _film(shown).reshape(-1, samples * samples, 3).mean(1)
    light[~mixed] = _film(light[~mixed])
    return (np.clip(light, 0, 1) * 255 + 0.5).astype(np.uint8).reshape(high, view.width, 3)


def _drawn(car: Vehicle, screen: Screen, width: int, height: int) -> tuple[Buffer, Buffer]:
    """The nearest solid and the nearest glass."""
    mesh, measures = car.mesh, car.look.measures
    solid, panes = Buffer(width, height), Buffer(width, height)

    def points(number: np.ndarray, two: Floats, three: Floats) -> tuple[Floats, Floats]:
        weights = screen.true_weights(number, two, three)
        corner = mesh.triangles[number]
        at = (mesh.positions[corner] * weights[..., None]).sum(1)
        return at, (mesh.uv[corner] * weights[..., None]).sum(1)

    visible = screen.facing | ~mesh.closed | (mesh.parts <= Part.CABIN)
    screen.draw(solid, car.whole[visible[car.whole]])
    screen.draw(solid, car.cut, lambda n, b, c: cut(measures, points(n, b, c)[0]) > 0)
    screen.draw(solid, car.framed, lambda n, b, c: glazing(measures, *points(n, b, c)) > 0)
    screen.draw(panes, car.glass)
    screen.draw(panes, car.framed, lambda n, b, c: glazing(measures, *points(n, b, c)) <= 0)
    return solid, panes


def _seen(car: Vehicle, view: View, screen: Screen, lens: Lens, place: np.ndarray, width: int,
          opaque: np.ndarray, glass: np.ndarray, samples: int) -> Floats:  # fmt: skip
    """Light (N, 3) that reaches the camera at samples."""
    x, y = (place % width + 0.5).astype(np.float64), (place // width + 0.5).astype(np.float64)
    rays = lens.rays(x, y)
    light = np.empty((len(place), 3), np.float32)
    hit = opaque >= 0
    if (~hit).any():
        light[~hit] = _room(car, view, lens.place, rays[~hit])
    if hit.any():
        light[hit] = _solid(
            car, view, screen, lens, opaque[hit], x[hit], y[hit], rays[hit], samples
        )
    through = glass >= 0
    if through.any():
        light[through] = _pane(
            car,
            view,
            screen,
            lens,
            glass[through],
            x[through],
            y[through],
            rays[through],
            light[through],
        )
    return light


def _corner(
    car: Vehicle, screen: Screen, number: np.ndarray, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, Floats]:
    two, three = screen.weights(number, x, y)
    two, three = np.clip(two, 0, 1), np.clip(three, 0, 1)
    return car.mesh.triangles[number], screen.true_weights(number, two, three)


def _mean(values: np.ndarray, corner: np.ndarray, weights: Floats) -> Floats:
    out = values[corner[:, 0]] * weights[:, :1]
    out += values[corner[:, 1]] * weights[:, 1:2]
    out += values[corner[:, 2]] * weights[:, 2:]
    return out.astype(np.float32)


def _unit(vectors: Floats) -> Floats:
    return vectors / np.sqrt(np.maximum((vectors * vectors).sum(1, keepdims=True), 1e-12))


def _solid(car: Vehicle, view: View, screen: Screen, lens: Lens, number: np.ndarray, x: np.ndarray,
           y: np.ndarray, rays: Floats, samples: int) -> Floats:  # fmt: skip
    mesh = car.mesh
    corner, weights = _corner(car, screen, number, x, y)
    at = _mean(mesh.positions, corner, weights)
    normal = _unit(_mean(mesh.normals, corner, weights))
    open_ = _mean(car.shade.vertices[:, None], corner, weights)[:, 0]
    away = (normal * rays).sum(1) > 0
    part = mesh.parts[number]
    inner = ~screen.facing[number] & (part <= Part.CABIN)
    normal = np.where(away[:, None], -normal, normal)
    if lens.flat:
        pixel = np.full(len(at), samples / lens.scale, np.float32)
    else:
        distance = np.sqrt(((at - lens.place) ** 2).sum(1))
        slant = np.clip(np.abs((normal * rays).sum(1)), 0.25, 1) ** 0.5
        pixel = (distance * samples / lens.scale / slant).astype(np.float32)
    points = paint(
        car.look,
        car.plates,
        at,
        normal,
        _mean(mesh.uv, corner, weights),
        part,
        inner,
        pixel,
        car.injuries,
    )
    normal = points.normal
    if view.indoors:
        open_ = 0.35 + 0.45 * open_
    open_ = np.where(inner & ~view.indoors, 0.10 + 0.25 * smooth_step(0.9, 1.3, at[:, 1]), open_)
    studio_normal, studio_at = turned(normal, -view.angle_deg), turned(at, -view.angle_deg)
    cosine = np.clip(-(normal * rays).sum(1), 0, 1)
    mirror = rays + 2 * cosine[:, None] * normal
    fresnel = points.straight + (1 - points.straight) * (1 - cosine) ** 5 * (
        1 - 0.75 * np.clip(points.soft * 2, 0, 1)
    )
    bright = reflected(studio_at, turned(mirror, -view.angle_deg), 0.02)
    rough = reflected(studio_at, turned(mirror, -view.angle_deg), 0.6)
    blend = np.clip(points.soft * 2.2, 0, 1)
    shine = bright + (rough - bright) * blend
    shine *= 0.25 + 0.75 * np.clip(open_ * 1.3, 0, 1)
    fall = falling(studio_normal) * (0.10 + 0.90 * open_)
    if view.indoors:
        fall, shine = (0.55 + 0.30 * cosine) * open_, shine * 0.3
    if view.lamp:
        fall, shine = 0.25 + 1.3 * cosine, 0.8 * cosine**6
    light = points.albedo * fall[:, None] + points.glow
    if car.look.colour in METALLIC:
        flake = ((part == Part.BODY) | (part == Part.CABIN) | (part == Part.PAINTED)) & (
            points.soft < 0.05
        )
        light += np.where(flake, 0.55 * rough * cosine**2 * open_, 0)[:, None] * points.albedo
    return light + (fresnel * shine)[:, None]


def _pane(car: Vehicle, view: View, screen: Screen, lens: Lens, number: np.ndarray, x: np.ndarray,
          y: np.ndarray, rays: Floats, behind: Floats) -> Floats:  # fmt: skip
    """Glass: it darkens what is behind it and mirrors the soft boxes."""
    corner, weights = _corner(car, screen, number, x, y)
    at = _mean(car.mesh.positions, corner, weights)
    normal = _unit(_mean(car.mesh.normals, corner, weights))
    away = (normal * rays).sum(1) > 0
    normal = np.where(away[:, None], -normal, normal)
    if view.indoors:
        return behind * np.float32([0.86, 0.90, 0.88])
    cosine = np.clip(-(normal * rays).sum(1), 0, 1)
    mirror = rays + 2 * cosine[:, None] * normal
    fresnel = 0.055 + 0.945 * (1 - cosine) ** 5
    shine = reflected(turned(at, -view.angle_deg), turned(mirror, -view.angle_deg), 0.02) * 1.15
    clear = np.where(at[:, 0] < car.look.measures.windows[0][0], 0.20, 0.42)[:, None] * np.float32(
        [0.93, 1.0, 0.98]
    )
    return (behind * clear * (1 - fresnel)[:, None] + (fresnel * shine)[:, None]).astype(np.float32)


def _room(car: Vehicle, view: View, place: Floats, rays: Floats) -> Floats:
    """The bare studio: a light grey floor that bends into the wall, the table and the shadow."""
    if view.lens.flat:
        return np.full((len(rays), 3), 0.045, np.float32)
    falls = rays[:, 1] < -1e-3
    reach = np.where(falls, -place[1] / np.minimum(rays[:, 1], -1e-3), 1e3)
    x, z = place[0] + rays[:, 0] * reach, place[2] + rays[:, 2] * reach
    radius = np.hypot(x, z)
    floor = 0.52 + 0.18 * np.exp(-(radius**2) / 18.0)
    near = radius < 4.1 * 1.4
    floor[near] *= 0.08 + 0.92 * car.shade.on_ground(
        x[near].astype(np.float32), z[near].astype(np.float32)
    )
    disc = radius - 2.95
    width = np.maximum(reach / view.lens.scale * 2.2 / np.maximum(-rays[:, 1], 0.05) * 0.6, 0.004)
    floor *= 1 - 0.30 * np.clip(1 - np.abs(disc) / np.maximum(width, 0.016), 0, 1) * np.minimum(
        1, 0.03 / width
    )
    floor *= np.where(disc < 0, 0.985, 1.0)
    up = rays[:, 1]
    wall = 0.56 - 0.16 * np.clip(up * 2.2, 0, 1)
    far = smooth_step(3.0, 26.0, radius)
    light = np.where(falls, floor * (1 - far) + wall * far, wall)
    return (light[:, None] * np.float32([0.985, 0.995, 1.0])).astype(np.float32)


def _film(light: Floats) -> Floats:
    """Light as a camera shows it: highlights roll off, then the sRGB curve."""
    bent = np.where(
        light < 0.6, light, 0.6 + 0.4 * (1 - np.exp(-(np.maximum(light, 0.6) - 0.6) / 0.55))
    )
    bent = np.maximum(bent, 0)
    return np.where(bent < 0.0031308, 12.92 * bent, 1.055 * bent ** (1 / 2.4) - 0.055)
