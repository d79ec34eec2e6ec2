"""An upload whose connection is cut, at any byte of either direction, goes on where it stopped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plant.media.server import MediaServer, open_media
from refit.chaos.cutting import CuttingRelay
from tests.plant.media_contract import name_of
from tests.plant.media_servers import send
from tests.servers import free_port
from wire.clock import SystemClock
from wire.media.client import MediaClient, Unreachable
from wire.site import MediaConfig

pytestmark = pytest.mark.system
CHUNK = 700
TOTAL = 3000
# What one upload without cuts sends and gets is a little less than this.
TO, BACK = 6000, 3500


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaServer]:
    folder: Path = tmp_path_factory.mktemp("media")
    values = {"url": f"http://127.0.0.1:{free_port()}", "folder": folder, "free_min": 1}
    with open_media(MediaConfig.model_validate(values), [], SystemClock()) as server:
        yield server


def send_through_cuts(media: MediaServer, to: list[int], back: list[int]) -> None:
    """Send a new file until it is there; each cut costs one chunk at most."""
    content, before = os.urandom(TOTAL), media.tally["received_bytes"]
    with CuttingRelay(media.port, to, back) as relay:
        client = MediaClient(f"http://127.0.0.1:{relay.port}", timeout_s=10)
        for _ in range(len(to) + len(back) + 1):
            try:
                assert send(client, content, CHUNK).there
                break
            except Unreachable:
                continue
        else:
            raise AssertionError("more attempts failed than connections were cut")
        client.close()
    assert b"".join(media.store.read(name_of(content))) == content
    assert media.tally["received_bytes"] - before == TOTAL, "no chunk was kept twice"
    sent_again = relay.to.passed - TO
    assert sent_again <= (len(to) + len(back)) * (CHUNK + 1000)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    to=st.lists(st.integers(1, TO), max_size=4, unique=True),
    back=st.lists(st.integers(1, BACK), max_size=4, unique=True),
)
def test_an_upload_survives_cuts_at_any_bytes(
    media: MediaServer, to: list[int], back: list[int]
) -> None:
    send_through_cuts(media, to, back)


def test_an_upload_survives_a_cut_after_each_answer(media: MediaServer) -> None:
    for cut in range(50, BACK, 151):
        send_through_cuts(media, [], [cut])


def test_a_file_that_is_read_through_a_cut_is_said_to_be_incomplete(media: MediaServer) -> None:
    content = os.urandom(TOTAL)
    direct = MediaClient(f"http://127.0.0.1:{media.port}")
    send(direct, content, CHUNK)
    direct.close()
    with CuttingRelay(media.port, back=[2000]) as relay:
        client = MediaClient(f"http://127.0.0.1:{relay.port}", timeout_s=10)
        got = b""
        with pytest.raises(Unreachable):
            for part in client.read(name_of(content)):
                got += part
        assert 0 < len(got) < TOTAL and content.startswith(got)
        got += b"".join(client.read(name_of(content), len(got)))
        assert got == content
        client.close()
