"""A vehicle that is put together, with its light: all of it that does not change with the view."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulators.studio import fittings, wheels
from simulators.studio.body import body, cabin, cut, glazing
from simulators.studio.damage import Injury
from simulators.studio.light import Shade, shade
from simulators.studio.mesh import Mesh, Part, joined
from simulators.studio.plates import plate_picture, vin_picture
from simulators.studio.style import Look


@dataclass(frozen=True)
class Vehicle:
    """The triangles of one vehicle: `whole` are drawn, `cut` are asked, `glass` is seen through.

    A triangle may be in `cut` (its fragments are asked) or in neither (it lies in a hole).
    """

    look: Look
    mesh: Mesh
    shade: Shade
    whole: np.ndarray
    cut: np.ndarray
    glass: np.ndarray
    framed: np.ndarray
    plates: dict[Part, np.ndarray]
    injuries: tuple[Injury, ...] = ()


@lru_cache(maxsize=4)
def vehicle(look: Look, injuries: tuple[Injury, ...] = ()) -> Vehicle:
    """Make a vehicle: about half a second."""
    measures = look.measures
    mesh = joined(
        [
            body(measures),
            cabin(measures),
            *wheels.placed(look),
            *fittings.outside(look),
            *fittings.inside(look),
            *fittings.below(look),
            *fittings.engine(look),
        ]
    )
    corner = mesh.triangles
    painted, upper = mesh.parts == Part.BODY, mesh.parts == Part.CABIN
    hole = cut(measures, mesh.positions)[corner]
    pane = glazing(measures, mesh.positions, mesh.uv)[corner]
    size = np.linalg.norm(mesh.positions[corner].max(1) - mesh.positions[corner].min(1), axis=1)
    gone = painted & (hole.max(1) < -size)
    asked = painted & ~gone & (hole.min(1) < size)
    clear = upper & (pane.max(1) < -size)
    framed = upper & ~clear & (pane.min(1) < size)
    if look.opened == "boot":
        uv = mesh.uv[corner].mean(1)
        rear = (
            upper
            & (-uv[:, 0] > np.abs(uv[:, 1]))
            & (mesh.positions[corner, 1].mean(1) < measures.height - 0.09)
        )
        gone, clear, framed = gone | rear, clear & ~rear, framed & ~rear
    whole = ~gone & ~asked & ~clear & ~framed
    solid = ~gone & ~clear
    solid &= ~(painted & (hole.mean(1) < 0)) & ~(upper & (pane.mean(1) < 0))
    at = np.flatnonzero
    return Vehicle(
        look,
        mesh,
        shade(mesh, solid),
        at(whole),
        at(asked),
        at(clear),
        at(framed),
        {Part.PLATE: plate_picture(look.plate), Part.VIN: vin_picture(look.vin)},
        injuries,
    )
