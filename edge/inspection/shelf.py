"""The folder of one inspection station at its agent: memory, refused messages, inspectors' choices.

    memory.json           what the sessions remember, replaced as a whole
    refused/MACHINE/      what TCP and webhook brought that did not count, with the reasons beside
    operator/             session.json, live.json: what inspectors see; choices/ and answers/

The methods block. Refused messages may hold a VIN: nobody else can read the folder.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pydantic
import structlog

from stations.inspection.facts import Memory
from wire.disk import made_durably, write_durably

REFUSED_MAX = 1000
ANSWERS_MAX = 200
SIDECAR = ".reason.json"

log = structlog.get_logger()


class Shelf:
    """Keeps what a kill of the agent must not take. OSError when the disk refuses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refused, self.operator = folder / "refused", folder / "operator"
        self.choices, self.answers = self.operator / "choices", self.operator / "answers"
        for one in (self.refused, self.choices, self.answers):
            made_durably(one)
        folder.chmod(0o700)

    def remembered(self) -> Memory:
        """The memory of the agent before; an empty one when there is none that can be read."""
        path = self.folder / "memory.json"
        try:
            return Memory.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return Memory()
        except (pydantic.ValidationError, ValueError) as error:
            aside = path.with_suffix(".damaged")
            log.error("the memory of an inspection is damaged", kept=str(aside), why=str(error))
            path.rename(aside)
            return Memory()

    def remember(self, memory: Memory) -> None:
        """Replace the memory as a whole."""
        write_durably(self.folder / "memory.json", memory.model_dump_json().encode())

    def keep_refused(self, machine: str, id: str, text: bytes, reasons: Sequence[str]) -> None:
        """Keep a message that did not count; the same again is kept once."""
        folder = self.refused / machine
        made_durably(folder)
        file = folder / f"{id}.msg"
        if not file.exists():
            write_durably(file, text)
        tell_reasons(file, reasons)
        forget(folder, REFUSED_MAX)

    def answer(self, choice: Path, content: bytes) -> None:
        """Answer a choice; it is gone when it is answered."""
        fresh = self.answers / f".{choice.name}.new"
        fresh.write_bytes(content)
        fresh.replace(self.answers / choice.name)
        choice.unlink(missing_ok=True)
        forget(self.answers, ANSWERS_MAX)

    def show(self, name: str, content: bytes) -> None:
        """Replace what inspectors see; a power cut may take it."""
        fresh = self.operator / f".{name}.new"
        fresh.write_bytes(content)
        fresh.replace(self.operator / name)


def tell_reasons(file: Path, reasons: Sequence[str]) -> None:
    """Write beside a file why it did not count."""
    beside = file.with_name(file.name + SIDECAR)
    write_durably(beside, json.dumps({"reasons": list(reasons)}).encode() + b"\n")


def forget(folder: Path, most: int) -> None:
    """Keep the newest files of a folder, each with what stands beside it."""
    files = [one for one in folder.iterdir() if not one.name.endswith(SIDECAR)]
    if len(files) <= most:
        return
    for file in sorted(files, key=lambda one: one.stat().st_mtime_ns)[:-most]:
        file.with_name(file.name + SIDECAR).unlink(missing_ok=True)
        file.unlink(missing_ok=True)
