"""Asking a historian: /stations over HTTP, first all of it, then what has changed."""

from __future__ import annotations

import queue
import ssl
import threading
import time
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlsplit
from urllib.request import (
    BaseHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
)

import orjson

from wire.site import HttpConfig, Site
from wire.site.http import is_loopback
from wire.tls import client_context

TIMEOUT_S = 5.0
BYTES_MAX = 256 << 20
NEEDED = {"site", "token", "partial", "time_ms", "connected", "store", "agents", "stations"}
REFUSED = {
    404: "there is no historian of Refit",
    401: "it wants a token: token_file below [http] in the site file, or --token-file",
}
ANYWHERE = ("0.0.0.0", "127.0.0.1")


class Away(Exception):
    """The historian gives no answer, and why."""


class NoAddress(ValueError):
    """Nothing says where the historian answers."""


def url_of(site: Site) -> str:
    """Where the historian of a site answers; NoAddress when its site file does not say."""
    place = site.historian
    if place.http == 0:
        raise NoAddress(
            "the site file gives the historian no port: write `http = 9101` below [historian] "
            "and start it again, or give the place by --url"
        )
    host = "127.0.0.1" if place.listen in ANYWHERE else place.listen
    return f"{'https' if site.http.tls else 'http'}://{host}:{place.http}"


def checked(url: str) -> str:
    """The URL of a historian; NoAddress when it cannot be one."""
    whole = url if "://" in url else f"http://{url}"
    parts = urlsplit(whole)
    if parts.scheme not in ("http", "https") or not parts.hostname or not _has_port(parts):
        raise NoAddress(f'"{url}" is no address of a historian: write http://HOST:PORT')
    return whole.rstrip("/")


def _has_port(parts: SplitResult) -> bool:
    """Whether the port is a number, or left out."""
    try:
        return parts.port != 0
    except ValueError:
        return False


class _Stay(HTTPRedirectHandler):
    """Follows no redirection: the token is for whoever was asked."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Client:
    """Asks one historian or agent, by the certificates and with the token of the site file.

    NoAddress when these cannot be read.
    """

    def __init__(self, url: str, http: HttpConfig | None = None) -> None:
        self.url = url
        http = http or HttpConfig()
        # A proxy of the environment is for the world, not for a machine of the plant.
        handlers: list[BaseHandler] = [ProxyHandler({}), _Stay()]
        self._headers: dict[str, str] = {}
        try:
            if url.startswith("https://"):
                context = client_context(http.ca_file or http.cert_file)
                # Our own certificate vouches for itself, whoever has signed it.
                context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
                # Nobody else is reached over the loopback; certificates rarely name it.
                context.check_hostname = not is_loopback(urlsplit(url).hostname or "")
                handlers.append(HTTPSHandler(context=context))
            if token := http.token():
                self._headers["Authorization"] = f"Bearer {token}"
        except ValueError as error:
            raise NoAddress(f"[http]: {error}") from error
        self._opener = build_opener(*handlers)

    def ask(self, token: str = "") -> dict[str, Any]:
        """What /stations says, all or since a token; Away when it says nothing."""
        found = self._get("/stations" + (f"?since={token}" if token else ""))
        if not found.keys() >= NEEDED:
            raise Away("there is no historian of Refit")
        return found

    def health(self) -> dict[str, Any]:
        """What /healthz says, well or not; Away when it says nothing."""
        return self._get("/healthz")

    def _get(self, path: str) -> dict[str, Any]:
        """The JSON object of a path, also when it comes with 503: something is not well."""
        asked = Request(self.url + path, headers=self._headers)
        try:
            with self._opener.open(asked, timeout=TIMEOUT_S) as answer:
                body = answer.read(BYTES_MAX)
        except HTTPError as error:
            with error:
                if error.code != 503:
                    raise Away(REFUSED.get(error.code, str(error))) from error
                body = error.read(BYTES_MAX)
        except (URLError, OSError, ValueError, HTTPException) as error:
            why = getattr(error, "reason", error)
            raise Away(str(getattr(why, "strerror", None) or why)) from error
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Away("there is no historian of Refit") from error
        if not isinstance(found, dict):
            raise Away("there is no historian of Refit")
        return found


class Poller:
    """Asks every so many seconds on a thread of its own; answers and failures wait in `found`."""

    def __init__(self, client: Client, every_s: float) -> None:
        self.found: queue.Queue[dict[str, Any] | Away] = queue.Queue(maxsize=2)
        self._client, self._every_s = client, every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poll", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        token = ""
        while not self._stopping.is_set():
            due = time.monotonic() + self._every_s
            answer: dict[str, Any] | Away
            try:
                answer = self._client.ask(token)
                token = answer["token"]
            except Away as error:
                answer, token = error, ""
            self._put(answer)
            self._stopping.wait(max(due - time.monotonic(), 0.0))

    def _put(self, answer: dict[str, Any] | Away) -> None:
        """Hand it over; waits while somebody looks at a pause, so that nothing is left out."""
        while not self._stopping.is_set():
            try:
                self.found.put(answer, timeout=0.2)
            except queue.Full:
                continue
            return

    def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()
        self._thread.join(TIMEOUT_S)
