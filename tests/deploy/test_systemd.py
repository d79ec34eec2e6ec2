"""The units for systemd: systemd understands them, and they leave little open."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import missing
from wire.site import load

pytestmark = pytest.mark.system

DEPLOY = Path(__file__).parents[2] / "config/deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PROGRAM = "/usr/local/lib/refit/bin/refit"
EXPOSURE_MAX = 2.0  # of 10, as `systemd-analyze security` counts


@pytest.fixture(params=UNITS, ids=lambda path: path.name)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy that starts a program which is here."""
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze", "apt-get install systemd")
    program = tmp_path / "refit"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copy = tmp_path / str(request.param.name)
    copy.write_text(request.param.read_text().replace(PROGRAM, str(program)))
    return copy


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True)


def test_systemd_has_nothing_against_it(unit: Path) -> None:
    result = analyze("verify", "--man=no", unit)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_mistake_would_be_found(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("Restart=always", "Restart=allways"))
    assert "allways" in analyze("verify", "--man=no", unit).stderr


def test_little_is_left_open(unit: Path) -> None:
    result = analyze("security", "--offline=true", f"--threshold={10 * EXPOSURE_MAX:.0f}", unit)
    print(result.stdout.splitlines()[-1])
    assert result.returncode == 0, result.stdout


def test_what_the_plants_site_file_writes_lies_where_the_units_may_write() -> None:
    site = load(DEPLOY.parent / "plant/site.toml")
    for path in UNITS:
        text = path.read_text()
        state = "/var/lib/" + re.search(r"^StateDirectory=(\w+)$", text, re.MULTILINE)[1]  # type: ignore[index]
        assert "ProtectSystem=strict" in text
        assert str(site.outbox.folder).startswith(state)
        assert str(site.store.path).startswith(state)
