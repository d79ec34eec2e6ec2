"""The judge is judged: it finds every fault of a faulty edge and host, and none where is none."""

from __future__ import annotations

import pytest

from refit.conformance import assertions
from refit.conformance.judge import judge
from refit.conformance.judge.book import full
from refit.conformance.packets import Packet
from tests.sparkplug.doubles import wire
from tests.sparkplug.doubles.edge import HOST, FaultyEdge
from tests.sparkplug.doubles.edge_faults import FAULTS
from tests.sparkplug.doubles.host import STATE, FaultyHost
from tests.sparkplug.doubles.host_faults import FAULTS as HOST_FAULTS
from tests.sparkplug.doubles.payloads import state

ANSWERS = "tck-id-message-flow-hid-sparkplug-state-message-delivered"


@pytest.mark.parametrize("version", [4, 5])
def test_nothing_is_reported_of_a_faultless_edge(version: int) -> None:
    book = judge(FaultyEdge(version=version).run(), primary=HOST)
    assert book.said() == ""


@pytest.mark.parametrize("version", [4, 5])
def test_nothing_is_reported_of_a_faultless_host(version: int) -> None:
    book = judge(FaultyHost(version=version).run())
    assert book.said() == ""


class LeavingHost(FaultyHost):
    """Its Will of before comes late; it says that it is offline, and goes after `stays_ms`."""

    stays_ms = 0

    def run(self) -> list[Packet]:
        self._connect()
        self._births_come()
        self.hear(STATE, state(False, self.will_ms - 1), 1)
        self._death()
        self.wait(self.stays_ms)
        self.say(wire.disconnect(self.version, 4))
        self.end()
        return self.recorder.log


@pytest.mark.parametrize(("stays_ms", "broken"), [(0, set()), (5_000, {ANSWERS})])
def test_who_leaves_may_say_offline_to_offline_and_who_stays_may_not(
    stays_ms: int, broken: set[str]
) -> None:
    host = LeavingHost()
    host.stays_ms = stays_ms
    assert set(judge(host.run()).broken) == broken


@pytest.mark.parametrize(("fault", "version"), FAULTS)
def test_every_fault_of_an_edge_is_reported(fault: str, version: int) -> None:
    book = judge(FaultyEdge(fault, version=version).run(), primary=HOST)
    expected = set(map(full, FAULTS[fault, version]))
    assert expected <= set(book.broken), f"not reported: {expected - set(book.broken)}"


@pytest.mark.parametrize(("fault", "version"), HOST_FAULTS)
def test_every_fault_of_a_host_is_reported(fault: str, version: int) -> None:
    book = judge(FaultyHost(fault, version=version).run())
    expected = set(map(full, HOST_FAULTS[fault, version]))
    assert expected <= set(book.broken), f"not reported: {expected - set(book.broken)}"


# What the form of the payloads guarantees, and what a node may do or leave alone.
UNBREAKABLE = {
    "tck-id-payloads-metric-datatype-value-type",
    "tck-id-payloads-metric-propertyvalue-type-type",
    "tck-id-payloads-name-cmd-requirement",
    "tck-id-operational-behavior-edge-node-intentional-disconnect-packet",
    "tck-id-operational-behavior-host-application-disconnect-intentional",
    "tck-id-topic-structure-namespace-duplicate-device-id-across-edge-node",
    # It would be broken by never coming back, which no recording shows.
    "tck-id-operational-behavior-edge-node-termination-host-offline-reconnect",
}


def test_every_assertion_that_the_judge_judges_is_broken_by_some_fault() -> None:
    """A judge that can only say yes proves nothing."""
    broken = {full(id) for ids in (*FAULTS.values(), *HOST_FAULTS.values()) for id in ids}
    ends = ("::test_the_edge_keeps", "::test_the_host_keeps")
    judged = {one.id for one in assertions() if any(name.endswith(ends) for name in one.tests)}
    assert judged - broken == UNBREAKABLE
