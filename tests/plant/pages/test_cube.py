"""The faces of the cube show what the panorama shows in their direction."""

from __future__ import annotations

import numpy as np
import pytest

from plant.pages.cube import FACES, faces


def sphere(width: int = 512) -> np.ndarray:
    """A panorama whose colours are directions: x, y, z of the unit sphere as red, green, blue."""
    height = width // 2
    longitude = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    latitude = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
    flat = np.cos(latitude)[:, None]
    x, z = np.sin(longitude) * flat, np.cos(longitude) * flat
    y = np.broadcast_to(np.sin(latitude)[:, None], x.shape)
    return np.rint((np.stack([x, y, z], -1) + 1) * 127.5).astype(np.uint8)


def test_each_pixel_of_each_face_is_its_direction() -> None:
    size = 64
    place = (np.arange(size) + 0.5) * (2 / size) - 1
    for name, face in faces(sphere(), size):
        right, up, forward = (np.array(one, float) for one in FACES[name])
        wanted = place[None, :, None] * right - place[:, None, None] * up + forward
        wanted /= np.linalg.norm(wanted, axis=-1, keepdims=True)
        assert np.abs(face / 127.5 - 1 - wanted).max() < 0.03, name


@pytest.mark.parametrize("size", [1, 127, 129])
def test_a_face_has_the_size_that_is_asked_for(size: int) -> None:
    assert {face.shape for _, face in faces(sphere(64), size)} == {(size, size, 3)}
    assert [name for name, _ in faces(sphere(64), 1)] == list(FACES)


def test_left_and_right_end_of_the_panorama_are_one_place() -> None:
    """No seam behind: at the middle of the back face the colours go on smoothly."""
    back = dict(faces(sphere(), 128))["back"].astype(int)
    assert np.abs(np.diff(back[64], axis=0)).max() <= 4
