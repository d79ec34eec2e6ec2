"""The judge is judged: it finds every fault of a faulty edge and host, and none where is none."""

from __future__ import annotations

import pytest

from tests.sparkplug.doubles.edge import HOST, FaultyEdge
from tests.sparkplug.doubles.edge_faults import FAULTS
from tests.sparkplug.doubles.host import FaultyHost
from tests.sparkplug.doubles.host_faults import FAULTS as HOST_FAULTS
from tests.sparkplug.judge import judge
from tests.sparkplug.judge.book import full


@pytest.mark.parametrize("version", [4, 5])
def test_nothing_is_reported_of_a_faultless_edge(version: int) -> None:
    book = judge(FaultyEdge(version=version).run(), primary=HOST)
    assert book.said() == ""


@pytest.mark.parametrize("version", [4, 5])
def test_nothing_is_reported_of_a_faultless_host(version: int) -> None:
    book = judge(FaultyHost(version=version).run())
    assert book.said() == ""


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
