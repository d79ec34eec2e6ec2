"""Making certificates: what an authority of one site signs, and for whom it may.

Nothing here reads or writes a file. Times begin a day early: a station PC whose clock is behind
comes in nevertheless.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

EARLY = timedelta(days=1)
AUTHORITY_DAYS = 20 * 365
RSA_BITS = 3072
NAME_MAX = 64  # X.520, ub-common-name
# Of an authority that was made without more: machines inside a plant.
PRIVATE = (
    "localhost", "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128",
    "fc00::/7", "fe80::/10",
)  # fmt: skip

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class CertError(Exception):
    """What cannot be done, and what would be right; a line for whoever asked."""


class Use(enum.StrEnum):
    """What a certificate is good for."""

    CLIENT = "client"  # to come in somewhere: agents, viewers
    SERVER = "server"  # to be found under a name: broker, media store, store
    BOTH = "both"  # the historian: it comes in at the broker and answers over HTTP
    OPCUA = "opcua"  # an OPC UA application, which is named by its URI

    @property
    def serves(self) -> bool:
        """True when others connect to it by a name or an address."""
        return self in (Use.SERVER, Use.BOTH)


EXTENDED = {
    Use.CLIENT: [ExtendedKeyUsageOID.CLIENT_AUTH],
    Use.SERVER: [ExtendedKeyUsageOID.SERVER_AUTH],
    Use.BOTH: [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH],
    Use.OPCUA: [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH],
}


@dataclass(frozen=True, slots=True)
class Whom:
    """For whom a certificate is: `hosts` are names and addresses, `uri` is an application's."""

    name: str
    use: Use
    hosts: tuple[str, ...] = ()
    uri: str = ""


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs: a key and the certificate that goes with it."""

    key: Key
    certificate: x509.Certificate


def new_key(use: Use | None = None) -> Key:
    """A key of its own: P-256, and RSA where OPC UA's policies know nothing else."""
    if use is Use.OPCUA:
        return rsa.generate_private_key(65537, RSA_BITS)
    return ec.generate_private_key(ec.SECP256R1())


def authority(name: str, permitted: Iterable[str], days: int, now: datetime) -> Authority:
    """A new authority, good only for certificates with these names and networks in them."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(f"{name} plant authority"[:NAME_MAX])
    trees = [_tree(one) for one in dict.fromkeys([*permitted, *PRIVATE])]
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.NameConstraints(trees, None), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
    )  # fmt: skip
    return Authority(key, built.sign(key, hashes.SHA256()))


def certificate(
    by: Authority, whom: Whom, key: PublicKey, days: int, now: datetime
) -> x509.Certificate:
    """A certificate for a public key; CertError when this authority may not vouch for that."""
    names = _alternatives(whom)
    for host in whom.hosts:
        _check_permitted(by.certificate, host)
    end = by.certificate.not_valid_after_utc
    if end <= now:
        raise CertError("the authority's own certificate has ended: make a new one")
    if whom.use is Use.OPCUA and not isinstance(key, rsa.RSAPublicKey):
        raise CertError(f"{whom.name}: OPC UA needs an RSA key (refit certs request --opcua)")
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(whom.name))
        .issuer_name(by.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(min(now + timedelta(days=days), end))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(*_usages(whom.use)), critical=True)
        .add_extension(x509.ExtendedKeyUsage(EXTENDED[whom.use]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(_public(by.certificate)),
            critical=False,
        )
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(by.key, hashes.SHA256())


def whom_of(certificate: x509.Certificate) -> Whom:
    """For whom a certificate was made: what a renewal says again."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    hosts = [*names.get_values_for_type(x509.DNSName)]
    hosts += [str(one) for one in names.get_values_for_type(x509.IPAddress)]
    asked = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    use = next(one for one in Use if set(EXTENDED[one]) == set(asked))
    return Whom(common_name(certificate), Use.OPCUA if uris else use, tuple(hosts), *uris[:1])


def common_name(one: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """The name of whoever it is for; it is his account at the broker."""
    found = one.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else ""


def request(name: str, key: Key) -> x509.CertificateSigningRequest:
    """A request for a certificate; the authority decides what stands in it beside the name."""
    return x509.CertificateSigningRequestBuilder().subject_name(_name(name)).sign(
        key, hashes.SHA256()
    )  # fmt: skip


def revocations(
    by: Authority, revoked: Iterable[x509.RevokedCertificate], number: int, now: datetime
) -> x509.CertificateRevocationList:
    """The list of what is not good any more.

    It is good for as long as the authority: a broker lets nobody in with a list that has ended.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(by.certificate.subject)
        .last_update(now - EARLY)
        .next_update(by.certificate.not_valid_after_utc)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(_public(by.certificate)),
            critical=False,
        )
    )
    for one in revoked:
        builder = builder.add_revoked_certificate(one)
    return builder.sign(by.key, hashes.SHA256())


def revoked(serial: int, now: datetime) -> x509.RevokedCertificate:
    """An entry of that list."""
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now)
    return builder.build()


def fingerprint(key: PublicKey) -> str:
    """SHA-256 of a public key, to be read out from one machine to another."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(
        key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    whole = digest.finalize().hex()
    return " ".join(whole[start : start + 8] for start in range(0, len(whole), 8))


def permitted_of(host: str) -> str:
    """What an authority is to permit so that it may vouch for a host: its domain or itself."""
    labels = host.split(".")
    return host if _network(host) is not None or len(labels) < 3 else ".".join(labels[1:])


def now() -> datetime:
    """The time now, in whole seconds as certificates have it."""
    return datetime.now(UTC).replace(microsecond=0)


def _name(name: str) -> x509.Name:
    try:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    except ValueError as error:
        told = f"1 to {NAME_MAX} bytes, and this one has {len(name.encode())}"
        raise CertError(f'"{name}" cannot be the name in a certificate: {told}') from error


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _tree(text: str) -> x509.GeneralName:
    network = _network(text)
    try:
        return x509.IPAddress(network) if network is not None else x509.DNSName(text.lower())
    except ValueError as error:
        raise CertError(f'"{text}" is no domain and no network such as 10.0.0.0/8') from error


def _alternatives(whom: Whom) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in whom.hosts:
        network = _network(host)
        try:
            names.append(
                x509.DNSName(host.lower())
                if network is None
                else x509.IPAddress(ipaddress.ip_address(host))
            )
        except ValueError as error:
            raise CertError(f'{whom.name}: "{host}" is no host name and no address') from error
    if whom.uri:
        names.append(x509.UniformResourceIdentifier(whom.uri))
    if whom.use.serves and not whom.hosts:
        raise CertError(f"{whom.name}: under which name or address do others find it? (--host)")
    if whom.use is Use.OPCUA and not whom.uri:
        raise CertError(f"{whom.name}: which URI does the application call itself? (--uri)")
    return names


def _check_permitted(authority: x509.Certificate, host: str) -> None:
    """Whether whoever verifies would take this host from this authority (RFC 5280, 4.2.1.10)."""
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    trees = constraints.permitted_subtrees or []
    network = _network(host)
    for tree in trees:
        if isinstance(tree, x509.DNSName) and network is None:
            if f".{host.lower()}".endswith(f".{tree.value.lstrip('.')}"):
                return
        elif isinstance(tree, x509.IPAddress) and network is not None:
            inside = tree.value
            if inside.version == network.version and network.subnet_of(inside):  # type: ignore[union-attr,arg-type]
                return
    raise CertError(
        f"this authority may not vouch for {host}: nobody would believe it; make one with"
        f" `refit certs init --permit {permitted_of(host)}`"
    )


def _usages(use: Use) -> Sequence[str]:
    if use is Use.OPCUA:  # OPC 10000-6, 6.2.2
        return (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        )  # fmt: skip
    return ("digital_signature",)


def _usage(*these: str) -> x509.KeyUsage:
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{one: one in these for one in every})


def _public(certificate: x509.Certificate) -> PublicKey:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise CertError("the authority has a key of a kind that is not known here")
    return key
