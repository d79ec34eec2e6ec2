"""The media store as a process: by the historian, or by itself; started, looked at, ended."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from plant.ledger import open_ledger
from tests.plant.media_contract import name_of
from tests.plant.media_servers import send
from tests.plant.records import record
from tests.plant.test_media_wanted import with_files
from tests.plant.test_process import Command
from tests.servers import free_port, until
from wire.clock import SystemClock
from wire.media.client import MediaClient
from wire.site import load

pytestmark = pytest.mark.system


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def site(folder: Path, media: str) -> tuple[Path, int, int]:
    """A site file, the port of its media store and that of /healthz."""
    port, http = free_port(), free_port()
    text = (
        f'[site]\nname = "s"\n[broker]\nurl = "embedded"\nport = {free_port()}\n'
        f"[historian]\nhttp = {http}\n[media]\n" + media.format(port=port, http=http)
    )
    (folder / "site.toml").write_text(text)
    return folder / "site.toml", port, http


def health(port: int) -> dict[str, object]:
    """What /healthz says; empty while nobody answers."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return dict(json.loads(answer.read()))
    except HTTPError as error:
        with closing(error):
            return dict(json.loads(error.read()))
    except OSError:
        return {}


@pytest.mark.parametrize(
    ("words", "media"),
    [
        (("historian",), 'url = "embedded"\nport = {port}\nfree_min = "1 B"\n'),
        (
            ("media", "serve"),
            'url = "http://127.0.0.1:{port}"\nhttp = {http}\nfree_min = "1 B"\n',
        ),
    ],
)
def test_it_serves_and_ends_cleanly(
    tmp_path: Path, stack: ExitStack, words: tuple[str, ...], media: str
) -> None:
    file, port, http = site(tmp_path, media)
    command = Command(*words, "--site", str(file), log=tmp_path / "log")
    stack.callback(command.end, signal.SIGKILL)
    until(lambda: health(http).get("ok"), "it is well", 30)
    client = MediaClient(f"http://127.0.0.1:{port}")
    assert send(client, b"0123456789").there
    with urlopen(f"http://127.0.0.1:{http}/metrics", timeout=5) as answer:
        assert "\nmedia_files 1.0\n" in answer.read().decode()
    assert command.end() == 0
    client.close()
    assert command.said == "", "normal operation logs nothing"
    name = name_of(b"0123456789")
    assert (tmp_path / "var/media" / name[:2] / name[2:4] / f"{name}.jpg").exists()


@pytest.mark.parametrize("words", [("historian",), ("media", "serve")])
def test_a_port_that_is_taken_is_said(
    tmp_path: Path, stack: ExitStack, words: tuple[str, ...]
) -> None:
    url = '"embedded"\nport = {port}' if words == ("historian",) else '"http://127.0.0.1:{port}"'
    file, port, _ = site(tmp_path, f"url = {url}\n")
    taken = stack.enter_context(socket.socket())
    taken.bind(("127.0.0.1", port))
    taken.listen()
    command = Command(*words, "--site", str(file), log=tmp_path / "log")
    stack.callback(command.end, signal.SIGKILL)
    assert command.process.wait(30) == 1, (
        "systemd tries again: it may be an older one that is ending"
    )
    assert f"the media store at port {port}, folder " in command.said


def test_a_site_without_a_media_store_has_none_to_serve(tmp_path: Path) -> None:
    file, _, _ = site(tmp_path, "")
    command = Command("media", "serve", "--site", str(file), log=tmp_path / "log")
    assert command.process.wait(30) == 2
    assert 'write [media] with url = "embedded"' in command.said


def test_the_historian_knows_which_records_miss_files(tmp_path: Path, stack: ExitStack) -> None:
    file, port, http = site(tmp_path, 'url = "embedded"\nport = {port}\nfree_min = "1 B"\n')
    with open_ledger(load(file).ledger, SystemClock()) as ledger:
        ledger.append([with_files(1, b"0123456789"), with_files(2, b"missing"), record(3)])
    command = Command("historian", "--site", str(file), log=tmp_path / "log")
    stack.callback(command.end, signal.SIGKILL)

    def shows(*lines: str) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{http}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return False
        return all(f"\n{line}\n" in text for line in lines)

    until(lambda: shows("media_records 2.0", "media_records_incomplete 2.0"), "both", 30)
    client = MediaClient(f"http://127.0.0.1:{port}")
    assert send(client, b"0123456789").there
    client.close()
    assert command.end() == 0 and command.said == ""
    command = Command("historian", "--site", str(file), log=tmp_path / "log")
    stack.callback(command.end, signal.SIGKILL)
    until(lambda: shows("media_records 2.0", "media_records_incomplete 1.0"), "one", 30)
