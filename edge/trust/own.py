"""Who we are to OPC UA servers: an application certificate, made when it is first needed."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KEY_BITS = 2048  # what every policy takes and every device can do
YEARS = 10
BEFORE = dt.timedelta(days=1)  # a machine whose clock is a little behind must not refuse us


@dataclass(frozen=True, slots=True)
class Own:
    """The files of our certificate and of its key."""

    certificate: Path
    key: Path


def files(folder: Path) -> Own:
    """Where a folder keeps them."""
    return Own(folder / "own" / "certs" / "refit.der", folder / "own" / "private" / "refit.pem")


def application_uri(folder: Path) -> str:
    """What we are called: `urn:HOST:refit:NAME`, the name being that of the folder."""
    return f"urn:{_host()}:refit:{re.sub(r'[^A-Za-z0-9._-]+', '-', folder.stem)}"


def ensure(folder: Path) -> Own:
    """Our certificate and key, made when they are not there; the key is readable by us alone."""
    own = files(folder)
    if own.certificate.exists() and own.key.exists():
        return own
    own.certificate.parent.mkdir(parents=True, exist_ok=True)
    own.key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (own.key.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several connections begin at the same time
        if not (own.certificate.exists() and own.key.exists()):
            _make(folder, own)
    return own


def _make(folder: Path, own: Own) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    certificate = _certificate(key, application_uri(folder), f"Refit {folder.stem}"[:64])
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(own.key, pem, 0o600)
    _write(own.certificate, certificate.public_bytes(Encoding.DER), 0o644)


def _certificate(key: rsa.RSAPrivateKey, uri: str, name: str) -> x509.Certificate:
    """A certificate that vouches for itself, as OPC 10000-6, 6.2.2 wants it."""
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.UniformResourceIdentifier(uri), x509.DNSName(_host())]
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=True,
        data_encipherment=True, key_agreement=False, key_cert_sign=True, crl_sign=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEFORE)
        .not_valid_after(now + dt.timedelta(days=365 * YEARS))
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(file, "wb") as to:
        os.fchmod(file, mode)  # whatever the umask says
        to.write(data)
        to.flush()
        os.fsync(file)
    part.replace(path)


def _host() -> str:
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", socket.gethostname()).strip("-.")
    return name or "localhost"
