"""Who needs a certificate on a site, as its site file says."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from refit.certs.making import CertError, Use, Whom
from wire.access import Role, accounts
from wire.site import Site
from wire.site.problems import Wrong

BROKER, MEDIA, STORE = "broker", "media", "store"
HERE = ("localhost", "127.0.0.1")


def everybody(site: Site) -> dict[str, Whom]:
    """All who may have a certificate, by name; CertError when two would share one."""
    found: dict[str, Whom] = {}
    for whom in _all(site):
        if whom.name in found:
            raise CertError(
                f'two would have the certificate "{whom.name}": '
                f"{BROKER}, {MEDIA} and {STORE} are the services' own, rename the other"
            )
        found[whom.name] = whom
    return found


def running(site: Site) -> list[str]:
    """The names of those that run on a site: its agents and services.

    Accounts that may not be in use (viewers, the line controller) get a certificate when somebody
    asks for it: a key that nobody needs is one more to be stolen.
    """
    spare = {site.broker.controller, *site.broker.viewers}
    return [name for name in everybody(site) if name not in spare]


def hosts(site: Site) -> list[str]:
    """Every host for which a certificate will be made."""
    return [host for whom in _services(site) for host in whom.hosts]


def _all(site: Site) -> Iterable[Whom]:
    yield from _services(site)
    try:
        found = accounts(site)
    except Wrong as wrong:
        raise CertError(f"{wrong.what}: {wrong.hint}") from wrong
    for one in found:
        if one.role is Role.HISTORIAN:
            yield Whom(one.name, Use.BOTH, HERE)
        else:
            yield Whom(one.name, Use.CLIENT)


def _services(site: Site) -> Iterable[Whom]:
    yield Whom(BROKER, Use.SERVER, _with_here(*(one.host for one in site.broker.servers)))
    if site.media.tls:
        yield Whom(MEDIA, Use.SERVER, _with_here(site.media.host))
    store = urlsplit(site.store.url)
    if store.scheme in ("influxdbs", "https") and store.hostname:
        yield Whom(STORE, Use.SERVER, _with_here(store.hostname))


def _with_here(*hosts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*hosts, *HERE]))
