"""Media stores over HTTP for tests, and their clients."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from typing import Any

from plant.media.server import MediaServer
from tests.plant.media_contract import name_of
from wire.media.client import MediaClient, Progress

Made = Callable[..., MediaServer]


def client_of(media: MediaServer, token: str | None = None, **how: Any) -> MediaClient:
    """A client of a server without TLS."""
    return MediaClient(f"http://127.0.0.1:{media.port}", lambda: token, **how)


def send(
    client: MediaClient, content: bytes, size: int = 1000, type: str = "image/jpeg"
) -> Progress:
    """Send a file from where it stands."""
    name, total = name_of(content), len(content)
    progress = client.claim(name, total, type)
    while not progress.there:
        chunk = content[progress.offset : progress.offset + size]
        progress = client.append(name, total, progress.offset, chunk, type)
    return progress


def ask(
    media: MediaServer, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", media.port, timeout=20)
    try:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, told)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def raw(media: MediaServer, text: bytes) -> bytes:
    """What comes back for bytes as they are, up to the end of the connection."""
    with socket.create_connection(("127.0.0.1", media.port), timeout=20) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        got = b""
        while part := connection.recv(65536):
            got += part
        return got
