"""Own certificates and keys as a process finds them: how long they are good, who may read them."""

from __future__ import annotations

import stat
from datetime import datetime
from pathlib import Path

from cryptography import x509

OTHERS = stat.S_IRWXO


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
