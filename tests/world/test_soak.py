"""Days of the small world with faults every day: what a process holds does not grow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.world.soak import LETTERS_MAX, Held, grown, soak

pytestmark = [pytest.mark.world, pytest.mark.timeout(600)]

DAYS = 2


def test_nothing_grows_in_days_with_faults() -> None:
    world = soak(DAYS, seed=1)
    assert not world.wrong
    assert len(world.held) == DAYS
    assert world.hit >= DAYS
    first, *_, last = world.held
    assert (last.tasks, last.threads, last.files) == (first.tasks, first.threads, first.files)
    assert last.objects < first.objects * 1.05
    assert last.outbox < first.outbox + 262_144


def test_growth_is_seen() -> None:
    held = Held(100_000, 100_000, 14, 2, 20, 1 << 20, 1 << 20, 40, 65_536, 200_000)
    assert grown([held] * 30) == []
    more = [replace(held, files=held.files + day, store=held.store + day * 65_536)
            for day in range(30)]  # fmt: skip
    assert [one.split()[0] for one in grown(more)] == ["files", "store"]
    assert "the bound" in grown([replace(held, letters=LETTERS_MAX + 1)] * 30)[0]
