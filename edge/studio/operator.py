"""What the operator is asked and answers: two files in a folder at the station PC.

`asks.json` says what is the matter, with the files of the failed frames; `choice.json` is the
answer of `refit studio operator`. Who may write into the agent's folder may answer; nobody may over
a network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from wire.disk import write_durably

ASKS, CHOICE = "asks.json", "choice.json"


class Failed(BaseModel):
    """One frame that is not good: where it can be looked at, and why."""

    model_config = ConfigDict(frozen=True)
    name: str
    file: Path
    reasons: tuple[str, ...]


class Asks(BaseModel):
    """What the operator is asked about one capture."""

    model_config = ConfigDict(frozen=True)
    capture: str
    visit: str
    about: tuple[str, ...]
    failed: tuple[Failed, ...] = ()


class Choice(BaseModel):
    """The answer; `why` is needed to go on."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    capture: str
    choice: Literal["again", "go_on", "wrong_vehicle"]
    why: str = ""


def ask(folder: Path, asks: Asks | None) -> None:
    """Say what is asked; None: nothing any more. OSError."""
    if asks is None:
        (folder / ASKS).unlink(missing_ok=True)
    else:
        write_durably(folder / ASKS, asks.model_dump_json(indent=1).encode())


def asked(folder: Path) -> Asks | None:
    """What is asked now. OSError, ValueError when the file is damaged."""
    try:
        return Asks.model_validate_json((folder / ASKS).read_bytes())
    except FileNotFoundError:
        return None


def answer(folder: Path, choice: Choice) -> None:
    """Answer; the agent takes it up within a second. OSError."""
    write_durably(folder / CHOICE, choice.model_dump_json().encode())


def answered(folder: Path) -> Choice | None:
    """The answer, once; None when there is none, or one that is none. OSError."""
    path = folder / CHOICE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    path.unlink(missing_ok=True)
    try:
        return Choice.model_validate_json(text)
    except ValidationError:
        return None
