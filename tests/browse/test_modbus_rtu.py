"""Browsing a device on a serial line (a pseudo terminal)."""

from __future__ import annotations

import pytest

from edge.browse import modbus
from edge.browse.modbus import Options, config_of
from edge.browse.modbus_asker import Manners
from edge.browse.modbus_rows import spans_of
from tests.sources.test_modbus_rtu import Slave

pytestmark = pytest.mark.system


async def test_a_device_on_a_serial_line_is_found_like_any_other() -> None:
    slave = Slave()
    config = config_of(f"rtu:{slave.device}?baud=115200&unit=9&timeout=200 ms")
    spans = tuple(spans_of("holding 0-99"))
    found = await modbus.browse(config, Options(spans, manners=Manners(pause_ms=1)))
    slave.close()
    # The slave says the address plus 100 for every register.
    assert [row.hint.partition(";")[0] for row in found.rows] == [
        f"read {address + 100}" for address in range(100)
    ]
    assert found.skipped == []
