"""A real disk that is full, then read-only: nothing promised is lost, and it goes on by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.disk.full import SUBJECTS
from tests.disk.recording import ROOT

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
MOUNTED = 'mount -t tmpfs -o size=8m tmpfs "$1" && exec "$2" -m "$3" "$1" $4'


def on_a_small_disk(folder: Path, module: str, *words: str) -> str:
    """Run a module on a file system of 8 MiB that ends with it; what it printed."""
    if shutil.which("unshare") is None:
        missing("unshare", "apt-get install util-linux")
    folder.mkdir()
    # In a mount namespace of its own: nothing is left behind. Without root also as another user.
    spaces = ["-m"] if os.geteuid() == 0 else ["-Urm"]
    done = subprocess.run(
        ["unshare", *spaces, "sh", "-c", MOUNTED, "sh", folder, sys.executable, module, *words],
        cwd=ROOT, capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", SUBJECTS)
def test_what_was_promised_is_there_and_it_goes_on(name: str, tmp_path: Path) -> None:
    said = on_a_small_disk(tmp_path / "disk", "tests.disk.full", name)
    assert "none lost" in said
    assert "refused after" in said and "read-only" in said
    print(said)


def test_a_capture_waits_for_the_disk_and_is_published_whole(tmp_path: Path) -> None:
    said = on_a_small_disk(tmp_path / "disk", "tests.disk.studio")
    for when in ("encoding", "signing", "filming"):
        assert f"{when}: whole, once" in said
