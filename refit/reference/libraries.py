"""The page of the libraries: what is installed with Refit, its version and its licence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from packaging.markers import Marker

from refit.reference.markdown import HEAD, table

FOLDER = Path(__file__).parents[2] / "requirements"
LICENCE_MAX = 60
SAID_BY_NOBODY = {"atheris": "Apache-2.0", "isoduration": "ISC"}  # as their repositories say
PLAIN = {
    "3-Clause BSD License": "BSD-3-Clause", "BSD 2-Clause License": "BSD-2-Clause",
    "BSD": "BSD-3-Clause", "MIT License": "MIT", "ISC License": "ISC", "Apache 2.0": "Apache-2.0",
    "GNU Lesser General Public License v3 or later": "LGPL-3.0-or-later",
}  # fmt: skip
TESTED_ON = {
    "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix",
    "python_version": "3.11", "python_full_version": "3.11.2",
    "platform_machine": "x86_64", "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
}  # fmt: skip
TEXT = """\
# The libraries

What `make install` puts beside Refit is written down with versions and hashes in
`requirements/run.txt` (a plant) and `requirements/test.txt` (an engineer); pip refuses anything
else. `make lock` writes both anew from `pyproject.toml`. `make audit` asks whether a known
vulnerability concerns one of them, and `make sbom` writes `dist/sbom.cdx.json` (CycloneDX). A test
fails when a licence is not one of those that are allowed below.

"""


@dataclass(frozen=True, slots=True)
class Locked:
    """One library of a lock: its version, the systems it is for, and who asks for it."""

    name: str
    version: str
    where: str
    hashes: int
    asked_by: tuple[str, ...]

    @property
    def is_here(self) -> bool:
        """Whether it is for Linux and Python 3.11, on which Refit is tested."""
        return not self.where or Marker(self.where).evaluate(dict(TESTED_ON))


def locked(name: str) -> Iterator[Locked]:
    """The libraries of `requirements/NAME.txt`, in its order."""
    text = (FOLDER / f"{name}.txt").read_text()
    for block in re.split(r"\n(?=[A-Za-z0-9])", text.strip()):
        head, *rest = block.splitlines()
        what, _, where = head.rstrip(" \\").partition(" ; ")
        package, _, version = what.partition("==")
        asked = [line.strip("# ").removeprefix("via ").strip() for line in rest if "#" in line]
        hashes = sum("--hash=sha256:" in line for line in rest)
        yield Locked(package, version, where, hashes, tuple(one for one in asked if one != "via"))


def licence(package: str) -> str | None:
    """What an installed package says of its licence; None when it is not installed here."""
    try:
        told = metadata(package)
    except PackageNotFoundError:
        return None
    if package in SAID_BY_NOBODY:
        return SAID_BY_NOBODY[package]
    if expression := told.get("License-Expression"):
        return str(expression)
    line = str(told.get("License") or "").strip()
    if line and len(line) <= LICENCE_MAX and "\n" not in line:  # some give the whole text there
        return PLAIN.get(line, line)
    classed = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or []
               if one.startswith("License ::")]  # fmt: skip
    return " OR ".join(PLAIN.get(one, one) for one in classed) or "not said"


def page() -> str:
    """The page as Markdown."""
    rows = [
        (one.name, one.version, licence(one.name) or "not installed here",
         ", ".join(map(_asked, one.asked_by)))
        for one in locked("run") if one.is_here
    ]  # fmt: skip
    return HEAD + TEXT + table(("library", "version", "licence", "asked for by"), rows)


def _asked(name: str) -> str:
    return "Refit" if name.startswith("refit") else name
