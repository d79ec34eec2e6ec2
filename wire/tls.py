"""TLS: the certificates of the site file as one context."""

from __future__ import annotations

import ssl
from pathlib import Path


class TlsError(ValueError):
    """A certificate or key file that cannot be used; the message names the file."""


class _Socket(ssl.SSLSocket):
    """Closes itself when the handshake fails: its owner never gets to hold it."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def client_context(
    ca_file: Path | None = None, cert_file: Path | None = None, key_file: Path | None = None
) -> ssl.SSLContext:
    """A context that verifies the server's name and chain, TLS 1.2 at least.

    `ca_file` None: the system's certificate authorities. `cert_file` and `key_file` are for brokers
    that ask for a client certificate. Raises TlsError.
    """
    for file in (ca_file, cert_file, key_file):
        if file is not None and not Path(file).is_file():
            raise TlsError(f"{file}: there is no such file")
    if key_file is not None and cert_file is None:
        raise TlsError(f"{key_file}: a key without its certificate (cert_file)")
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise TlsError(f"{ca_file}: not a certificate in PEM form ({error})") from error
    context.sslsocket_class = _Socket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert_file is not None:
        try:
            context.load_cert_chain(cert_file, key_file, password="")  # never ask at a terminal
        except ssl.SSLError as error:
            raise TlsError(f"{cert_file}: not a certificate with its key ({error})") from error
    return context


def server_context(cert_file: Path, key_file: Path) -> ssl.SSLContext:
    """A context with which a server proves who it is, TLS 1.2 at least. Raises TlsError."""
    for file in (cert_file, key_file):
        if not Path(file).is_file():
            raise TlsError(f"{file}: there is no such file")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert_file, key_file, password="")  # never ask at a terminal
    except ssl.SSLError as error:
        raise TlsError(f"{cert_file}: not a certificate with its key ({error})") from error
    return context
