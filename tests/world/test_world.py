"""The demo line in virtual time, broken in every way that the seed finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.world import invariants
from tests.world.clock import virtual_time
from tests.world.line import World
from tests.world.network import Network
from tests.world.troubles import Troubles

pytestmark = pytest.mark.world

HOUR_S = 3600.0


def run(folder: Path, seed: int, script: Troubles, *, with_protocols: bool, **more: Any) -> World:
    """One run from its beginning to the last delivery."""
    net = Network(seed)
    with virtual_time(net, seed) as runner:

        async def whole() -> World:
            world = World(net, folder, seed, with_protocols=with_protocols, **more)
            await world.run(script)
            return world

        return runner.run(whole())
