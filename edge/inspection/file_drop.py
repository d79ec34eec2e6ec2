"""A machine that puts a file for each result into its own folder.

    FOLDER/                files of the machine; names that begin with . or end in .part wait
    FOLDER/session.txt     what the machine is told of the open session, written by the agent
    FOLDER/done/           files that counted
    FOLDER/refused/        files that did not, each with its reasons beside it

A file is taken when it does not grow any more and has its end: that of JSON, as many codes as
`codes=N` says, or, after more patience, that of its last line. One that goes on standing without
is refused as half a record.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import structlog

from edge.inspection.adapter import Reader, Sink, lines_of
from edge.inspection.shelf import SIDECAR, forget, tell_reasons
from stations.inspection.facts import Message, Reason, Refusal
from stations.inspection.messages import BYTES_MAX
from wire.disk import made_durably, sync_folder

LOOK_S = 0.2
STILL_LOOKS, PATIENT_LOOKS, ABANDONED_LOOKS = 2, 10, 50
"""For how many looks a file has to stand: with its end told, with a whole last line, with half."""
KEPT_MAX = 2000
SESSION = "session.txt"
ENDINGS = (".part", ".tmp", SIDECAR)

log = structlog.get_logger()


@dataclass(slots=True)
class _Growing:
    size: int
    looks: int = 0


class FileDrop:
    """Watches the folder of one machine."""

    def __init__(self, reader: Reader, folder: Path, look_s: float = LOOK_S) -> None:
        self._reader, self.folder, self._look_s = reader, folder, look_s
        self._growing: dict[str, _Growing] = {}
        self._told: str | None = None
        self._invited: dict[str, str] | None = None

    async def run(self, sink: Sink) -> None:
        """Look for files for ever."""
        while True:
            try:
                await asyncio.to_thread(self._invite, sink.invitation(self._reader.name))
                for file, text, said in await asyncio.to_thread(self._look):
                    verdict = await sink.deliver(self._reader.name, text, said)
                    await asyncio.to_thread(self._move, file, verdict.reasons)
                await self._tell(sink, "")
            except OSError as error:
                await self._tell(sink, f"the folder cannot be used: {error.strerror or error}")
            await asyncio.sleep(self._look_s)

    async def _tell(self, sink: Sink, why: str) -> None:
        if why != self._told:
            self._told = why
            await sink.machine_is(self._reader.name, why)

    def _invite(self, words: dict[str, str]) -> None:
        if words == self._invited and (self.folder / SESSION).exists():
            return
        fresh = self.folder / f".{SESSION}.new"
        fresh.write_text(lines_of(words), encoding="utf-8")
        fresh.replace(self.folder / SESSION)
        self._invited = words

    def _look(self) -> list[tuple[Path, bytes, Message | Refusal]]:
        """The files that are whole, oldest first; the others are remembered."""
        found, names = [], set()
        for file in self.folder.iterdir():
            if not _is_result(file):
                continue
            names.add(file.name)
            try:
                read = self._read(file)
            except FileNotFoundError:
                continue
            if read is not None:
                found.append((file.stat().st_mtime_ns, file.name, (file, *read)))
        for name in set(self._growing) - names:
            del self._growing[name]
        return [one for _, _, one in sorted(found, key=lambda one: one[:2])]

    def _read(self, file: Path) -> tuple[bytes, Message | Refusal] | None:
        size = file.stat().st_size
        known = self._growing.get(file.name)
        if known is None or known.size != size:
            self._growing[file.name] = _Growing(size)
            return None
        known.looks += 1
        if known.looks < STILL_LOOKS:
            return None
        with file.open("rb") as opened:
            text = opened.read(BYTES_MAX + 1)
        is_json = file.suffix.lower() == ".json"
        said = self._reader.json(text) if is_json else self._reader.lines(text)
        needed = STILL_LOOKS if is_json or b"codes=" in text else PATIENT_LOOKS
        if isinstance(said, Refusal) and Reason.HALF_RECORD in said.reasons:
            needed = ABANDONED_LOOKS
        return (text, said) if known.looks >= needed else None

    def _move(self, file: Path, reasons: tuple[Reason, ...]) -> None:
        """To done or to refused; a name that is there already gets a number."""
        folder = self.folder / ("refused" if reasons else "done")
        made_durably(folder)
        target = folder / file.name
        for number in range(2, KEPT_MAX + 2):
            if not target.exists():
                break
            target = folder / f"{file.stem}.{number}{file.suffix}"
        if reasons:
            tell_reasons(target, reasons)
            log.warning(
                "a result is refused",
                machine=self._reader.name,
                reasons=[str(one) for one in reasons],
            )
        os.rename(file, target)
        sync_folder(folder)
        sync_folder(self.folder)
        self._growing.pop(file.name, None)
        forget(folder, KEPT_MAX)


def _is_result(file: Path) -> bool:
    name = file.name
    if name.startswith(".") or name == SESSION or name.endswith(ENDINGS):
        return False
    return file.is_file() and not file.is_symlink()
