"""The faults that only a store and a broker of other makers can have, and those that stop them."""

from __future__ import annotations

from pathlib import Path

import pytest

from refit.chaos.fault import Fault
from tests.chaos.test_random import endure

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]
TOO = ("broker-killed", "store-away", "all-killed", "broker-killed-flush")


def is_of_servers(fault: Fault) -> bool:
    return bool(fault.needs & {"influxdb", "mosquitto"}) or fault.name in TOO


def test_nothing_is_lost_with_influxdb_and_mosquitto(
    seed: int, length: float, tmp_path: Path
) -> None:
    endure("influxdb", "mosquitto", seed, length, tmp_path, is_of_servers)
