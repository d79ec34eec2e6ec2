"""The wheel has all that the checkout has, and installs where there is no network."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("stations", "wire", "edge", "plant", "simulators", "refit", "config")
NOT_PACKED = {".json", ".yaml", ".service", ".conf", ".acl", ".iql", ".sh", ""}  # of config/

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Refit and all that it needs, made from what is committed or would be."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in files():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    house = folder / "wheelhouse"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    subprocess.run([*pip, "--wheel-dir", house, str(source)], check=True)
    yield house
    shutil.rmtree(folder)


def files() -> list[str]:
    """What belongs to the project, as git knows it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if (ROOT / name).is_file()]


def test_every_file_of_the_rooms_is_in_the_wheel(wheelhouse: Path) -> None:
    wheel = next(wheelhouse.glob("refit-*.whl"))
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    wanted = {
        name
        for name in files()
        if name.split("/")[0] in ROOMS
        and not (name.startswith("config/") and Path(name).suffix in NOT_PACKED)
    }
    assert packed == wanted


def test_it_installs_and_works_without_a_network(wheelhouse: Path, tmp_path: Path) -> None:
    bin = tmp_path / "venv" / "bin"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    subprocess.run(
        [
            bin / "pip", "install", "--quiet", "--no-compile", "--no-index",
            "--find-links", wheelhouse, "refit",
        ],
        check=True,
        env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip

    def refit(*words: str) -> str:
        command = [bin / "refit", *words]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    assert refit("--version").strip() == "0.1.0"
    assert "angle" in refit("tags", "studio")
    packages = next((tmp_path / "venv/lib").glob("python3*/site-packages"))
    assert "studio-1" in refit("check", str(packages / "config/demo/site.toml"))
    assert "as required" in refit("doctor")
