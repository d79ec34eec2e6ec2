"""X.509 certificates of OPC UA applications (OPC 10000-6, 6.2), and what people compare of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

CHAIN_MAX = 8
# What the library raises over a certificate that is none, or an odd one.
UNREADABLE = (
    ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)  # fmt: skip
PEM = b"-----BEGIN"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is shown of a certificate. Fingerprints are hexadecimal, in capitals."""

    subject: str
    application_uri: str
    hosts: tuple[str, ...]
    valid_from: datetime
    valid_until: datetime
    sha256: str
    sha1: str


def der(certificate: x509.Certificate) -> bytes:
    """The bytes of a certificate."""
    return certificate.public_bytes(Encoding.DER)


def load(path: Path) -> x509.Certificate:
    """The certificate in a file, PEM or DER. OSError, ValueError."""
    data = path.read_bytes()
    if data.startswith(PEM):
        return x509.load_pem_x509_certificate(data)
    return x509.load_der_x509_certificate(data)


def load_crl(path: Path) -> x509.CertificateRevocationList:
    """The revocation list in a file, PEM or DER. OSError, ValueError."""
    data = path.read_bytes()
    return x509.load_pem_x509_crl(data) if data.startswith(PEM) else x509.load_der_x509_crl(data)


def chain(data: bytes) -> list[x509.Certificate]:
    """The certificates that a server shows, its own first (OPC 10000-6, 6.2.6). ValueError."""
    found: list[x509.Certificate] = []
    while data:
        length = _length(data)
        found.append(x509.load_der_x509_certificate(data[:length]))
        data = data[length:]
        if len(found) > CHAIN_MAX:
            raise ValueError(f"a chain of more than {CHAIN_MAX} certificates")
    if not found:
        raise ValueError("no certificate")
    return found


def _length(data: bytes) -> int:
    """The length of the DER sequence with which `data` begins."""
    if len(data) < 4 or data[0] != 0x30:
        raise ValueError("no certificate")
    if data[1] < 0x80:
        return 2 + data[1]
    size = data[1] & 0x7F
    return 2 + size + int.from_bytes(data[2 : 2 + size], "big")


def fingerprint(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate in hexadecimal capitals."""
    return hashlib.sha256(der(certificate)).hexdigest().upper()


def grouped(hexadecimal: str) -> str:
    """A fingerprint as devices show it: `3F:A2:...`."""
    return ":".join(hexadecimal[at : at + 2] for at in range(0, len(hexadecimal), 2))


def names(certificate: x509.Certificate) -> tuple[list[str], list[str]]:
    """The URIs and the hosts (names and addresses) that a certificate vouches for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return [], []
    uris = found.get_values_for_type(x509.UniformResourceIdentifier)
    hosts = found.get_values_for_type(x509.DNSName)
    return uris, hosts + [str(one) for one in found.get_values_for_type(x509.IPAddress)]


def facts(certificate: x509.Certificate) -> Facts:
    """What is shown of a certificate."""
    uris, hosts = names(certificate)
    data = der(certificate)
    return Facts(
        subject=certificate.subject.rfc4514_string(),
        application_uri=uris[0] if uris else "",
        hosts=tuple(hosts),
        valid_from=certificate.not_valid_before_utc,
        valid_until=certificate.not_valid_after_utc,
        sha256=hashlib.sha256(data).hexdigest().upper(),
        sha1=hashlib.sha1(data, usedforsecurity=False).hexdigest().upper(),
    )
