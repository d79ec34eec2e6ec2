"""`refit check --live` looks names up: a machine may be outside of its cell network by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from refit import check_live
from wire.site import load

SITE = """
[site]
name = "works"
cells = ["10.7.0.0/16"]
[[agent]]
name = "pc-1"
[[station]]
name = "meter"
kind = "device"
agent = "pc-1"
tags = "meter.csv"
modbus = { url = "tcp://meter.example" }
"""
CSV = "name,address,type\nlevel,input 1 uint16,int\n"


@pytest.mark.parametrize(
    ("addresses", "warned"),
    [(["10.7.1.1"], False), ([], False), (["127.0.0.1"], False), (["10.7.1.1", "192.0.2.9"], True)],
)
def test_a_name_that_leads_out_of_the_cell_is_warned_of(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    addresses: list[str],
    warned: bool,
) -> None:
    (tmp_path / "meter.csv").write_text(CSV)
    (tmp_path / "site.toml").write_text(SITE)
    site = load(tmp_path / "site.toml")
    monkeypatch.setattr(check_live, "addresses_of", lambda host: addresses)
    check_live.show_strays(site, site.stations)
    said = capsys.readouterr().err
    assert ("meter: meter.example is 192.0.2.9, outside of the cell network" in said) == warned
    assert bool(said) == warned


def test_a_name_that_nobody_knows_has_no_address() -> None:
    assert check_live.addresses_of("no-such-host.invalid") == []
    assert "127.0.0.1" in check_live.addresses_of("localhost")
