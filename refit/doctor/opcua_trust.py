"""What secured OPC UA connections rest on: how long it is good, and whether it is strong enough."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from edge.trust import certificates, expiry, own
from edge.trust.folder import TrustList
from edge.trust.verify import Distrusted, is_authority, strong
from refit.doctor import verdicts
from refit.doctor.verdicts import Finding
from wire.certificates import DAY_S
from wire.site import StationConfig


def examine(stations: Iterable[StationConfig], known: Collection[Path]) -> Iterator[Finding]:
    """Own certificates and revocation lists beside the `known` ones, and keys of all that counts.

    Only of the agents whose folders are on this machine.
    """
    secured = [
        one for one in stations
        if one.opcua is not None and (one.opcua.security != expiry.NONE or one.opcua.user_cert_file)
    ]  # fmt: skip
    for term in expiry.terms(secured, time.time_ns() // 1_000_000):
        if term.path not in known:
            yield verdicts.term(term.what, str(term.path), term.left_s / DAY_S, term.advice)
    for whose, path in sorted(set(_counted(secured)), key=str):
        try:
            certificate = certificates.load(path)
            strong(certificate, whose, is_anchor=is_authority(certificate))
        except Distrusted as error:
            yield verdicts.weak(str(path), str(error))
        except (OSError, *certificates.UNREADABLE):
            continue  # said by whoever reads it for its dates, or no certificate of anybody's


def _counted(stations: Iterable[StationConfig]) -> Iterator[tuple[str, Path]]:
    """Every certificate whose strength matters, and whose it is."""
    for station in stations:
        config = station.opcua
        if config is None or config.security == expiry.NONE or config.pki is None:
            continue
        yield "our own ", config.cert_file or own.files(config.pki.folder).certificate
        for entry in TrustList(config.pki.folder).trusted():
            yield "the trusted ", entry.path
