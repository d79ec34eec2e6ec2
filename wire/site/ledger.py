"""Where the records of a site end: a file of SQLite, or a database of PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from wire.site.connections import Account
from wire.site.problems import Wrong, closest
from wire.site.values import FilePath, refuse_password, split_url

SERVER = "postgresql://USER@HOST:PORT/DATABASE"
EXAMPLES = f'write "sqlite:var/ledger.db" or "{SERVER}"'
HEAD = "var/ledger.head"
SslMode = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]


def _url(text: str, info: ValidationInfo) -> str:
    refuse_password(text)
    scheme, colon, rest = text.partition(":")
    if scheme in ("postgresql", "postgres") or "://" in text:
        return _server(text)
    if not colon or scheme != "sqlite":
        raise Wrong(f'"{text}" is no database that is known here', EXAMPLES)
    if not rest.strip():
        raise Wrong(f'"{text}" names no file', EXAMPLES)
    folder = (info.context or {}).get("folder")
    return f"sqlite:{(Path(folder) / rest).absolute()}" if folder else text


def _server(text: str) -> str:
    known = ("postgresql", "sqlite")
    scheme = text.partition("://")[0]
    if scheme not in known:
        near = closest(scheme, known)
        raise Wrong(
            f'"{text}" is no database that is known here',
            near if near.startswith("did") else EXAMPLES,
        )
    if scheme == "sqlite":
        raise Wrong(f'"{text}" is no database that is known here', EXAMPLES)
    parts: SplitResult = split_url(text, ("postgresql",), SERVER)
    if not parts.username:
        raise Wrong(f'"{text}" names no account', f'write "{SERVER}"')
    if not parts.path.strip("/") or "/" in parts.path[1:]:
        raise Wrong(f'"{text}" names no database', f'write "{SERVER}"')
    if parts.query or parts.fragment:
        raise Wrong(
            f'"{text}" has more than a database', "sslmode and ca_file are keys of their own"
        )
    return text


class LedgerConfig(Account):
    """Where records end."""

    url: Annotated[str, AfterValidator(_url)] = Field(
        default="sqlite:var/ledger.db",
        description=f"sqlite:FILE or {SERVER}",
        validate_default=True,
    )
    head: FilePath | None = Field(
        default=None,
        description="file in which number and hash of the last entry stand a second time;"
        f" beside the SQLite file, or {HEAD}",
    )
    sslmode: SslMode | None = Field(
        default=None,
        description="PostgreSQL only: what is asked of TLS; prefer, with a ca_file verify-full",
    )
    ca_file: FilePath | None = Field(
        default=None, description="PostgreSQL only: certificates of the authorities to trust"
    )

    @model_validator(mode="before")
    @classmethod
    def _head_of_a_server(cls, data: Any) -> Any:
        url = data.get("url") if isinstance(data, dict) else None
        if isinstance(url, str) and url.startswith("postgresql:") and "head" not in data:
            return {**data, "head": HEAD}
        return data

    @model_validator(mode="after")
    def _only_where_it_counts(self) -> LedgerConfig:
        if self.url.startswith("sqlite:"):
            for key in ("password_file", "password_env", "sslmode", "ca_file"):
                if getattr(self, key) is not None:
                    raise Wrong(
                        f"has {key}, which a file has no use for", f"remove {key}, or {EXAMPLES}"
                    )
        if self.ca_file and self.sslmode in ("disable", "prefer"):
            raise Wrong(
                f'has a ca_file and sslmode = "{self.sslmode}"', 'write sslmode = "verify-full"'
            )
        return self

    @property
    def path(self) -> Path | None:
        """The file of SQLite; None for a server."""
        scheme, _, rest = self.url.partition(":")
        return Path(rest) if scheme == "sqlite" else None

    @property
    def tls(self) -> dict[str, str]:
        """What the client of PostgreSQL is told of TLS."""
        if self.path is not None:
            return {}
        mode = self.sslmode or ("verify-full" if self.ca_file else "prefer")
        return {"sslmode": mode} | ({"sslrootcert": str(self.ca_file)} if self.ca_file else {})
