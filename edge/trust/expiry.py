"""For how long that is good on which secured OPC UA connections rest: certificates of our own, and
the lists of revoked ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edge.trust import certificates, own
from edge.trust.folder import TrustList
from wire.certificates import DAY_S, SOON_DAYS
from wire.site import StationConfig

NONE = "None"
LIST = "the revocation list"


@dataclass(frozen=True, slots=True)
class Term:
    """One file and for how many seconds it is good still; negative: its time is over."""

    what: str
    path: Path
    left_s: float
    advice: str

    @property
    def trouble(self) -> str:
        """What a person has to know now; "" while there is time."""
        if self.left_s >= SOON_DAYS * DAY_S:
            return ""
        until = "has ended" if self.left_s < 0 else f"ends in {self.left_s / DAY_S:.0f} days"
        return f"{self.what} {self.path.name} {until}: {self.advice}"


def terms(stations: Iterable[StationConfig], now_ms: int) -> list[Term]:
    """Of each file that these stations use, once. One that cannot be read says so elsewhere."""
    found: dict[Path, Term] = {}
    for station in stations:
        for term in _of(station, now_ms):
            found.setdefault(term.path, term)
    return list(found.values())


def least(found: Iterable[Term]) -> float | None:
    """The seconds that are left of the one that ends first; None where there is none."""
    return min((one.left_s for one in found), default=None)


def _of(station: StationConfig, now_ms: int) -> Iterator[Term]:
    config = station.opcua
    if config is None:
        return
    renew = "give a new one, and let the servers trust it"
    if config.user_cert_file is not None:
        yield from _certificate("the OPC UA user certificate", config.user_cert_file, renew, now_ms)
    if config.security == NONE or config.pki is None:
        return
    folder, path = config.pki.folder, config.cert_file
    if path is None:
        path = own.files(folder).certificate
        renew = "remove it and its key, restart the agent, and let the servers trust the new one"
    yield from _certificate("the own OPC UA certificate", path, renew, now_ms)
    for place, crl in TrustList(folder).revocation_files():
        if crl.next_update_utc is not None:
            left_s = _left_s(crl.next_update_utc, now_ms)
            yield Term(LIST, place, left_s, "get the next one from the authority")


def _certificate(what: str, path: Path, advice: str, now_ms: int) -> Iterator[Term]:
    try:
        end = certificates.load(path).not_valid_after_utc
    except (OSError, *certificates.UNREADABLE):
        return
    yield Term(what, path, _left_s(end, now_ms), advice)


def _left_s(end: datetime, now_ms: int) -> float:
    return end.timestamp() - now_ms / 1000
