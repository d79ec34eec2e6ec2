"""Where a number plate is at an angle between those of which the plan says it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stations.studio.jobs import Mask, Polygon

STEP_MAX_DEG = 20.0
"""Between masks further apart than this nobody knows: a plate 2.2 m from the axis leaves the
straight line between two places 20 degrees apart by 3 cm, less than the margin about it."""
AT_DEG = 1.0


def polygons_at(masks: Iterable[Mask], angle_deg: float) -> tuple[Polygon, ...] | None:
    """What has to be hidden at this angle; None where the masks do not say it."""
    around = sorted(masks, key=lambda mask: (mask.angle_deg - angle_deg) % 360)
    if not around:
        return None
    after, before = around[0], around[-1]
    ahead = (after.angle_deg - angle_deg) % 360
    behind = (angle_deg - before.angle_deg) % 360
    if min(ahead, behind) <= AT_DEG and _number(after) != _number(before):
        return (after if ahead <= behind else before).polygons
    if ahead == 0:
        return after.polygons
    if after is before or ahead + behind > STEP_MAX_DEG:
        nearest = after if ahead <= behind else before
        return nearest.polygons if min(ahead, behind) <= AT_DEG else None
    if _number(after) != _number(before):
        return (*before.polygons, *after.polygons)  # it comes into sight between them, or goes
    share = behind / (ahead + behind)
    pairs = zip(before.polygons, after.polygons, strict=True)
    return tuple(_between(one, other, share) for one, other in pairs)


def within(polygon: Sequence[tuple[float, float]]) -> Polygon:
    """The part of a polygon that lies in the picture; empty when none does."""
    points = [(float(x), float(y)) for x, y in polygon]
    for axis in (0, 1):
        for edge, sense in ((0.0, 1), (1.0, -1)):
            points = _cut(points, axis, edge, sense)
    return tuple((min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in points)


def _cut(
    points: Sequence[tuple[float, float]], axis: int, edge: float, sense: int
) -> list[tuple[float, float]]:
    """What lies on the right side of one edge of the picture."""
    kept: list[tuple[float, float]] = []
    for at, point in enumerate(points):
        last = points[at - 1]
        is_in, was_in = ((one[axis] - edge) * sense >= 0 for one in (point, last))
        if is_in != was_in:
            share = (edge - last[axis]) / (point[axis] - last[axis])
            x, y = (a + (b - a) * share for a, b in zip(last, point, strict=True))
            kept.append((x, y))
        if is_in:
            kept.append(point)
    return kept


def _number(mask: Mask) -> list[int]:
    return [len(polygon) for polygon in mask.polygons]


def _between(one: Polygon, other: Polygon, share: float) -> Polygon:
    return tuple(
        (x + (far_x - x) * share, y + (far_y - y) * share)
        for (x, y), (far_x, far_y) in zip(one, other, strict=True)
    )
