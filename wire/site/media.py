"""Where files end: pictures, videos, traces that belong to records."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from wire.media.protocol import CHUNK_BYTES_MAX
from wire.site.connections import Part
from wire.site.http import is_loopback
from wire.site.problems import Wrong
from wire.site.values import Address, DurationMs, FilePath, Port, PortOrFree, SizeBytes, split_url

EXAMPLE = "https://media.example:9180"
CHUNK_BYTES_MIN = 1 << 10
ORPHAN_MS_MIN = 2 * 86_400_000  # an agent that waits for the ledger asks for its files every day


def _media_url(text: str) -> str:
    if text != "embedded":
        parts = split_url(text, ("http", "https"), EXAMPLE)
        if parts.path.strip("/") or parts.query:
            raise Wrong(f'"{text}" has a path', f'write it like "{EXAMPLE}"')
    return text


class MediaConfig(Part):
    """The media store: where the files of records end. Without a url there is none."""

    url: Annotated[str, AfterValidator(_media_url)] | None = Field(
        default=None,
        description='"embedded" (the historian starts one on this machine), http://HOST:PORT'
        " or https://HOST:PORT, where `refit media serve` runs",
    )
    port: Port = Field(
        default=9180, description="port of the embedded media store; otherwise it is in the url"
    )
    listen: Address | None = Field(
        default=None, description="address on which `refit media serve` listens; default: all"
    )
    http: PortOrFree = Field(
        default=0, description="port of /metrics and /healthz of `refit media serve`"
    )
    folder: FilePath = Field(
        default=Path("var/media"), description="folder of the files", validate_default=True
    )
    file_bytes_max: SizeBytes = Field(
        default=2 << 30, validation_alias="file_max", description="no file may be larger"
    )
    free_bytes_min: SizeBytes = Field(
        default=1 << 30,
        validation_alias="free_min",
        description="no upload is taken that leaves less room on the disk",
    )
    size_bytes_max: SizeBytes | None = Field(
        default=None,
        validation_alias="size_max",
        description="no upload is taken that makes all files together larger",
    )
    requests_max: int = Field(
        default=200, ge=1, description="requests a second that one token, or one address, may make"
    )
    sender_bytes_max: SizeBytes | None = Field(
        default=None,
        validation_alias="sender_rate_max",
        description="bytes a second that the media store takes of one agent at most",
    )
    uploads_max: int = Field(
        default=8, ge=1, le=256, description="chunks that are received at one time"
    )
    chunk_bytes: SizeBytes = Field(
        default=4 << 20,
        validation_alias="chunk",
        description="bytes that an agent sends at a time; at most so many are sent twice",
    )
    rate_bytes_max: SizeBytes | None = Field(
        default=None,
        validation_alias="rate_max",
        description="bytes a second that an agent sends at most",
    )
    waiting_bytes_max: SizeBytes = Field(
        default=20 << 30,
        validation_alias="waiting_max",
        description="size of the files that may wait at one agent; it takes no more above this",
    )
    orphan_ms_min: DurationMs = Field(
        default=30 * 86_400_000,
        validation_alias="orphans_after",
        description="files that no record names may be removed after this",
    )
    token_file: FilePath | None = Field(
        default=None, description="file whose text is the token of the agent or reader"
    )
    token_env: str | None = Field(default=None, description="environment variable with the token")
    tokens_file: FilePath | None = Field(
        default=None,
        description="for the media store: a line NAME TOKEN for each agent, and for each reader",
    )
    ca_file: FilePath | None = Field(
        default=None, description="certificates of the authorities that agents trust"
    )
    cert_file: FilePath | None = Field(default=None, description="the media store's certificate")
    key_file: FilePath | None = Field(default=None, description="key of that certificate")

    @model_validator(mode="before")
    @classmethod
    def _take_port(cls, data: Any) -> Any:
        url = data.get("url") if isinstance(data, dict) else None
        if not isinstance(url, str) or url == "embedded":
            return data
        try:
            parts = split_url(url, ("http", "https"), EXAMPLE)
        except Wrong:
            return data  # the url's own check says what is wrong
        if "port" in data:
            raise Wrong("port belongs to the embedded media store", "write the port into the url")
        return {**data, "port": parts.port or (443 if parts.scheme == "https" else 80)}

    @model_validator(mode="after")
    def _fit_together(self) -> MediaConfig:
        if not CHUNK_BYTES_MIN <= self.chunk_bytes <= CHUNK_BYTES_MAX:
            raise Wrong(f"has chunks of {self.chunk_bytes} bytes", "write 1 KiB to 16 MiB")
        if self.orphan_ms_min < ORPHAN_MS_MIN:
            raise Wrong("removes orphans too early", 'write orphans_after = "2 d" at least')
        if self.token_file and self.token_env:
            raise Wrong("has token_file and token_env", "give one of the two")
        if (self.cert_file is None) != (self.key_file is None):
            raise Wrong("has one of cert_file and key_file", "give both")
        if (self.ca_file or self.cert_file) and not self.tls:
            raise Wrong("has certificates and a url without TLS", 'begin the url with "https://"')
        return self

    @property
    def enabled(self) -> bool:
        """True when the site has a media store."""
        return self.url is not None

    @property
    def embedded(self) -> bool:
        """True when the historian starts the media store itself."""
        return self.url == "embedded"

    @property
    def tls(self) -> bool:
        """True when the connection is encrypted."""
        return (self.url or "").startswith("https://")

    @property
    def host(self) -> str:
        """The media store's host; 127.0.0.1 for the embedded one."""
        return "127.0.0.1" if self.embedded else urlsplit(self.url or "").hostname or ""

    @property
    def is_local(self) -> bool:
        """True when only programs of the same machine can reach it."""
        if self.embedded or self.listen is None:
            return self.embedded or is_loopback(self.host)
        return is_loopback(self.listen)

    @property
    def address(self) -> str:
        """The address on which the server listens."""
        return self.listen or (self.host if self.is_local else "")

    @property
    def base_url(self) -> str:
        """The url that clients use."""
        return f"http://127.0.0.1:{self.port}" if self.embedded else self.url or ""

    def token(self) -> str | None:
        """The own token, read now; None when none is given, Wrong when its source has none."""
        if self.token_env:
            if self.token_env not in os.environ:
                raise Wrong(f"the environment has no {self.token_env}", "set the variable")
            return os.environ[self.token_env].strip()
        if self.token_file is None:
            return None
        try:
            return self.token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Wrong(f"{self.token_file} cannot be read: {error}") from error
