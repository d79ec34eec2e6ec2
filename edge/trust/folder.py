"""The trust list of an agent: a folder as OPC UA applications have it (OPC 10000-12, 7.8).

`trusted/certs` and `trusted/crl` are believed, `issuers/certs` and `issuers/crl` complete chains,
`rejected/certs` holds what was shown and is not trusted. `seen` says where each was shown.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import orjson
from cryptography import x509

from edge.trust import certificates

REJECTED_MAX = 100
SEEN_MAX = 32
PREFIX_MIN = 8
ENDINGS = (".der", ".crt", ".cer", ".pem")
Loaded = TypeVar("Loaded")


class TrustError(ValueError):
    """What is asked of a trust list cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate of a list: its file, and at which URLs it was shown, with the last reason."""

    path: Path
    certificate: x509.Certificate
    seen: dict[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> certificates.Facts:
        """What is shown of it."""
        return certificates.facts(self.certificate)


class TrustList:
    """The lists in one folder, which is made when something is put into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen = folder / "seen"

    def trusted(self) -> list[Entry]:
        """What is believed: certificates of servers, and of authorities."""
        return self._entries("trusted")

    def rejected(self) -> list[Entry]:
        """What was shown and is not believed."""
        return self._entries("rejected")

    def issuers(self) -> list[x509.Certificate]:
        """Authorities that only complete chains."""
        return [one for _, one in _files(self.folder / "issuers" / "certs", certificates.load)]

    def revocations(self) -> list[x509.CertificateRevocationList]:
        """All revocation lists."""
        return [one for _, one in self.revocation_files()]

    def revocation_files(self) -> Iterator[tuple[Path, x509.CertificateRevocationList]]:
        """All revocation lists, and where they are."""
        for name in ("trusted", "issuers"):
            yield from _files(self.folder / name / "crl", certificates.load_crl)

    def stamp(self) -> tuple[int, ...]:
        """Changes whenever something is accepted, removed or revoked."""
        found = []
        for name in ("trusted/certs", "trusted/crl", "issuers/certs", "issuers/crl"):
            with contextlib.suppress(OSError):
                found.append((self.folder / name).stat().st_mtime_ns)
        return tuple(found)

    def reject(self, certificate: x509.Certificate, url: str, why: str) -> None:
        """Keep what was shown, so that somebody can look at it; the oldest beyond a bound go."""
        place = self.folder / "rejected" / "certs"
        _write(place / _name(certificate), certificates.der(certificate))
        self.note(certificate, url, why)
        files = sorted(place.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for path in files[:-REJECTED_MAX]:
            path.unlink(missing_ok=True)

    def note(self, certificate: x509.Certificate, url: str, why: str = "") -> None:
        """Remember that a certificate was shown at a URL."""
        path = self._seen / f"{certificates.fingerprint(certificate)}.json"
        known = _json(path)
        if known.get(url) == why or (url not in known and len(known) >= SEEN_MAX):
            return
        _write(path, orjson.dumps({**known, url: why}))
        for old in sorted(self._seen.iterdir(), key=lambda one: one.stat().st_mtime_ns)[
            : -2 * REJECTED_MAX
        ]:
            old.unlink(missing_ok=True)

    def accept(self, wanted: str) -> Entry:
        """Trust a rejected certificate from now on. TrustError, OSError."""
        entry = _one(wanted, self.rejected(), "rejected")
        target = self.folder / "trusted" / "certs" / entry.path.name
        _write(target, certificates.der(entry.certificate))
        entry.path.unlink(missing_ok=True)
        return Entry(target, entry.certificate, entry.seen)

    def add(self, certificate: x509.Certificate) -> Entry:
        """Trust a certificate that came on another way than that of the network."""
        target = self.folder / "trusted" / "certs" / _name(certificate)
        _write(target, certificates.der(certificate))
        (self.folder / "rejected" / "certs" / target.name).unlink(missing_ok=True)
        return Entry(target, certificate)

    def remove(self, wanted: str) -> Entry:
        """Trust a certificate no longer, or forget a rejected one. TrustError, OSError."""
        entry = self.find(wanted)
        entry.path.unlink(missing_ok=True)
        return entry

    def find(self, wanted: str) -> Entry:
        """The certificate with this fingerprint, or the beginning of one. TrustError."""
        return _one(wanted, [*self.trusted(), *self.rejected()], "known")

    def _entries(self, name: str) -> list[Entry]:
        return [
            Entry(path, one, _json(self._seen / f"{certificates.fingerprint(one)}.json"))
            for path, one in _files(self.folder / name / "certs", certificates.load)
        ]


def _one(wanted: str, entries: list[Entry], what: str) -> Entry:
    digits = re.sub(r"[\s:]", "", wanted).upper()
    if not re.fullmatch(rf"[0-9A-F]{{{PREFIX_MIN},64}}", digits):
        raise TrustError(
            f'"{wanted}" is no fingerprint: write its first {PREFIX_MIN} hexadecimal digits, or all'
        )
    unique = {one.facts.sha256: one for one in entries}.values()
    found = [one for one in unique if one.facts.sha256.startswith(digits)]
    found = found or [one for one in unique if one.facts.sha1.startswith(digits)]
    if not found:
        raise TrustError(f"no certificate that is {what} has the fingerprint {wanted}")
    if len(found) > 1:
        raise TrustError(f"{len(found)} certificates begin with {wanted}: write more of it")
    return found[0]


def _files(folder: Path, load: Callable[[Path], Loaded]) -> Iterator[tuple[Path, Loaded]]:
    """Each file of a folder that can be read; whatever else lies there is left alone."""
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in (*ENDINGS, ".crl"):
                with contextlib.suppress(ValueError, OSError):
                    yield path, load(path)


def _name(certificate: x509.Certificate) -> str:
    """`Common name [SHA-1].der`, as other applications name such files."""
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    text = str(common[0].value) if common else "certificate"
    readable = re.sub(r"[^A-Za-z0-9._ -]+", "_", text).strip(". ")[:80] or "certificate"
    return f"{readable} [{certificates.facts(certificate).sha1}].der"


def _json(path: Path) -> dict[str, str]:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return {str(url): str(why) for url, why in found.items()} if isinstance(found, dict) else {}


def _write(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{os.getpid()}-{time.monotonic_ns()}.part")
    part.write_bytes(data)
    part.replace(path)
