"""Accounts and certificates: who is refused is told so, and goes on once it is put right."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.conftest import missing
from tests.mqtt.conftest import BrokerAt, Start
from tests.servers import Mosquitto, free_port, until
from tests.servers.certificate import certificate
from wire.mqtt import Message
from wire.tls import TlsError, client_context


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that knows `agent` with the password `right`."""
    try:
        subprocess.run(
            ["mosquitto_passwd", "-b", "-c", str(tmp_path / "accounts"), "agent", "right"],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        missing("Mosquitto", "apt-get install mosquitto")
    with Mosquitto(tmp_path, [f"password_file {tmp_path / 'accounts'}"]) as broker:
        yield broker


@pytest.mark.system
@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_a_refused_account_is_said_and_tried_again(
    guarded: Mosquitto, start: Start, version: str
) -> None:
    broker = BrokerAt(guarded.port, version=version, username="agent", secret="wrong")
    session, owner = start(broker)
    until(lambda: owner.count("failed") == 2, "it is refused twice")
    assert owner.told[0] == "failed: the broker refused the connection: Not authorized"
    assert session.status().failures >= 2
    assert owner.sent >= 2, "a refused CONNECT was a CONNECT"
    session.broker = replace(broker, secret="right")
    until(lambda: session.status().connected, "it is let in")


@pytest.mark.system
@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_messages_pass_through_tls(tmp_path: Path, start: Start, version: str) -> None:
    cert, key = certificate(tmp_path)
    settings = ("allow_anonymous true", f"certfile {cert}", f"keyfile {key}")
    with Mosquitto(tmp_path, settings) as broker:
        at = BrokerAt(broker.port, version=version, tls=True, ca_file=cert)
        session, owner = start(at)
        until(lambda: owner.count("connected") == 1, "the session is up")
        for number in range(200):
            assert session.publish(Message("down/1", number.to_bytes(2) + bytes(50_000)))
        until(lambda: len(owner.messages) == 200, "they have come back")
        assert session.disconnect([Message("death", b"")])


@pytest.mark.system
def test_a_foreign_certificate_is_refused_before_any_connect(tmp_path: Path, start: Start) -> None:
    cert, key = certificate(tmp_path)
    settings = ("allow_anonymous true", f"certfile {cert}", f"keyfile {key}")
    (tmp_path / "other").mkdir()
    foreign, _ = certificate(tmp_path / "other")
    with Mosquitto(tmp_path, settings) as broker:
        session, owner = start(BrokerAt(broker.port, tls=True, ca_file=foreign))
        until(lambda: owner.count("failed") == 2, "two attempts failed")
        assert "CERTIFICATE_VERIFY_FAILED" in owner.told[0]
        assert owner.sent == 0, "no CONNECT went out"
        session.broker = BrokerAt(broker.port, tls=True, ca_file=cert)
        until(lambda: session.status().connected, "it is let in")


def test_files_that_are_no_certificates_are_named(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nothing")
    for files in (
        {"ca_file": tmp_path / "absent.pem"},
        {"ca_file": nonsense},
        {"cert_file": nonsense, "key_file": key},
        {"key_file": key},
    ):
        with pytest.raises(TlsError, match=r"(absent|nonsense|key)\.pem: "):
            client_context(**files)
    assert client_context(cert, cert, key).check_hostname


def test_a_key_that_everybody_can_read_is_said_at_the_start(tmp_path: Path, start: Start) -> None:
    cert, key = certificate(tmp_path)
    at = BrokerAt(free_port(), tls=True, ca_file=cert, cert_file=cert, key_file=key)
    for mode, said in ((0o600, 0), (0o640, 0), (0o604, 1)):
        key.chmod(mode)
        with capture_logs() as lines:
            start(at, f"agent {mode:o}")
        assert sum("every user" in one["event"] for one in lines) == said
