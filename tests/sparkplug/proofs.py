"""What a test proves, by the ids of assertions and the numbers of requirements."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., object])


def proves(*ids: str) -> Callable[[Test], Test]:
    """Says which assertions a test proves; refit/conformance names the test in turn."""

    def mark(test: Test) -> Test:
        test.proves = ids  # type: ignore[attr-defined]
        return test

    return mark
