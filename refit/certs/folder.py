"""The folder of a site's certificates. Whatever kills a command, each file in it is whole.

    authority.key.pem  the key that signs; only where the authority is
    ca.pem             its certificate, which everybody has
    crl.pem            what is not good any more, for the broker
    issued/SERIAL.pem  all that was ever signed
    NAME/              cert.pem and key.pem of one: a link, so that both change at one moment

A station PC has the same without authority.key.pem and issued.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from refit.certs.making import Authority, CertError, Key
from wire.certificates import for_others

PEM = serialization.Encoding.PEM
AUTHORITY, CA, CRL, ISSUED = "authority.key.pem", "ca.pem", "crl.pem", "issued"
CERT, KEY, REQUEST, DER = "cert.pem", "key.pem", "request.pem", "cert.der"
NEXT = ".{name}.next"
SECRET, PUBLIC = 0o600, 0o644


class Folder:
    """One such folder. What it cannot read or must not do is a CertError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else changes it meanwhile; made when it is not there."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def begin(self, authority: Authority, crl: x509.CertificateRevocationList) -> None:
        """Make the folder with a new authority in it, whole or not at all."""
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise CertError(f"{self.path} is there already and is not touched: give a new folder")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{self.path.name}.", dir=self.path.parent))
        try:
            (made / ISSUED).mkdir()
            _write(made / AUTHORITY, pem_of(authority.key), SECRET)
            _write(made / CA, authority.certificate.public_bytes(PEM), PUBLIC)
            _write(made / CRL, crl.public_bytes(PEM), PUBLIC)
            _sync(made)
            made.replace(self.path)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        _sync(self.path.parent)

    def authority(self) -> Authority:
        """Who signs here."""
        path = self.path / AUTHORITY
        if not path.is_file():
            raise CertError(
                f"{self.path} has no authority: `refit certs init` makes one, on one machine of the"
                " site; elsewhere use `refit certs request`"
            )
        if for_others(path):
            raise CertError(f"{path} can be read by others: chmod 600 it, and ask who has read it")
        return Authority(_key(path), self.ca())

    def ca(self) -> x509.Certificate:
        """The authority's certificate."""
        return _certificate(self.path / CA)

    def crl(self) -> x509.CertificateRevocationList:
        """What is not good any more."""
        try:
            return x509.load_pem_x509_crl((self.path / CRL).read_bytes())
        except (OSError, ValueError) as error:
            raise CertError(f"{self.path / CRL}: {error}") from error

    def issued(self) -> list[x509.Certificate]:
        """All that was ever signed here."""
        return [_certificate(path) for path in sorted((self.path / ISSUED).glob("*.pem"))]

    def certificate(self, name: str) -> x509.Certificate | None:
        """The certificate that a name has now."""
        path = self._of(name) / CERT
        return _certificate(path) if path.is_file() else None

    def key(self, name: str, *, following: bool = False) -> Key | None:
        """The key of a name, or the one that is to follow it; None when it is not here."""
        path = (self._next(name) if following else self._of(name)) / KEY
        return _key(path) if path.is_file() else None

    def keep(self, certificate: x509.Certificate, name: str, key: Key | None) -> Path:
        """Keep a certificate just signed, and with `key` its key; returns where.

        Without a key it lies beside the one that is there, or alone.
        """
        _write(
            self.path / ISSUED / f"{certificate.serial_number:040x}.pem",
            certificate.public_bytes(PEM), PUBLIC,
        )  # fmt: skip
        self.put(certificate, name, key)
        return self.path / name

    def put(self, certificate: x509.Certificate, name: str, key: Key | None) -> None:
        """Make this the certificate of a name; certificate and key change at one moment."""
        files = {
            CERT: (certificate.public_bytes(PEM), PUBLIC),
            DER: (certificate.public_bytes(serialization.Encoding.DER), PUBLIC),
        }
        held = key or self.key(name)
        if held is not None and _bits(held.public_key()) == _bits(certificate.public_key()):
            files[KEY] = (pem_of(held), SECRET)
        self._switch(name, files, f"{certificate.serial_number:040x}")

    def ask(self, name: str, request: bytes, key: Key, *, following: bool) -> Path:
        """Keep a request and, where it is not there yet, its key; returns the request's file."""
        if following:
            files = {KEY: (pem_of(key), SECRET), REQUEST: (request, PUBLIC)}
            target = self._next(name)
            shutil.rmtree(target, ignore_errors=True)
            made = self._made(files)
            made.replace(target)
            _sync(self.path)
            return target / REQUEST
        if self.key(name) is None:
            self._switch(name, {KEY: (pem_of(key), SECRET), REQUEST: (request, PUBLIC)}, "asked")
        else:
            _write(self._of(name) / REQUEST, request, PUBLIC)
        return self._of(name) / REQUEST

    def forget_next(self, name: str) -> None:
        """A key that was to follow is in use now."""
        shutil.rmtree(self._next(name), ignore_errors=True)

    def replace(self, name: str, data: bytes) -> None:
        """One of the public files anew."""
        _write(self.path / name, data, PUBLIC)

    def _of(self, name: str) -> Path:
        place = self.path / name
        taken = place.exists() and not place.is_symlink()
        if not name or name.startswith(".") or "/" in name or "\0" in name or taken:
            raise CertError(
                f'"{name}" cannot be a name in {self.path}: it is used or begins with .'
            )
        return place

    def _next(self, name: str) -> Path:
        return self._of(name).with_name(NEXT.format(name=name))

    def _made(self, files: Mapping[str, tuple[bytes, int]]) -> Path:
        made = Path(tempfile.mkdtemp(prefix=".new.", dir=self.path))
        for file, (data, mode) in files.items():
            _write(made / file, data, mode)
        _sync(made)
        return made

    def _switch(self, name: str, files: Mapping[str, tuple[bytes, int]], mark: str) -> None:
        """Make a name's folder anew and let its link lead there: all of it changes at once."""
        link = self._of(name)
        before = link.resolve() if link.is_symlink() else None
        target = self.path / f".{name}.{mark}"
        if target != before:
            shutil.rmtree(target, ignore_errors=True)  # of a command that was killed
        else:
            target = self.path / f".{name}.{mark}.again"
        made = self._made(files)
        made.replace(target)
        new = self.path / f".{name}.link"
        new.unlink(missing_ok=True)
        new.symlink_to(target.name)
        new.replace(link)
        _sync(self.path)
        if before is not None and before.parent == self.path.resolve():
            shutil.rmtree(before, ignore_errors=True)


def pem_of(key: Key) -> bytes:
    """A key as its file has it."""
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _key(path: Path) -> Key:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise CertError(f"{path}: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise CertError(f"{path}: a key of a kind that is not used here")
    return key


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CertError(f"{path}: {error}") from error


def _bits(key: object) -> bytes:
    assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    """A file as it was or as it shall be, whenever the power goes; a key is never for others."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)
        file.write(data)
        file.flush()
        os.fsync(handle)
    new.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
