"""A copy of this checkout in a folder of its own, for tests of what is written into one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tests.docs.pages import ROOT, installed

PARTS = (
    "stations", "wire", "edge", "plant", "simulators", "refit", "config", "docs", "tests",
    "requirements",
    "Makefile", "pyproject.toml", "README.md", "CHANGELOG.md",
)  # fmt: skip


def copied(folder: Path) -> Path:
    """The copy, as `folder`/refit; `environment` makes commands run from it."""
    there = folder / "refit"
    for part in PARTS:
        if (ROOT / part).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "var")
            shutil.copytree(ROOT / part, there / part, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy(ROOT / part, there / part)
    return there


def developed(folder: Path) -> Path:
    """The copy as `make install` leaves it: with tools, which are those of the tests."""
    there = installed(folder)
    copied(folder)
    python = there / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (there / ".venv/installed").touch()
    return there


def environment(checkout: Path) -> dict[str, str]:
    """The environment in which Python takes the modules of a copy, and tools are those of here."""
    tools = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return {**os.environ, "PYTHONPATH": str(checkout), "PATH": tools}
