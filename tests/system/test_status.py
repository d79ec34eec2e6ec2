"""`refit status` of a real plant: well, with a machine off, without its agent, without anybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from refit.chaos.plant import AGENT, SmallPlant
from simulators.control import clear, fault
from tests.servers import until
from tests.system.commands import refit

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]
TROUBLE_S = 60.0


def found(plant: SmallPlant) -> tuple[int, dict[str, Any]]:
    done = refit("status", "--site", plant.file, "--json")
    return done.returncode, json.loads(done.stdout)


def wait_for(plant: SmallPlant, code: int, what: str, said: str) -> dict[str, Any]:
    """The finding about something that says this, once the command ends with this code."""
    listed: list[dict[str, Any]] = []

    def holds() -> bool:
        ended, told = found(plant)
        fits = [one for one in told["findings"] if one["what"] == what and said in one["said"]]
        listed[:] = fits
        return ended == code and bool(fits)

    until(holds, f"{what}: {said}", TROUBLE_S)
    return listed[0]


def test_one_screen_says_what_is_wrong_and_since_when(tmp_path: Path) -> None:
    with SmallPlant(tmp_path, seed=1) as plant:
        until(lambda: found(plant)[0] == 0, "all is well", TROUBLE_S)
        well = refit("status", "--site", plant.file)
        assert "small: all is well" in well.stdout
        assert "online: 1 agents, 3 stations" in well.stdout

        fault(plant.ports["control"], "press-1", "bad", tag="force_01")
        bad = wait_for(plant, 1, "press-1", "tags Bad: force_01")
        assert bad["since_ms"] > 0
        clear(plant.ports["control"])

        plant.freeze("simulators")
        wait_for(plant, 1, AGENT, "is not connected")
        plant.thaw("simulators")
        until(lambda: found(plant)[0] == 0, "all is well again", TROUBLE_S)

        plant.kill(AGENT)
        gone = wait_for(plant, 1, AGENT, "offline")
        assert "with it press-1, meter-1, studio-1" in gone["said"]
        assert gone["since_ms"] > bad["since_ms"]

        plant.kill("historian")
        wait_for(plant, 1, "historian", "no answer")
        text = refit("status", "--site", plant.file)
        assert text.returncode == 1
        assert "1 wrong, 0 to look at" in text.stdout
