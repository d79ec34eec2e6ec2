"""Is a server who it says it is: the checks of OPC 10000-4, 6.1.3, none of which is left out."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.trust import certificates
from edge.trust.folder import TrustList

DEPTH_MAX = certificates.CHAIN_MAX
KEY_BITS = (2048, 4096)
HASHES = ("sha256", "sha384", "sha512")  # of a signature; the policies name the first
ANY_HOST = "*"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Distrusted(Exception):
    """A certificate that is not believed; `may_accept`: a person may decide to trust it."""

    def __init__(self, why: str, *, may_accept: bool = False) -> None:
        self.may_accept = may_accept
        super().__init__(why)


def verify(
    chain: Sequence[x509.Certificate], trust: TrustList, now: datetime, *, url: str,
    host: str | None, application_uri: str,
) -> None:  # fmt: skip
    """Distrusted, unless the first certificate of a chain is one to talk to.

    `host` stands for that of the url where the certificate names another (ANY_HOST: all);
    `application_uri` is what the server says of itself.
    """
    own = chain[0]
    strong(own)
    _trusted(chain, trust, now)
    _in_time(own, now)
    _usable(own)
    uris, hosts = certificates.names(own)
    if application_uri not in uris:
        said = uris[0] if uris else "none"
        raise Distrusted(f"the server calls itself {application_uri}, its certificate is of {said}")
    wanted = host or urlsplit(url).hostname or ""
    if wanted != ANY_HOST and not _names_host(hosts, wanted):
        named = ", ".join(hosts) or "no host"
        raise Distrusted(
            f"its certificate is for {named}, not for {wanted}: write the url so, or"
            ' cert_host = "NAME" below [station.opcua] when the device cannot be given another'
        )


def strong(certificate: x509.Certificate, whose: str = "its ", *, is_anchor: bool = False) -> None:
    """Distrusted, unless key and signature are what each policy wants (OPC 10000-7, 6.6).

    Basic256Sha256, Aes128_Sha256_RsaOaep and Aes256_Sha256_RsaPss: RSA of 2048 to 4096 bits,
    SHA-256. `whose` it is stands in the message. An authority that signs itself (`is_anchor`) is in
    the list by its bytes: that signature says nothing, and only its key counts.
    """
    key, digest = certificate.public_key(), certificate.signature_hash_algorithm
    if not isinstance(key, rsa.RSAPublicKey):
        raise Distrusted(f"{whose}certificate has no RSA key")
    if not KEY_BITS[0] <= key.key_size <= KEY_BITS[1]:
        least, most = KEY_BITS
        raise Distrusted(f"{whose}key has {key.key_size} bits, not {least} to {most}")
    if is_anchor and certificate.issuer == certificate.subject:
        return
    if digest is None or digest.name not in HASHES:
        name = "an unknown hash" if digest is None else digest.name.upper()
        raise Distrusted(f"{whose}certificate is signed with {name}: a new one is needed")


def _trusted(chain: Sequence[x509.Certificate], trust: TrustList, now: datetime) -> None:
    entries = [one.certificate for one in trust.trusted()]
    believed = {certificates.fingerprint(one) for one in entries}
    around = [*chain[1:], *entries, *trust.issuers()]
    revoked = trust.revocations()
    current, is_trusted = chain[0], certificates.fingerprint(chain[0]) in believed
    for _ in range(DEPTH_MAX):
        issuer = _issuer(current, around, now)
        if issuer is None:
            break
        if not is_trusted:  # whoever is in the list by name needs nobody to vouch for him
            strong(issuer, "its authority's ", is_anchor=True)
        if any(_is_revoked(current, issuer, crl) for crl in revoked):
            raise Distrusted("its certificate is revoked")
        is_trusted |= certificates.fingerprint(issuer) in believed
        current = issuer
    if not is_trusted:
        raise Distrusted(_stranger(chain[0], entries), may_accept=True)


def _stranger(certificate: x509.Certificate, trusted: list[x509.Certificate]) -> str:
    uris, _ = certificates.names(certificate)
    for one in trusted:
        if set(uris) & set(certificates.names(one)[0]):
            was = certificates.grouped(certificates.fingerprint(one))
            return f"the server's certificate has changed (trusted is {was})"
    return "the server's certificate is not trusted"


def _issuer(
    certificate: x509.Certificate, around: list[x509.Certificate], now: datetime
) -> x509.Certificate | None:
    """Who has signed a certificate, when that is an authority whose time is not over."""
    if certificate.issuer == certificate.subject:
        return None
    for one in around:
        is_in_time = one.not_valid_before_utc <= now <= one.not_valid_after_utc
        if one.subject == certificate.issuer and is_in_time and is_authority(one):
            try:
                certificate.verify_directly_issued_by(one)
            except (ValueError, TypeError, InvalidSignature):
                continue
            return one
    return None


def is_authority(certificate: x509.Certificate) -> bool:
    """Many applications may, by their certificates, sign others: an application is none here."""
    extensions = certificate.extensions
    try:
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    is_application = any(isinstance(one.value, x509.ExtendedKeyUsage) for one in extensions)
    return constraints.ca and usage.key_cert_sign and not is_application


def _is_revoked(
    certificate: x509.Certificate, issuer: x509.Certificate, crl: x509.CertificateRevocationList
) -> bool:
    """Whether a list that its issuer has signed names a certificate."""
    try:
        is_signed = crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
    is_theirs = crl.issuer == issuer.subject and is_signed
    number = certificate.serial_number
    return is_theirs and crl.get_revoked_certificate_by_serial_number(number) is not None


def _in_time(certificate: x509.Certificate, now: datetime) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > ends:
        raise Distrusted(
            f"its certificate has expired on {ends:%Y-%m-%d}: give the server a new one"
        )
    if now < begins:
        raise Distrusted(
            f"its certificate begins on {begins:%Y-%m-%d %H:%M} UTC: look at both clocks"
        )


def _usable(certificate: x509.Certificate) -> None:
    for one in certificate.extensions:
        if isinstance(one.value, x509.KeyUsage):
            encrypts = one.value.key_encipherment or one.value.data_encipherment
            if not (one.value.digital_signature and encrypts):
                raise Distrusted("its certificate is not for signing and encrypting")
        server = ExtendedKeyUsageOID.SERVER_AUTH
        if isinstance(one.value, x509.ExtendedKeyUsage) and server not in one.value:
            raise Distrusted("its certificate is not one of a server")


def _names_host(hosts: Sequence[str], wanted: str) -> bool:
    known = {_plain(one) for one in hosts}
    if _plain(wanted) in known:
        return True
    # Nobody else is reached over the loopback, and certificates rarely name it.
    here = (*LOOPBACK, socket.gethostname())
    return wanted in LOOPBACK and any(_plain(one) in known for one in here)


def _plain(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower().rstrip(".")
