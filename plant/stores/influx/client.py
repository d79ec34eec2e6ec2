"""One server over HTTP. What differs between the versions of writing and of accounts is here.

"1" writes by /write with user and password; "1.8", "2" and "3" write by /api/v2/write through
influxdb-client, synchronously: one blob of bytes that is already line protocol. Its batching and
its points would lose or bend values. All versions are asked in InfluxQL by /query.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
import urllib3
from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from plant.stores.influx.answers import Answer, Meaning, meaning, words_of
from plant.stores.influx.deliver import Missing
from plant.stores.store import StoreRefuses, StoreUnavailable, StoreUnusable
from wire.site import StoreConfig
from wire.site.problems import Wrong

# Shorter than the time that a historian is given to stop.
CONNECT_S, ANSWER_S = 3.0, 8.0
BY_V2 = ("1.8", "2", "3")
NO_ORG = "-"
OBJECT = re.compile(r"^HTTPS?Connection(Pool)?\([^)]*\): ")  # as urllib3 begins its words
FORM = "application/x-www-form-urlencoded"

Table = Mapping[str, Any]
"""One series of an answer: `name`, `tags`, `columns`, `values`."""


class Client:
    """Writes lines to one database and asks it; safe for several threads."""

    def __init__(self, config: StoreConfig) -> None:
        self.version, self.address = config.version or "2", config.address
        self.database, self.org = config.database, config.org or NO_ORG
        try:
            password, token = config.password(), config.token()
            context = ssl.create_default_context(cafile=config.ca_file) if config.tls else None
        except (Wrong, OSError) as error:
            where = f" ({config.ca_file})" if config.ca_file else ""
            raise StoreUnusable(f"{config.address}{where}: {error}") from error
        self._headers = _account(config, password, token)
        self._pool = urllib3.PoolManager(
            retries=False,
            ssl_context=context,
        )
        self._v2 = None
        if self.version in BY_V2:
            if self.version == "1.8" and config.user:
                token = f"{config.user}:{password or ''}"
            self._v2 = InfluxDBClient(
                self.address, token or "", org=self.org, ssl_context=context,
                timeout=(int(1000 * CONNECT_S), int(1000 * ANSWER_S)),
            )  # fmt: skip
            self._api = self._v2.write_api(write_options=SYNCHRONOUS)

    def write(self, lines: bytes, database: str = "") -> Answer:
        """Send lines with times in ms; StoreUnavailable without an answer."""
        database = database or self.database
        if self._v2 is None:
            target = urlencode({"db": database, "precision": "ms"})
            status, body = self.request("POST", f"/write?{target}", lines)
            return Answer(status, words_of(body))
        try:
            self._api.write(database, self.org, lines, write_precision="ms")
        except ApiException as error:
            if not error.status:
                raise self._silent(str(error.reason)) from error
            return Answer(int(error.status), words_of(_bytes(error.body)))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._silent(str(error)) from error
        return Answer(204)

    def ask(
        self, statements: Sequence[str], database: str = "", answer_s: float = ANSWER_S
    ) -> list[list[Table]]:
        """What each statement of InfluxQL gives, with times in ms.

        StoreUnavailable when it cannot be asked now; Missing when there is no database.
        """
        if not statements:
            return []
        form = {"db": database or self.database, "epoch": "ms", "q": ";".join(statements)}
        status, body = self.request("POST", "/query", urlencode(form).encode(), FORM, answer_s)
        if status != 200:
            raise self.trouble(status, words_of(body))
        results = orjson.loads(body)["results"]
        for one in results:
            if "error" in one:
                raise self.trouble(400, str(one["error"]))
            if any(table.get("partial") for table in one.get("series", ())):
                raise StoreRefuses(
                    f"{self.address} cuts its answers short: set max-row-limit = 0 in [http]"
                )
        return [one.get("series", []) for one in results]

    def request(
        self, method: str, path: str, body: bytes | None = None, kind: str = "text/plain",
        answer_s: float = ANSWER_S,
    ) -> tuple[int, bytes]:  # fmt: skip
        """HTTP status and body of one request; StoreUnavailable without an answer."""
        headers = self._headers | ({"Content-Type": kind} if body is not None else {})
        try:
            answer = self._pool.request(
                method, self.address + path, body=body, headers=headers,
                timeout=urllib3.Timeout(connect=CONNECT_S, read=answer_s),
            )  # fmt: skip
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._silent(str(error)) from error
        return answer.status, answer.data

    def _silent(self, why: str) -> StoreUnavailable:
        """What no answer at all means: a certificate does not become right by waiting."""
        why = OBJECT.sub("", why)
        is_certificate = "certificate verify failed" in why.lower()
        return (StoreRefuses if is_certificate else StoreUnavailable)(f"{self.address}: {why}")

    def trouble(self, status: int, words: str) -> StoreUnavailable:
        """The exception that says what an answer other than "done" means to a question."""
        text = f"{self.address}: {Answer(status, words)}"
        if "database not found" in words:
            return Missing(text)
        if meaning(status, words) is Meaning.PERSON or "not authorized" in words:
            return StoreRefuses(text)
        return StoreUnavailable(text)

    def close(self) -> None:
        """Close the connections; closing twice is harmless."""
        self._pool.clear()
        if self._v2 is not None:
            self._v2.close()


def _account(config: StoreConfig, password: str | None, token: str | None) -> dict[str, str]:
    if token:
        return {"Authorization": f"Token {token}"}
    if config.user:
        return dict(urllib3.make_headers(basic_auth=f"{config.user}:{password or ''}"))
    return {}


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")
