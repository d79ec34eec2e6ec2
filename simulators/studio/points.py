"""Points of a surface that are to be coloured, and the distances that colour them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.studio.mesh import Floats


@dataclass
class Points:
    """Points to be coloured: where they are, which part, and what the rules have made of them."""

    at: Floats
    normal: Floats
    uv: Floats
    part: np.ndarray
    inner: np.ndarray
    pixel: Floats
    albedo: Floats
    straight: Floats
    soft: Floats
    glow: Floats

    def put(
        self, share: Floats, albedo: object, straight: float, soft: float, glow: object = 0.0
    ) -> None:
        """Cover with another material where `share` says so."""
        cover = share[:, None].astype(np.float32)
        self.albedo += (np.asarray(albedo, np.float32) - self.albedo) * cover
        self.glow += (np.asarray(glow, np.float32) - self.glow) * cover
        self.straight += (np.float32(straight) - self.straight) * share
        self.soft += (np.float32(soft) - self.soft) * share


def under(distance: Floats, pixel: Floats) -> Floats:
    """1 inside of an edge (distance below 0), 0 outside, blended over a pixel."""
    return np.clip(0.5 - distance / pixel, 0, 1).astype(np.float32)


def line(distance: Floats, pixel: Floats, width: float) -> Floats:
    """How much of a line of this width covers a pixel: thin lines fade, they do not break up."""
    reach = np.maximum(pixel, width)
    return (
        np.clip(1 - np.abs(distance) / reach, 0, 1) * np.minimum(1, width * 1.5 / pixel)
    ).astype(np.float32)


def block(x: Floats, y: Floats, half_x: float, half_y: float, radius: float) -> Floats:
    """Distance from a rounded rectangle around the origin."""
    dx, dy = np.abs(x) - half_x + radius, np.abs(y) - half_y + radius
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
    return outside + np.minimum(np.maximum(dx, dy), 0) - radius
