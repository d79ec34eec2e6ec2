"""The real agent on the wire, in both versions of MQTT, before the judge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from refit.conformance import assertions
from refit.conformance.judge import Book
from tests.mqtt.conftest import BrokerAt
from tests.servers import Mosquitto, until
from tests.sparkplug.play_edge import play
from tests.sparkplug.proofs import proves
from tests.sparkplug.real import PATIENCE_S, Director, RealEdge
from tests.wire_tap import WireTap

pytestmark = pytest.mark.system
HERE = f"tests/sparkplug/{Path(__file__).name}::test_the_edge_keeps"
ONE_VERSION = {
    "tck-id-principles-persistence-clean-session-311": "3.1.1",
    "tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt311": "3.1.1",
    "tck-id-principles-persistence-clean-session-50": "5",
    "tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt50": "5",
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A broker of these tests alone, which forgets nothing between them but what it is told to."""
    with Mosquitto(tmp_path_factory.mktemp("broker")) as server:
        yield server


@pytest.fixture(scope="module")
def books(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Book]:
    """What the judge says of the edge, by the version of MQTT."""
    found = {}
    for version in ("3.1.1", "5"):
        with WireTap(broker.port) as tap:
            found[version] = play(tap, tmp_path_factory.mktemp("edge"), version)
    return found


def test_the_judge_finds_nothing_in_the_edge(books: dict[str, Book]) -> None:
    assert {version: book.said() for version, book in books.items()} == {"3.1.1": "", "5": ""}


@pytest.mark.parametrize("id", [one.id for one in assertions() if HERE in one.tests])
def test_the_edge_keeps(books: dict[str, Book], id: str) -> None:
    wanted = ONE_VERSION.get(id)
    for version, book in books.items():
        if wanted in (None, version):
            assert book.status(id) == "held", book.said()


@proves("requirement-9", "requirement-12")
def test_the_edge_keeps_what_the_reference_adds(books: dict[str, Book]) -> None:
    for book in books.values():
        assert book.status("requirement-9") == "held"
        assert book.status("requirement-12") == "held"


@proves("requirement-35")
def test_two_agents_with_one_id_bring_no_storm_of_births(broker: Mosquitto, tmp_path: Path) -> None:
    """The broker throws out one when the other comes: both come again, slower and slower."""
    director = Director(BrokerAt(broker.port))
    twins = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        twins.append(RealEdge(BrokerAt(broker.port), folder, primary=None, client_id="twin"))
    try:
        until(lambda: director.verbs()["NBIRTH"] >= 6, "they chase each other", PATIENCE_S)
        connects = sum(twin.session.status().connects for twin in twins)
        assert director.verbs()["NBIRTH"] <= connects + 2, "one birth for each session, no more"
    finally:
        for twin in twins:
            twin.stop()
        director.close()


@proves("requirement-35")
def test_fifty_requests_at_once_bring_two_births_at_most(broker: Mosquitto, tmp_path: Path) -> None:
    director = Director(BrokerAt(broker.port))
    edge = RealEdge(BrokerAt(broker.port), tmp_path, primary=None)
    try:
        director.until("DBIRTH/saw")
        for _ in range(50):
            director.rebirth()
        director.until("DBIRTH/saw", 2)
        edge.heard(50)
        edge.commit("press", 1.0)
        director.until("DDATA/press")
        assert director.verbs()["NBIRTH"] <= 3
        assert edge.node.counts["rebirth: requested"] == 50
    finally:
        edge.stop()
        director.close()
