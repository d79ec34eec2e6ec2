"""Rendered pictures for every test of the studio."""

from tests.studio.rendered import good_turn, turn

__all__ = ["good_turn", "turn"]
