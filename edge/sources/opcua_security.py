"""The secure channel of an OPC UA session: exactly what the site file asks for, or none at all.

What a server offers is asked on an open channel, where anybody can lie. So nothing of the answer is
taken on trust: policy and mode are ours, the certificate must be trusted, and all is said once more
on the secured channel, by whoever holds the key.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import Client, ua
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties
from cryptography import x509

from edge.sources.fault import MachineFault, machine
from edge.trust import certificates, own
from edge.trust.folder import TrustList
from edge.trust.verify import Distrusted, strong, verify
from wire.site.connections import OpcuaConfig, Pki

NONE = "None"
SHOWN_MAX = 6


class Untrusted(MachineFault):
    """The server is not who it should be; a person may have to decide."""

    def __init__(self, why: str, reason: str, trust: TrustList, stamp: tuple[int, ...]) -> None:
        super().__init__(why, reason)
        self._trust, self._stamp = trust, stamp

    @property
    def is_over(self) -> bool:
        """Whether somebody has changed the trust list since."""
        return self._trust.stamp() != self._stamp


class SecureClient(Client):
    """A client that sends no password which others on the way can read, where security is asked."""

    def server_policy(self, token_type: ua.UserTokenType) -> ua.UserTokenPolicy:
        """The server's policy for a user's token. UaError when it would give the password away."""
        policy = super().server_policy(token_type)
        is_signed_only = self.security_policy.Mode == ua.MessageSecurityMode.Sign
        is_open = policy.SecurityPolicyUri in (None, "", security_policies.SecurityPolicyNone.URI)
        if token_type == ua.UserTokenType.UserName and is_signed_only and is_open:
            raise ua.UaError(
                "the server wants the password unencrypted on a channel that is only signed:"
                " nothing was sent, ask for SignAndEncrypt"
            )
        return policy


async def secure(client: Client, config: OpcuaConfig) -> None:
    """Prepare a client for the channel and the user of the site file. MachineFault, Untrusted."""
    with machine():
        await _identify(client, config)
        if config.security != NONE:
            await _encrypt(client, config)


async def _identify(client: Client, config: OpcuaConfig) -> None:
    """Who logs in: nobody, a user with a password, or one with a certificate."""
    if config.user:
        client.set_user(config.user)
        client.set_password(config.password() or "")
    if config.user_cert_file and config.user_key_file:
        certificate, key = config.user_cert_file, config.user_key_file
        await client.load_client_certificate(str(certificate), _form(certificate))
        await client.load_private_key(key, None, _form(key))


async def _encrypt(client: Client, config: OpcuaConfig) -> None:
    mine = await asyncio.to_thread(_own, config)
    _fits(mine.certificate)
    # A server compares the URI in the certificate with that of the application.
    client.application_uri = application_uri(mine.certificate) or client.application_uri
    endpoint = _asked(config, await client.connect_and_get_server_endpoints())
    check = _Check(config)
    shown = endpoint.ServerCertificate or b""
    await check.all(shown, str(endpoint.Server.ApplicationUri or ""))
    policy, _, mode = config.security.partition(",")
    await client.set_security(
        getattr(security_policies, f"SecurityPolicy{policy}"),
        CertProperties(mine.certificate, _form(mine.certificate)),
        CertProperties(mine.key, _form(mine.key)),
        server_certificate=CertProperties(certificates.der(certificates.chain(shown)[0]), "der"),
        mode=ua.MessageSecurityMode[mode],
    )
    client.certificate_validator = check.again


def _fits(path: Path) -> None:
    """MachineFault, unless our own certificate is one that the policies allow."""
    try:
        strong(certificates.load(path), "our own ")
    except Distrusted as error:
        raise MachineFault(f"{error} ({path}): `refit certs issue --opcua` makes one") from error


def _own(config: OpcuaConfig) -> own.Own:
    if config.cert_file is not None and config.key_file is not None:
        return own.Own(config.cert_file, config.key_file)
    try:
        return own.ensure(_pki(config).folder)
    except OSError as error:
        raise MachineFault(f"our own certificate cannot be made: {error}") from error


def _pki(config: OpcuaConfig) -> Pki:
    if config.pki is None:
        raise MachineFault(f"security {config.security} needs a folder of trusted certificates")
    return config.pki


def _asked(
    config: OpcuaConfig, offered: Iterable[ua.EndpointDescription]
) -> ua.EndpointDescription:
    """The endpoint that the site file asks for; nothing weaker is ever taken in its place."""
    policy, _, mode = config.security.partition(",")
    wanted = getattr(security_policies, f"SecurityPolicy{policy}").URI
    known = []
    for one in offered:
        if one.SecurityPolicyUri == wanted and one.SecurityMode == ua.MessageSecurityMode[mode]:
            return one
        name = str(one.SecurityPolicyUri or "").rpartition("#")[2]
        known.append(NONE if name == NONE else f"{name},{one.SecurityMode.name}")
    told = ", ".join(list(dict.fromkeys(known))[:SHOWN_MAX]) or "nothing"
    raise MachineFault(
        f"the server does not offer {config.security}, only {told}: nothing weaker than the site"
        " file says is used; switch that policy on at the server"
    )


class _Check:
    """Looks at what a server shows, twice: as offered, and as said on the secured channel."""

    def __init__(self, config: OpcuaConfig) -> None:
        self._config = config
        self._trust = TrustList(_pki(config).folder)

    async def all(self, shown: bytes, application: str) -> None:
        """Untrusted, unless the certificate is one to talk to."""
        await asyncio.to_thread(self._all, shown, application)

    async def again(self, certificate: x509.Certificate, about: ua.ApplicationDescription) -> None:
        """What the session's own answer says of the application."""
        await self.all(certificates.der(certificate), str(about.ApplicationUri or ""))

    def _all(self, shown: bytes, application: str) -> None:
        stamp, config = self._trust.stamp(), self._config
        try:
            chain = certificates.chain(shown)
            verify(
                chain, self._trust, datetime.now(UTC), url=config.url, host=config.cert_host,
                application_uri=application,
            )  # fmt: skip
        except Distrusted as error:
            told = self._told(chain[0], error)
            raise Untrusted(told, "not trusted", self._trust, stamp) from error
        except certificates.UNREADABLE as error:
            told = f"the server shows no certificate that can be read: {error}"
            raise MachineFault(told) from error
        with contextlib.suppress(OSError):  # only where it was shown is not remembered
            self._trust.note(chain[0], config.url)

    def _told(self, certificate: x509.Certificate, error: Distrusted) -> str:
        config, shown = self._config, certificates.fingerprint(certificate)
        told = f"{error}; SHA-256 of the certificate shown: {certificates.grouped(shown)}"
        try:
            self._trust.reject(certificate, config.url, str(error))
        except OSError as failed:
            return f"{told}; it cannot be kept in {self._trust.folder}: {failed}"
        if not error.may_accept:
            return told
        return (
            f"{told}: when the server itself shows the same, run"
            f" refit trust accept {shown[:16]} {_pki(config).words}"
        )


def application_uri(certificate: Path) -> str | None:
    """The application URI that a certificate names; None when it names none."""
    uris, _ = certificates.names(certificates.load(certificate))
    return uris[0] if uris else None


def _form(file: Any) -> str:
    """PEM or DER, by what is in a file and not by its name."""
    with Path(file).open("rb") as opened:
        return "pem" if opened.read(len(certificates.PEM)) == certificates.PEM else "der"
