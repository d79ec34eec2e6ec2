"""Certificates for tests of encrypted channels."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge.trust import certificates
from edge.trust.folder import TrustList
from wire.site.connections import Pki

BOTH = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH)
Signer = tuple[x509.Certificate, rsa.RSAPrivateKey]


def made(
    name: str, *, uri: str | None = None, hosts: tuple[str, ...] | None = None, days: float = 30.0,
    since: float = -1.0, by: Signer | None = None, is_authority: bool = False, bits: int = 2048,
    use: tuple[x509.ObjectIdentifier, ...] = BOTH, digest: hashes.HashAlgorithm | None = None,
) -> Signer:  # fmt: skip
    """A certificate and its key: of the application `urn:NAME`, signed by itself or by `by`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = (subject, key) if by is None else (by[0].subject, by[1])
    now = dt.datetime.now(dt.UTC)
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri or f"urn:{name}")]
    names += [_host(one) for one in ((socket.gethostname(),) if hosts is None else hosts)]
    usage = dict.fromkeys(
        ("content_commitment", "key_agreement", "encipher_only", "decipher_only"), False
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=since))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, key_encipherment=True, data_encipherment=True,
                key_cert_sign=True, crl_sign=is_authority, **usage,
            ),
            critical=True,
        )
    )  # fmt: skip
    if not is_authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage(use), critical=False)
    return builder.sign(signer, digest or hashes.SHA256()), key


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def written(folder: Path, name: str, pair: Signer) -> tuple[Path, Path]:
    """The files of a key and of its certificate."""
    key, certificate = folder / f"{name}-key.pem", folder / f"{name}.der"
    key.write_bytes(pair[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_bytes(certificates.der(pair[0]))
    return key, certificate


async def keys(folder: Path, name: str) -> tuple[Path, Path]:
    """The files of a new key and of its certificate, which names the application `urn:NAME`."""
    return written(folder, name, made(name))


def trusting(folder: Path, *files: Path) -> Pki:
    """A folder of certificates in which these are trusted."""
    trust = TrustList(folder)
    for file in files:
        trust.add(certificates.load(file))
    return Pki(folder, "--site site.toml")
