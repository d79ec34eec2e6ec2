"""Signed provenance (C2PA): who has made a picture, by what, and that nobody has changed it since.

A picture of the simulated camera is never said to be a photograph. No thumbnail goes into the
signature: it would be a second place where a plate could be read, three quarters of the bytes and
nine tenths of the time. Needs the extra `c2pa`.
"""

from __future__ import annotations

import io
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wire.site.problems import Wrong

if TYPE_CHECKING:
    import c2pa

    from edge.studio.encoding import About

SETTINGS = {"builder": {"thumbnail": {"enabled": False}}}
HIDDEN = "What identifies the vehicle's owner was covered."


class SigningFailed(Exception):
    """A picture could not be signed; the message says why. It is as it was."""


class Signer:
    """Signs JPEG files with a P-256 key. `chain` is PEM, the leaf first."""

    def __init__(self, chain: str, key: ec.EllipticCurvePrivateKey) -> None:
        self._chain, self._key = chain, key

    def sign(self, file: Path, about: About, masked: bool) -> None:
        """Replace the file by one with a signed manifest. SigningFailed; OSError."""
        import c2pa

        signed = io.BytesIO()  # on a full disk the library would only say that it cannot write
        try:
            signer = c2pa.Signer.from_callback(
                self._signature, c2pa.C2paSigningAlg.ES256, self._chain, None
            )
            with (
                signer,
                c2pa.Builder(json.dumps(claim(file.name, about, masked)), self._context) as builder,
                file.open("rb") as source,
            ):
                builder.sign(signer, "image/jpeg", source, signed)
        except c2pa.C2paError as error:
            raise SigningFailed(f"{file.name} cannot be signed: {error}") from error
        fresh = file.with_name(f".{file.name}.signed")
        try:
            fresh.write_bytes(signed.getbuffer())
            fresh.replace(file)
        finally:
            fresh.unlink(missing_ok=True)

    @cached_property
    def _context(self) -> c2pa.Context:
        import c2pa

        return c2pa.Context(c2pa.Settings.from_dict(SETTINGS))

    def _signature(self, data: bytes) -> bytes:
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def claim(title: str, about: About, masked: bool) -> dict[str, object]:
    """What is signed of a picture, besides its bytes."""
    name, _, version = about.software.partition(" ")
    actions = [{"action": "c2pa.created", "digitalSourceType": about.source_type}]
    if masked:
        actions.append({"action": "c2pa.edited", "description": HIDDEN})
    return {
        "claim_generator_info": [{"name": name, "version": version or "0"}],
        "title": title,
        "format": "image/jpeg",
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }


def read_signer(chain_file: Path, key_file: Path) -> Signer:
    """The signer of a site file. Wrong, with what would be right."""
    from importlib.util import find_spec

    if find_spec("c2pa") is None:
        raise Wrong("signing needs the extra c2pa", 'pip install "refit[c2pa]"')
    try:
        chain = chain_file.read_text(encoding="ascii")
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        what = f"{chain_file} and {key_file} cannot be read as certificates and key: {error}"
        raise Wrong(what, "write PEM files, the leaf first, the key without a password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise Wrong(f"{key_file} is no P-256 key", "openssl ecparam -genkey -name prime256v1")
    if leaf.public_key() != key.public_key():
        hint = "the first certificate of the file is the one of the key"
        raise Wrong(f"{chain_file} is not the certificate of {key_file}", hint)
    return Signer(chain, key)
