"""A disk that says no: one operation of a run fails, or all from there on."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

OPERATIONS = (
    (os, "open"), (os, "pwrite"), (os, "fsync"), (os, "utime"), (os, "link"), (os, "ftruncate"),
    (Path, "mkdir"), (Path, "rename"), (Path, "replace"), (Path, "unlink"),
)  # fmt: skip


class FaultyDisk:
    """Counts the operations of files below a folder and refuses the `fails_at`-th of them.

    `for_good`: and all after it, until `repair`.
    """

    def __init__(
        self, patch: pytest.MonkeyPatch, folder: Path, fails_at: int, *, for_good: bool
    ) -> None:
        self.folder, self.fails_at, self.for_good = str(folder), fails_at, for_good
        self.count = self.failed = 0
        self._broken = True
        self._numbers: set[int] = set()
        for owner, name in OPERATIONS:
            patch.setattr(owner, name, self._wrapped(getattr(owner, name), name))

    def repair(self) -> None:
        """From now on everything works."""
        self._broken = False

    def _wrapped(self, work: Callable[..., Any], name: str) -> Callable[..., Any]:
        def operation(*arguments: Any, **named: Any) -> Any:
            where = arguments[0]
            is_ours = where in self._numbers if isinstance(where, int) else self._is_below(where)
            if is_ours:
                self.count += 1
                if self._broken and self._is_due():
                    self.failed += 1
                    raise OSError(errno.EIO, f"{name}: Input/output error")
            result = work(*arguments, **named)
            if name == "open" and is_ours:
                self._numbers.add(result)
            return result

        return operation

    def _is_below(self, where: Any) -> bool:
        return isinstance(where, str | Path) and str(where).startswith(self.folder)

    def _is_due(self) -> bool:
        return self.count >= self.fails_at if self.for_good else self.count == self.fails_at
