"""Certificates for tests of encrypted channels."""

from __future__ import annotations

import socket
from pathlib import Path

from asyncua.crypto.cert_gen import setup_self_signed_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID


async def keys(folder: Path, name: str) -> tuple[Path, Path]:
    """The files of a new key and of its certificate, which names the application `urn:NAME`."""
    key, certificate = folder / f"{name}-key.pem", folder / f"{name}.der"
    usage = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    await setup_self_signed_certificate(
        key, certificate, f"urn:{name}", socket.gethostname(), usage, {}
    )
    return key, certificate
