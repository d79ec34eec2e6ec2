"""The processes of a trial: ours by `refit COMMAND`, and any other program beside them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from refit.processes import Processes

ROOT = Path(__file__).parent.parent


class Children(Processes):
    """`Processes` that can also start programs which are not ours."""

    def spawn(
        self, name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program; what it says goes to `folder`/NAME.log."""
        with self.log(name).open("ab") as log:
            self.children[name] = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        return self.children[name]

    @property
    def pids(self) -> dict[str, int]:
        """The running processes by name."""
        return {name: child.pid for name, child in self.children.items()}
