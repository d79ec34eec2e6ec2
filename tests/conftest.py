"""What all tests share: coroutines, no task left behind, one seed, servers that must be there."""

from __future__ import annotations

import asyncio
import inspect
import os
import random
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.servers import Postgres

# A machine that does other work beside must not fail a property test by its clock.
# Whether a change lands must not depend on chance: CI always tries the same, a person always more.
IN_CI = bool(os.environ.get("CI"))
settings.register_profile(
    "busy", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=IN_CI
)
settings.load_profile("busy")


# The size of another terminal, which a test runner hands on: a test's own terminal says its own.
for _size in ("COLUMNS", "LINES"):
    os.environ.pop(_size, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="replay one seed of the random runs")
    parser.addoption(
        "--length", type=float, default=1.0, help="how much longer than usual the random runs are"
    )


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of a random run: given by --seed, otherwise new (in CI that of the test's name).

    Always printed on failure.
    """
    given = request.config.getoption("--seed")
    number = new_seed(request.node.nodeid) if given is None else int(given)
    print(f"replay with: pytest {request.node.nodeid} --seed {number}")
    return number


def new_seed(name: str) -> int:
    """A seed of 32 bits for what has this name."""
    return zlib.crc32(name.encode()) if IN_CI else random.SystemRandom().randrange(1 << 32)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: for tests that open many files which sync a lot."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else tmp_path))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """One PostgreSQL for all tests that give each its own database; only its machine must live."""
    from tests.servers import Postgres

    with Postgres(tmp_path_factory.mktemp("postgres"), fsync=False) as server:
        yield server


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test on a loop of its own; a task that it leaves pending fails it."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    wanted = inspect.signature(test).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    with asyncio.Runner() as runner:
        runner.run(nothing_left(test(**arguments)))
    return True


async def nothing_left(test: Any) -> None:
    """Await a test; AssertionError when it leaves a task behind."""
    await test
    await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, f"the test left tasks pending: {left}"


def missing(server: str, install: str) -> None:
    """A server that a test needs is not there: a failure under CI, else a skip that says why."""
    if os.environ.get("CI"):
        pytest.fail(f"{server} is missing; install it: {install}")
    pytest.skip(f"{server} is missing; install it: {install}")
