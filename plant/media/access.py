"""Who may use the media store: a token for each agent (may send) and each reader (may only read).

The file has a line NAME TOKEN for each; a name that is an agent of the site may send files, and one
whose line ends with the word `restricted` may read restricted files. It is read again when it has
changed, so that a token can be replaced while the server runs.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from pathlib import Path

import structlog

TOKEN_LENGTH_MIN = 16
SEES_ALL = "restricted"

log = structlog.get_logger("media")


class TokensWrong(ValueError):
    """A file of tokens that cannot be used: it says which line, and what would be right."""


class Access:
    """Knows names by their tokens; `file` None: everybody of this machine may do everything."""

    def __init__(self, file: Path | None, agents: Iterable[str]) -> None:
        self._file, self._agents = file, frozenset(agents)
        self._lock = threading.Lock()
        self._changed = 0
        self._names: dict[bytes, str] = {}
        self._seeing: frozenset[str] = frozenset()
        if file is not None:
            self._read(file)
            self._changed = file.stat().st_mtime_ns

    def who(self, authorization: str) -> str | None:
        """The name of whoever shows this header; None when nobody has that token."""
        if self._file is None:
            return ""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        self._again()
        # Found by its hash, the time that it takes says nothing about the token.
        return self._names.get(_digest(token.strip()))

    def may_send(self, name: str) -> bool:
        """Whether files of this name are taken."""
        return self._file is None or name in self._agents

    def may_see_restricted(self, name: str) -> bool:
        """Whether restricted files are shown to this name; nobody's without tokens."""
        return name in self._seeing

    def _read(self, file: Path) -> None:
        names, seeing = read_tokens(file), read_seeing(file)
        self._names, self._seeing = names, seeing

    def _again(self) -> None:
        assert self._file is not None
        with self._lock:
            try:
                changed = self._file.stat().st_mtime_ns
                if changed != self._changed:
                    self._read(self._file)
                    self._changed = changed
            except (OSError, TokensWrong) as error:
                log.error("the tokens cannot be read, the old ones hold", why=str(error))


def read_tokens(file: Path) -> dict[bytes, str]:
    """Names by the hashes of their tokens. OSError, TokensWrong."""
    names: dict[bytes, str] = {}
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except UnicodeDecodeError as error:
        raise TokensWrong(f"{file}: a token has letters, digits and -._~+/= only") from error
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 and words[2:] != [SEES_ALL]:
            raise TokensWrong(f"{file}:{number}: write NAME TOKEN, or NAME TOKEN {SEES_ALL}")
        if len(words[1]) < TOKEN_LENGTH_MIN:
            raise TokensWrong(
                f"{file}:{number}: a token has {TOKEN_LENGTH_MIN} characters at least"
            )
        if _digest(words[1]) in names:
            raise TokensWrong(f"{file}:{number}: the token of another name; give each its own")
        names[_digest(words[1])] = words[0]
    return names


def read_seeing(file: Path) -> frozenset[str]:
    """The names that may read restricted files. OSError."""
    lines = (line.split() for line in file.read_text(encoding="ascii").splitlines())
    return frozenset(
        words[0] for words in lines if words[2:] == [SEES_ALL] and not words[0].startswith("#")
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
