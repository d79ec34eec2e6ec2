"""What is asked for in words, and what a register could be: nothing of it needs a device."""

from __future__ import annotations

import pytest

from edge.browse.modbus import config_of
from edge.browse.modbus_rows import Reading, hint, spans_of
from stations.declare import Register
from wire.site.problems import Wrong


def test_a_url_is_a_connection() -> None:
    config = config_of("modbus://meter.example:1502?unit=7&timeout=2 s")
    assert (config.host, config.port, config.unit, config.timeout_ms) == (
        "meter.example",
        1502,
        7,
        2000,
    )
    assert config_of("modbus://meter.example").port == 502
    serial = config_of("rtu:/dev/ttyUSB0?baud=19200&parity=E&unit=3")
    assert (serial.device, serial.baudrate, serial.parity, serial.unit) == (
        "/dev/ttyUSB0",
        19200,
        "E",
        3,
    )


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("modbus://h?unti=7", "no setting"),
        ("modbus://h?unit=x", "a number from 0 to 255"),
        ("modbus://h?unit=300", "255"),
        ("modbus://", "names no host"),
        ("rtu:/dev/x?bauds=1", "baud"),
    ],
)
def test_a_wrong_url_is_said(url: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        config_of(url)
    assert why in f"{caught.value} {getattr(caught.value, 'hint', '')}"


def test_hints_show_what_a_register_could_be() -> None:
    words = {0: 0x4366, 1: 0x8000, 2: 0, 3: 0, 4: 0x5265, 5: 0x6669, 6: 0x7400}
    assert hint(words, Register("input", 0)) == (
        "read 17254; float32 ABCD 230.5; "
        "uint32 ABCD 1130790912, BADC 1715667072, CDAB 2147500902, DCBA 8414787"
    )
    assert hint(words, Register("input", 1)).startswith("read 32768; int16 -32768; ")
    assert hint(words, Register("input", 2)) == "read 0"
    assert 'text/3 "Refit"' in hint(words, Register("input", 4))
    assert hint(words, Register("input", 0, "float32")) == "read 230.5"
    assert hint(words, Register("input", 4, "text", size=3)) == "read Refit"
    assert hint({0: 0x7FC0, 1: 0}, Register("input", 0, "float32")) == "read nothing"


@pytest.mark.parametrize("text", ["holdng 0-9", "9-0", "0-65536", "x", ""])
def test_a_wrong_range_is_said(text: str) -> None:
    with pytest.raises(Wrong):
        spans_of(text)


@pytest.mark.parametrize("text", ["flaot32", "", "input 0-9", "float32*4", "input 0-9 float32 AB"])
def test_a_wrong_format_is_said(text: str) -> None:
    with pytest.raises(Wrong):
        Reading.of(text)
