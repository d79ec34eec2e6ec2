"""Who may ask the processes of a site over HTTP, and how they prove who they are."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, model_validator

from wire.site.connections import Part
from wire.site.problems import Wrong
from wire.site.values import FilePath

TOKEN_LENGTH_MIN = 16


def is_loopback(address: str) -> bool:
    """True when only programs of the same machine can reach an address."""
    return address in ("localhost", "::1") or address.startswith("127.")


class HttpConfig(Part):
    """/metrics, /healthz and /stations of all processes: needed where other machines may ask."""

    cert_file: FilePath | None = Field(
        default=None, description="certificate of the processes of this machine: HTTPS, no HTTP"
    )
    key_file: FilePath | None = Field(default=None, description="key of that certificate")
    ca_file: FilePath | None = Field(
        default=None, description="certificates of the authorities that whoever asks trusts"
    )
    token_file: FilePath | None = Field(
        default=None,
        description="file with the token that whoever asks must show, of 16 characters at least",
    )
    token_env: str | None = Field(default=None, description="environment variable with the token")

    @model_validator(mode="after")
    def _fit_together(self) -> HttpConfig:
        if (self.cert_file is None) != (self.key_file is None):
            raise Wrong("has one of cert_file and key_file", "give both")
        if self.token_file and self.token_env:
            raise Wrong("has token_file and token_env", "give one of the two")
        return self

    @property
    def tls(self) -> bool:
        """True when the processes answer by HTTPS alone."""
        return self.cert_file is not None

    @property
    def guarded(self) -> bool:
        """True when whoever asks must show a token."""
        return bool(self.token_file or self.token_env)

    def token(self) -> str | None:
        """The token, read now; None when none is needed, Wrong when its source has none."""
        if not self.guarded:
            return None
        if self.token_env:
            if self.token_env not in os.environ:
                raise Wrong(f"the environment has no {self.token_env}", "set the variable")
            found, where = os.environ[self.token_env].strip(), self.token_env
        else:
            where = str(self.token_file)
            try:
                found = (self.token_file or Path()).read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise Wrong(f"{where} cannot be read: {error}") from error
        if len(found) < TOKEN_LENGTH_MIN:
            raise Wrong(f"the token in {where} has less than {TOKEN_LENGTH_MIN} characters")
        return found
