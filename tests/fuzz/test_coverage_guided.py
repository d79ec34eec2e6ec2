"""A few seconds of coverage-guided fuzzing of the decoders that strangers can reach."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.fuzz.targets import TARGETS

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
SECONDS = 2
REACHED = ("sparkplug-host", "opcua-publish", "opcua-changes", "modbus-frame",
           "record")  # fmt: skip


def fuzz(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, *words],
        capture_output=True, text=True, timeout=150,
    )  # fmt: skip


@pytest.mark.parametrize("name", REACHED)
def test_nothing_gives_way(name: str, seed: int) -> None:
    done = fuzz(name, "--seconds", str(SECONDS), "--seed", str(seed + 1))
    assert done.returncode == 0, done.stderr[-4_000:]
    assert "Done " in done.stderr, "it has really run"


def test_it_knows_its_targets() -> None:
    done = fuzz("--help")
    assert done.returncode == 0
    assert all(one.name in "".join(done.stdout.split()) for one in TARGETS)
