"""A broker, a tap before it, and sessions that end with their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

import pytest

from tests.mqtt.guarded import Guarded, running
from tests.servers import Mosquitto
from tests.wire_tap import WireTap
from wire.mqtt import Limits, Message, Session, Will

QUICK = Limits(connect_timeout_s=2.0, backoff_first_s=0.02, backoff_max_s=0.1)


@dataclass(frozen=True)
class BrokerAt:
    """A broker as the site file describes one."""

    port: int
    version: Literal["3.1.1", "5"] = "3.1.1"
    keepalive_s: int = 15
    packet_max: int | None = None
    host: str = "127.0.0.1"
    username: str | None = None
    secret: str | None = None
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def password(self) -> str | None:
        return self.secret


@dataclass
class Owner:
    """An owner of a session that counts CONNECTs as an edge node counts its bdSeq."""

    death: str
    sent: int = 0
    wills: int = 0
    told: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    session: Session | None = None

    def will(self) -> Will:
        self.wills += 1
        return Will(self.death, str(self.sent).encode())

    def connect_goes_out(self) -> None:
        self.sent += 1

    def connected(self) -> None:
        self.told.append("connected")
        assert self.session is not None
        self.session.publish(Message("birth", str(self.sent - 1).encode()))

    def count(self, what: str) -> int:
        return sum(words.startswith(what) for words in self.told)

    def make(
        self,
        broker: BrokerAt,
        name: str = "agent",
        *,
        kind: Callable[..., Session] = Session,
        **changes: Any,
    ) -> Session:
        settings: dict[str, Any] = {
            "will": self.will,
            "on_socket_open": self.connect_goes_out,
            "on_connect": self.connected,
            "on_disconnect": lambda why: self.told.append(f"disconnected: {why}"),
            "on_failure": lambda why: self.told.append(f"failed: {why}"),
            "on_message": self.messages.append,
            "subscriptions": (("down/#", 1),),
            "limits": QUICK,
            "random": Random(1),
        }
        self.session = kind(broker, name, **settings | changes)
        return self.session


Start = Callable[..., tuple[Session, Owner]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a session with an owner; every one is disconnected in the end."""
    sessions: list[Session] = []

    def begin(broker: BrokerAt, name: str = "agent", **changes: Any) -> tuple[Session, Owner]:
        owner = Owner(f"death/{name}")
        session = owner.make(broker, name, **changes)
        sessions.append(session)
        session.start()
        return session, owner

    yield begin
    for session in sessions:
        session.disconnect()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A site with certificates, and a broker with the configuration that Refit writes for it."""
    with running(tmp_path_factory.mktemp("guarded")) as found:
        yield found


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A broker that lets everybody in."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture
def tap(mosquitto: Mosquitto) -> Iterator[WireTap]:
    """A proxy before that broker."""
    with WireTap(mosquitto.port) as proxy:
        yield proxy


@pytest.fixture(params=["3.1.1", "5"])
def version(request: pytest.FixtureRequest) -> Any:
    """Both versions of MQTT."""
    return request.param
