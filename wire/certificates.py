"""Own certificates and keys as a process finds them: how long they are good, who may read them."""

from __future__ import annotations

import stat
from datetime import datetime
from pathlib import Path

from cryptography import x509

OTHERS = stat.S_IRWXO
DAY_S = 86_400
SOON_DAYS = 7


def seconds_left(cert_file: Path | None, now_ms: int) -> float | None:
    """For how many seconds the first certificate of a file is still good; negative: ended.

    None without a file, and for one that cannot be read: whoever connects with it says why.
    """
    if cert_file is None:
        return None
    try:
        end = _end(cert_file)
    except (OSError, ValueError):
        return None
    return end.timestamp() - now_ms / 1000


def ending(cert_file: Path | None, now_ms: int) -> str:
    """What a person has to know of a certificate that has ended or soon will; "" of a good one."""
    left_s = seconds_left(cert_file, now_ms)
    if left_s is None or left_s >= SOON_DAYS * DAY_S:
        return ""
    if left_s < 0:
        return "the certificate for the broker has ended: renew it (refit certs)"
    return f"the certificate for the broker ends in {left_s / DAY_S:.0f} days: refit certs renew"


def _end(cert_file: Path) -> datetime:
    data = cert_file.read_bytes()
    if b"-----BEGIN" in data:
        return x509.load_pem_x509_certificate(data).not_valid_after_utc
    return x509.load_der_x509_certificate(data).not_valid_after_utc


def for_others(path: Path) -> bool:
    """Whether a file is for every user of its machine; False when it is not there."""
    try:
        return bool(path.stat().st_mode & OTHERS)
    except OSError:
        return False
