"""What holds for the whole house: who imports whom, private names, lengths, no test that sleeps."""

from __future__ import annotations

import ast
import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.conftest import nothing_left

ROOT = Path(__file__).parents[1]
ROOMS = ("stations", "wire", "edge", "plant", "simulators", "refit")

# The only files that reach into a library, each with a test that fails when the seam moves.
SEAMS = {"edge/sources/publish.py", "simulators/opcua_seam.py"}
# Tests of a seam, or of what shows only inside: a file that is damaged, a library that has moved.
INSIDE = {
    "tests/benchmarks/test_benchmarks.py", "tests/plant/test_settle.py",
    "tests/plant/test_sqlite_store.py", "tests/simulators/test_opcua_seam.py",
    "tests/sources/opcua_server.py", "tests/sources/test_publish.py",
    "tests/wire/test_registers.py",
}  # fmt: skip
# Names with an underscore that their makers document for everybody.
PUBLIC = {"_mapping", "_value_"}
# Where a test may wait: these poll with a deadline, or are the clock of a virtual world.
WAITING = ("tests/simulators/helpers.py", "tests/world/", "tests/docs/pages.py")


def sources(*folders: str) -> list[Path]:
    """The Python files of some folders, without generated ones."""
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if not path.stem.endswith("_pb2")]


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC


def private_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of every use of a private name that is not one's own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from ((node.lineno, part) for part in parts if is_private(part))


def sleeps(tree: ast.AST) -> Iterator[int]:
    """Line of every call that sleeps; `asyncio.sleep(0)` only lets others run."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("asyncio.sleep", "time.sleep"):
            if not (isinstance(node.args[0], ast.Constant) and node.args[0].value == 0):
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and any(one.name == "sleep" for one in node.names):
            yield node.lineno


def test_private_names_of_others_are_used_in_the_seams_alone() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sources(*ROOMS, "tests", "benchmarks")
        if str(path.relative_to(ROOT)) not in SEAMS | INSIDE
        for line, name in private_names(ast.parse(path.read_text()))
    }
    assert found == set()
    for seam in SEAMS | INSIDE:
        assert list(private_names(ast.parse((ROOT / seam).read_text()))), f"{seam} is no seam"


def test_no_test_sleeps() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources("tests")
        if not str(path.relative_to(ROOT)).startswith(WAITING)
        for line in sleeps(ast.parse(path.read_text()))
    }
    assert found == set()


@pytest.mark.parametrize(
    "text",
    ["x = server._sessions", "from asyncua import _ua", "from a._b import c", "f(self.a._b)"],
)
def test_a_private_name_is_found(text: str) -> None:
    assert list(private_names(ast.parse(text)))


@pytest.mark.parametrize("text", ["self._a = cls._b", "row._mapping", "__name__.__len__"])
def test_what_is_not_private_is_not_found(text: str) -> None:
    assert not list(private_names(ast.parse(text)))


@pytest.mark.parametrize("text", ["time.sleep(1)", "asyncio.sleep(0.1)", "from time import sleep"])
def test_a_sleep_is_found(text: str) -> None:
    assert list(sleeps(ast.parse(text)))


def test_a_task_that_is_left_pending_fails_its_test() -> None:
    tasks: list[asyncio.Task[bool]] = []

    async def careless() -> None:
        tasks.append(asyncio.create_task(asyncio.Event().wait()))

    with asyncio.Runner() as runner, pytest.raises(AssertionError, match="left tasks pending"):
        runner.run(nothing_left(careless()))
    assert tasks[0].cancelled()


LINES_MAX = 350
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:root|home|tmp|Users|mnt|opt)/[\w.]")


def written(*endings: str) -> list[Path]:
    """The files of the repository with these endings, as git knows them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *endings],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def own(path: Path) -> bool:
    return not path.name.endswith(("_pb2.py", "_pb2.pyi"))


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_no_file_is_longer_than_a_room() -> None:
    long = {
        f"{path.relative_to(ROOT)}: {count}"
        for path in filter(own, written("*.py"))
        if (count := len(path.read_text().splitlines())) > LINES_MAX
    }
    assert long == set()


def test_every_module_says_what_it_is_for() -> None:
    silent = {
        str(path.relative_to(ROOT))
        for path in filter(own, written("*.py"))
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    }
    assert silent == set()


def test_no_line_names_a_path_of_one_machine() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in written("*.py", "*.toml", "*.csv", "*.md", "*.yml", "Makefile", ".ci/*")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if MACHINE_PATH.search(line) or f"{ROOT}/" in line
    }
    assert found == set()


def imported(tree: ast.AST) -> Iterator[str]:
    """The packages that a file imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_what_is_imported_is_required() -> None:
    """A package that only another one's requirements bring is missing one day."""
    distributions = packages_distributions()
    required = {Requirement(one).name.lower().replace("_", "-") for one in requires("refit") or ()}
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(*ROOMS)
        for name in imported(ast.parse(path.read_text()))
        if name not in sys.stdlib_module_names and name not in ROOMS
        if not required & {one.lower().replace("_", "-") for one in distributions.get(name, ())}
    }
    assert found == set()


@pytest.mark.parametrize("text", ["see /mnt/disk", "open('/tmp/x')", "a /home/me", "=/root/.x"])
def test_a_path_of_a_machine_is_found(text: str) -> None:
    assert MACHINE_PATH.search(text)


@pytest.mark.parametrize(
    "text",
    ["https://host/work/x", "site/tmp/a", "the /metrics page", "/usr/sbin/mosquitto", "./tmp/a"],
)
def test_what_is_no_path_of_a_machine_is_not_found(text: str) -> None:
    assert not MACHINE_PATH.search(text)
