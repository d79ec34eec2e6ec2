"""Who signs pictures in tests: a certificate of our own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def credentials(folder: Path) -> tuple[Path, Path]:
    """A certificate of our own and its key, as files."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("ca", "pc")]
    now = datetime.now(UTC)
    others = ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only")
    usage = dict.fromkeys((*others, "decipher_only", "content_commitment"), False)
    chain = []
    for is_ca in (False, True):
        subject, key = names[1 - is_ca], keys[1 - is_ca]
        made = (
            x509.CertificateBuilder()
            .subject_name(subject).issuer_name(names[0]).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(is_ca, None), True)
            .add_extension(
                x509.KeyUsage(digital_signature=not is_ca, key_cert_sign=is_ca, crl_sign=is_ca,
                              **usage), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), False)
        )  # fmt: skip
        if not is_ca:
            eku = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            made = made.add_extension(eku, False)
        chain.append(made.sign(keys[0], hashes.SHA256()))
    pem = serialization.Encoding.PEM
    files = folder / "chain.pem", folder / "key.pem"
    files[0].write_bytes(b"".join(one.public_bytes(pem) for one in chain))
    files[1].write_bytes(
        keys[1].private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    return files
