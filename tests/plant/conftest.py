"""What the tests of the plant share: each database that the ledger can be in, media stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plant.media.server import MediaServer, open_media
from tests.plant.ledgers import FilePlace, Place, ServerPlace
from tests.plant.media_servers import Made
from tests.servers import free_port
from wire.clock import SystemClock
from wire.site import MediaConfig


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place for one ledger, in each of the databases."""
    if request.param == "sqlite":
        return FilePlace(tmp_path)
    return ServerPlace(tmp_path, request.getfixturevalue("postgres"))


@pytest.fixture
def made_media(tmp_path: Path) -> Iterator[Made]:
    """Makes servers that end with the test."""
    running: list[MediaServer] = []

    def make(**keys: Any) -> MediaServer:
        scheme = "https" if "cert_file" in keys else "http"
        values = {
            "url": f"{scheme}://127.0.0.1:{free_port()}",
            "folder": tmp_path / "media",
            "free_min": 1,
            **keys,
        }
        config = MediaConfig.model_validate(values)
        running.append(open_media(config, ["pc-1", "pc-2"], SystemClock()))
        return running[-1]

    yield make
    for one in running:
        one.close()
