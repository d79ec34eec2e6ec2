"""What has to be hidden at an angle, from masks at others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.studio.jobs import Mask
from stations.studio.masks import polygons_at, within

PLATE = ((0.4, 0.6), (0.6, 0.6), (0.6, 0.7), (0.4, 0.7))


def mask(angle: float, shift: float | None) -> Mask:
    moved = () if shift is None else (tuple((x + shift, y) for x, y in PLATE),)
    return Mask(camera="ring", angle_deg=angle, polygons=moved)


MASKS = [mask(350, -0.1), mask(0, 0), mask(10, 0.2), mask(20, None), mask(60, None)]


@pytest.mark.parametrize(
    ("angle", "lefts"),
    [
        (0, [0.4]),
        (5, [0.5]),
        (359, [0.39]),
        (355, [0.35]),
        (15, [0.6, ]),
        (19.5, []),
        (20, []),
        (60.5, []),
        (40, None),
        (345, None),
    ],
)  # fmt: skip
def test_a_plate_is_between_its_places(angle: float, lefts: list[float] | None) -> None:
    found = polygons_at(MASKS, angle)
    assert (found is None) == (lefts is None)
    assert [round(one[0][0], 6) for one in found or ()] == (lefts or [])


def test_without_masks_nobody_knows() -> None:
    assert polygons_at([], 0) is None
    assert polygons_at([mask(0, 0)], 0.5) == mask(0, 0).polygons
    assert polygons_at([mask(0, 0)], 5) is None


@given(st.lists(st.tuples(*[st.floats(-3, 4)] * 2), min_size=3, max_size=8))
def test_what_is_kept_of_a_polygon_lies_in_the_picture(points: list[tuple[float, float]]) -> None:
    kept = within(points)
    assert all(0 <= share <= 1 for point in kept for share in point)
    if all(0 <= share <= 1 for point in points for share in point):
        assert kept == tuple(points)


def test_a_plate_at_the_edge_of_the_picture_is_cut_where_it_leaves() -> None:
    cut = within([(-0.5, 0.3), (0.5, 0.5), (0.5, 0.7), (-0.5, 0.5)])
    assert (0.0, 0.4) in [(x, round(y, 9)) for x, y in cut]
    assert within([(1.1, 0.3), (1.5, 0.5), (1.5, 0.7)]) == ()
