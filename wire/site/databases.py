"""Where samples end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from wire.site.connections import Account
from wire.site.problems import Wrong, closest
from wire.site.values import DurationMs, FilePath, refuse_password, split_url

INFLUX = "influxdb://127.0.0.1:8086/refit"
SCHEMES = ("influxdb", "influxdbs")
DAY_MS = 86_400_000
SETTLE_S = 15.0  # VictoriaMetrics loses the last 9.3 s when it is killed
KEEP_MS, KEEP_MEANS_MS, KEEP_MS_MIN = 90 * DAY_MS, 730 * DAY_MS, 2 * DAY_MS
# Which keys say who we are: a token in these versions, else user and password.
TOKEN_VERSIONS = ("2", "3")
USER_KEYS = ("user", "password_file", "password_env")
TOKEN_KEYS = ("token_file", "token_env", "org")


def _file_url(text: str, info: ValidationInfo) -> str:
    scheme, colon, rest = text.partition(":")
    if not colon or scheme != "sqlite" or rest.startswith("//"):
        raise Wrong(f'"{text}" is no database that is known here', 'write "sqlite:var/samples.db"')
    if not rest.strip():
        raise Wrong(f'"{text}" names no file', 'write "sqlite:var/samples.db"')
    folder = (info.context or {}).get("folder")
    return f"sqlite:{(Path(folder) / rest).absolute()}" if folder else text


def _store_url(text: str, info: ValidationInfo) -> str:
    refuse_password(text)
    if not text.startswith("influx"):
        return _file_url(text, info)
    parts = split_url(text, SCHEMES, INFLUX)
    database = parts.path.removeprefix("/")
    if parts.username is not None:
        raise Wrong("has an account in its url", "write user and password_file, or token_file")
    if parts.query:
        raise Wrong("has more than a database in its url", f'write it like "{INFLUX}"')
    if not database or "/" in database:
        raise Wrong(f'"{text}" names no database', f'write it like "{INFLUX}"')
    return text


StoreUrl = Annotated[str, AfterValidator(_store_url)]


class StoreConfig(Account):
    """Where samples end: a SQLite file, InfluxDB 1 to 3, or VictoriaMetrics."""

    url: StoreUrl = Field(
        default="sqlite:var/samples.db",
        description="sqlite:FILE, influxdb://HOST:PORT/DATABASE, or influxdbs:// with TLS",
        validate_default=True,
    )
    version: Literal["1", "1.8", "2", "3", "victoria"] | None = Field(
        default=None,
        description='of InfluxDB: "1" by /write, "1.8", "2" and "3" by /api/v2/write;'
        ' "victoria" is VictoriaMetrics',
    )
    org: str | None = Field(default=None, description="organisation, InfluxDB 2 only")
    user: str | None = Field(default=None, description="account, InfluxDB 1 and VictoriaMetrics")
    token_file: FilePath | None = Field(
        default=None, description="file whose text is the token, InfluxDB 2 and 3"
    )
    token_env: str | None = Field(
        default=None, description="environment variable with the token, InfluxDB 2 and 3"
    )
    ca_file: FilePath | None = Field(
        default=None, description="certificates of the authorities to trust"
    )
    keep_ms: DurationMs | None = Field(
        default=None, validation_alias="keep",
        description="how long samples are kept: InfluxDB 90 d unless it is given, SQLite for ever",
    )  # fmt: skip
    keep_means_ms: DurationMs | None = Field(
        default=None, validation_alias="keep_means",
        description="how long means of a minute are kept, InfluxDB: 730 d unless it is given",
    )  # fmt: skip
    dead_letters: FilePath | None = Field(
        default=None,
        description="file of what the store refuses; beside a SQLite store,"
        " else var/samples.dead.db",
    )

    @model_validator(mode="before")
    @classmethod
    def _place_dead_letters(cls, data: Any, info: ValidationInfo) -> Any:
        url = data.get("url") if isinstance(data, dict) else None
        if not isinstance(url, str) or not url.startswith(SCHEMES) or "dead_letters" in data:
            return data
        return {**data, "dead_letters": "var/samples.dead.db"}

    @model_validator(mode="after")
    def _check_keys(self) -> StoreConfig:
        given = self.model_fields_set
        if self.kept_ms < KEEP_MS_MIN or self.means_kept_ms < KEEP_MS_MIN:
            raise Wrong("keeps samples for less than two days", 'write keep = "2 d" or more')
        if not self.is_influx:
            for key in ("version", "ca_file", "keep_means_ms", *USER_KEYS, *TOKEN_KEYS):
                if key in given:
                    name = key.removesuffix("_ms")
                    raise Wrong(f"{name} belongs to InfluxDB", f'begin the url with "{INFLUX}"')
            return self
        if self.version is None:
            raise Wrong(
                "does not say which InfluxDB it is",
                'write version = "1", "1.8", "2" or "3", or "victoria" for VictoriaMetrics',
            )
        if self.ca_file and not self.tls:
            raise Wrong("has ca_file and a url without TLS", 'begin the url with "influxdbs://"')
        self._check_account(given)
        return self

    def _check_account(self, given: set[str]) -> None:
        ours: tuple[str, ...] = USER_KEYS
        if self.version in TOKEN_VERSIONS:
            ours = TOKEN_KEYS if self.version == "2" else TOKEN_KEYS[:2]
        for key in (*USER_KEYS, *TOKEN_KEYS):
            if key in given and key not in ours:
                what = f'{key} is nothing that version "{self.version}" knows'
                raise Wrong(what, closest(key, ours))
        if self.token_file and self.token_env:
            raise Wrong("has token_file and token_env", "give one of the two")
        if self.version == "2" and not self.org:
            raise Wrong("names no organisation", 'write org = "NAME" as in InfluxDB 2')
        if self.user is None and (self.password_file or self.password_env):
            raise Wrong("has a password and no user", 'write user = "NAME"')

    @property
    def path(self) -> Path:
        """The file of a SQLite store."""
        return Path(self.url.partition(":")[2])

    @property
    def is_influx(self) -> bool:
        """True for a store that is reached over the network."""
        return self.url.startswith(SCHEMES)

    @property
    def settle_s(self) -> float:
        """How long after its answer this store may still forget what it took; 0 for most."""
        return SETTLE_S if self.version == "victoria" else 0.0

    @property
    def tls(self) -> bool:
        """True when the connection to the store is encrypted."""
        return self.url.startswith("influxdbs://")

    @property
    def address(self) -> str:
        """Scheme, host and port for HTTP; the port is 8086 unless the url says another."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        name = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls else 'http'}://{name}:{parts.port or 8086}"

    @property
    def database(self) -> str:
        """The name of the database or bucket; that of the means is the same with `_1m`."""
        return unquote(urlsplit(self.url).path.removeprefix("/")) if self.is_influx else ""

    @property
    def kept_ms(self) -> int:
        """How long InfluxDB keeps samples."""
        return self.keep_ms or KEEP_MS

    @property
    def means_kept_ms(self) -> int:
        """How long InfluxDB keeps means of a minute."""
        return self.keep_means_ms or KEEP_MEANS_MS

    @property
    def dead_letters_file(self) -> Path:
        """Where the samples lie that the store has refused."""
        return self.dead_letters or self.path.with_suffix(".dead.db")

    def token(self) -> str | None:
        """The token, read now; None when none is given, Wrong when its source has none."""
        if self.token_env:
            if self.token_env not in os.environ:
                raise Wrong(f"the environment has no {self.token_env}", "set the variable")
            return os.environ[self.token_env]
        if self.token_file is None:
            return None
        try:
            return self.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Wrong(f"{self.token_file} cannot be read: {error}") from error
