"""What is loaded at the start is no work for the garbage collector later."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from refit.running import loading


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_loaded_is_left_alone_by_the_collector() -> None:
    with loading():
        kept = [[number] for number in range(1000)]
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > len(kept)
    assert not any(one is kept for one in gc.get_objects())


def test_an_import_that_fails_leaves_the_collector_on() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError("no such part")
    assert gc.isenabled()
