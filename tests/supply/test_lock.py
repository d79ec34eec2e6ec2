"""The locks: whole, with hashes, fitting what is required, and under licences that are allowed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from refit.reference.libraries import FOLDER, Locked, licence, locked
from tests.supply.audit import NOTHING_CHECKED, VULNERABLE, judged

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
# Licences under which a plant may run and change Refit without giving anything away, and the
# weak copyleft of libraries that are used as they are.
ALLOWED = (
    "MIT", "MIT-0", "BSD", "0BSD", "Apache", "ISC", "PSF", "Python", "Zlib", "CC0", "Unlicense",
    "MPL", "LGPL", "EPL", "EDL",
)  # fmt: skip
BOTH = pytest.mark.parametrize("lock", ["run", "test"])


def required(extras: bool) -> Iterator[Requirement]:
    project = tomllib.loads(PROJECT.read_text())["project"]
    yield from map(Requirement, project["dependencies"])
    for one in project["optional-dependencies"].values() if extras else ():
        yield from (found for found in map(Requirement, one) if found.name != "refit")


def of(lock: str) -> dict[str, Locked]:
    return {canonicalize_name(one.name.partition("[")[0]): one for one in locked(lock)}


@BOTH
def test_every_library_has_a_version_and_hashes_and_no_address(lock: str) -> None:
    found = of(lock)
    assert len(found) > 20
    assert [one.name for one in found.values() if not (one.version and one.hashes)] == []
    assert "://" not in (FOLDER / f"{lock}.txt").read_text()


@BOTH
def test_what_is_required_is_locked_at_a_version_that_fits(lock: str) -> None:
    found = of(lock)
    wrong = []
    for one in required(extras=lock == "test"):
        known = found.get(canonicalize_name(one.name))
        if known is None or not one.specifier.contains(known.version):
            wrong.append(f"{one}: locked is {known.version if known else 'nothing'}")
    assert wrong == [], "run `make lock`"


def test_what_is_tested_is_what_a_plant_runs() -> None:
    tested = of("test")
    assert {name: one.version for name, one in of("run").items()} == {
        name: tested[name].version for name in of("run")
    }


def test_every_licence_is_known_and_allowed() -> None:
    found = {one.name: licence(one.name) for one in locked("test") if one.is_here}
    unknown = {name: told for name, told in found.items()
               if told is None or not any(word in told for word in ALLOWED)}  # fmt: skip
    assert unknown == {}


def test_a_vulnerable_library_is_told_and_one_that_was_not_looked_up_is_not_clean() -> None:
    vulnerable = {"id": "X-2026-1", "fix_versions": ["1.1"]}
    told = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "version": "1.0", "vulns": [vulnerable]},
            {"name": "c", "skip_reason": "not found"},
        ]
    }
    found = judged(told)
    assert (found.clean, found.unchecked) == (("a",), ("c",))
    assert found.vulnerable == ("b 1.0: X-2026-1; mended in 1.1",)
    assert found.exit_code == VULNERABLE
    assert judged({"dependencies": told["dependencies"][2:]}).exit_code == NOTHING_CHECKED
    assert judged({"dependencies": told["dependencies"][:1]}).exit_code == 0
