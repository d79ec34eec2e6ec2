"""Where samples end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from wire.site.connections import Part
from wire.site.problems import Wrong


def _database_url(text: str, info: ValidationInfo) -> str:
    scheme, colon, rest = text.partition(":")
    if not colon or scheme != "sqlite" or rest.startswith("//"):
        raise Wrong(f'"{text}" is no database that is known here', 'write "sqlite:var/samples.db"')
    if not rest.strip():
        raise Wrong(f'"{text}" names no file', 'write "sqlite:var/samples.db"')
    folder = (info.context or {}).get("folder")
    return f"sqlite:{(Path(folder) / rest).absolute()}" if folder else text


class Database(Part):
    """A database in a file; the url is absolute once the site is loaded."""

    @property
    def path(self) -> Path:
        """The database's file."""
        return Path(getattr(self, "url").partition(":")[2])  # noqa: B009


DatabaseUrl = Annotated[str, AfterValidator(_database_url)]


class StoreConfig(Database):
    """Where samples end."""

    url: DatabaseUrl = Field(
        default="sqlite:var/samples.db", description="sqlite:FILE", validate_default=True
    )
