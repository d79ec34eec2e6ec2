"""What a server's answer means: try again for ever, a bad line, or something for a person.

Statuses alone do not say it: an unknown retention policy is a 500 at InfluxDB 1.8.10, a type
conflict a 400 there and a 422 at 2.9.1, which keeps nothing of a batch with an unparsable line.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

import orjson

WORDS_MAX = 300


class Meaning(enum.Enum):
    """What is to be done after an answer."""

    DONE = "kept"
    AWAY = "try again later: the server is busy, full, or not itself"
    LINES = "some lines are bad: find and set them apart"
    DOUBTFUL = "refused in words that are not known here: perhaps not because of the lines"
    LARGE = "send less at once"
    MISSING = "there is no such database"
    PERSON = "only a person can help: an account, a setting"


# In the words of InfluxDB 1.6 to 3; all of them are about the lines that were sent.
_OF_LINES = re.compile(
    r"partial write|unable to parse|field type conflict|beyond retention|invalid field name"
    r"|max-series-per-database|max-values-per-tag|max key length|invalid (line|column|tag|field)"
    r"|line protocol|missing (field|tag|measurement)|time outside range|schema",
    re.IGNORECASE,
)
_DROPPED = re.compile(r"dropped=(\d+)")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a write: HTTP status and the server's words."""

    status: int
    words: str = ""

    @property
    def meaning(self) -> Meaning:
        """What is to be done."""
        return meaning(self.status, self.words)

    @property
    def dropped(self) -> int | None:
        """How many lines it did not keep, when it says so; the others are kept then."""
        found = _DROPPED.search(self.words)
        return int(found[1]) if found and int(found[1]) else None

    def __str__(self) -> str:
        return f"{self.words or 'it says nothing'} (HTTP {self.status})"


def meaning(status: int, words: str) -> Meaning:
    """What an answer to a write means."""
    if status in (200, 204):
        return Meaning.DONE
    match status:
        case 401 | 403:
            return Meaning.PERSON
        case 404 if re.search(r"(database|bucket).*not found", words, re.IGNORECASE):
            return Meaning.MISSING
        case 413:
            return Meaning.LARGE
        case 500 if "retention policy not found" in words:
            return Meaning.PERSON
        case 400 | 422:
            return Meaning.LINES if _OF_LINES.search(words) else Meaning.DOUBTFUL
        case 408 | 425 | 429:
            return Meaning.AWAY
    return Meaning.PERSON if 400 <= status < 500 else Meaning.AWAY


def words_of(body: bytes) -> str:
    """The server's words, whichever way it wraps them, cut short."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = None
    text = ""
    if isinstance(told, dict):
        text = str(told.get("message") or told.get("error") or "")
    text = text or body[: 4 * WORDS_MAX].decode(errors="replace").strip()
    if len(text) <= WORDS_MAX:
        return text
    # A parse error quotes the line, and the reason stands at the end.
    return f"{text[: WORDS_MAX // 2]} ... {text[-WORDS_MAX // 2 :]}"
