"""Where a run stands: one JSON file, whole or not at all, on disk before the cycler is told."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stations.battery.machine import State, restored
from wire.disk import made_durably, sync_folder


class JournalTorn(Exception):
    """The file is there and cannot be read: nobody knows what flowed, so nothing may flow."""


class Journal:
    """The state of one run; the protocol's hash with it, so that no other protocol goes on."""

    def __init__(self, path: Path, protocol_sha256: str) -> None:
        self.path, self._sha256 = path, protocol_sha256

    def read(self) -> State | None:
        """The state that was kept, None where none was; JournalTorn when it cannot be told."""
        try:
            kept: Any = json.loads(self.path.read_bytes())
            if kept["protocol_sha256"] != self._sha256:
                raise JournalTorn(f"{self.path} is of another protocol: {kept['protocol_sha256']}")
            return restored(kept["state"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise JournalTorn(f"{self.path} cannot be read: {error}") from error

    def write(self, state: State) -> None:
        """Keep it; on disk when this returns. OSError when the disk refuses."""
        made_durably(self.path.parent)
        fresh = self.path.with_suffix(".new")
        with fresh.open("wb") as file:
            kept = {"protocol_sha256": self._sha256, "state": asdict(state)}
            file.write(json.dumps(kept).encode())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)
        sync_folder(self.path.parent)
