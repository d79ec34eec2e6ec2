"""What a site file opens: doors without a lock, machines outside of the cell, secrets in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from wire.site import examine

SITE = """
[site]
name = "works"
{cells}
[[agent]]
name = "pc-1"
{agent}
[[station]]
name = "meter-1"
kind = "device"
agent = "pc-1"
tags = "meter.csv"
modbus.url = "tcp://{modbus}"
opcua = {{ url = "opc.tcp://{opcua}"{security} }}
{more}
"""
CSV = "name,address,type\nenergy,input 0 int32,int\nforce,ns=1;s=F,float\n"


def _examined(folder: Path, more: str = "", **words: str) -> tuple[list[str], list[str]]:
    """Errors and warnings, each as key and words."""
    given = {
        "cells": "", "agent": "", "modbus": "10.0.0.6", "opcua": "10.0.0.5", "security": "",
    }  # fmt: skip
    (folder / "meter.csv").write_text(CSV)
    (folder / "site.toml").write_text(SITE.format(**{**given, **words, "more": more}))
    found = examine(folder / "site.toml")
    shown = [[f"{one.key}: {one.what}" for one in of] for of in (found.problems, found.warnings)]
    return shown[0], shown[1]


CELL = 'cells = ["10.0.0.0/24", "fd00::/64"]'


def test_a_machine_without_security_outside_of_the_cell_is_a_warning(tmp_path: Path) -> None:
    assert _examined(tmp_path) == ([], [])
    assert _examined(tmp_path, cells=CELL) == ([], [])
    errors, warnings = _examined(tmp_path, cells=CELL, modbus="10.0.1.6", opcua="192.168.1.2")
    assert not errors and [one.partition(": ")[0] for one in warnings] == [
        "station.meter-1.opcua.url", "station.meter-1.modbus.url",
    ]  # fmt: skip
    assert "at 10.0.1.6 is outside of the cell network 10.0.0.0/24 or fd00::/64" in warnings[1]


@pytest.mark.parametrize(
    "words",
    [
        {"modbus": "127.0.0.1:1502", "opcua": "[::1]:4840"},
        {"modbus": "meter.example", "opcua": "[fd00::7]"},
        {"opcua": "10.9.9.9", "security": ', security = "Basic256Sha256,SignAndEncrypt"'},
        {"modbus": "10.9.9.9", "opcua": "10.9.9.8", "agent": 'cells = ["10.9.9.0/28"]'},
        {"modbus": "10.9.9.9", "agent": "cells = []"},
    ],
)
def test_what_is_not_outside(tmp_path: Path, words: dict[str, str]) -> None:
    assert _examined(tmp_path, cells=CELL, **words) == ([], [])


def test_nothing_is_written_over_modbus_unless_it_is_a_command_that_is_named(
    tmp_path: Path,
) -> None:
    [error], _ = _examined(tmp_path, agent="", modbus='h"\nmodbus.writes = ["energy"]\n#')
    assert 'has no command "energy" at a Modbus register' in error


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "10.0.0.1/24", "here", ""])
def test_a_cell_is_a_network(tmp_path: Path, wrong: str) -> None:
    [error], _ = _examined(tmp_path, cells=f'cells = ["{wrong}"]')
    assert error.startswith("site.cells") and "is no network" in error


def test_nobody_answers_other_machines_without_tls_and_a_token(tmp_path: Path) -> None:
    open_to_all = '[historian]\nlisten = "0.0.0.0"\n'
    assert _examined(tmp_path, open_to_all)[0] == [
        "historian.listen: answers other machines without TLS and a token"
    ]
    assert _examined(tmp_path, agent='listen = "10.0.0.9"')[0] == [
        "agent.pc-1.listen: answers other machines without TLS and a token"
    ]
    token = open_to_all + '[http]\ntoken_env = "TOKEN"\n'
    assert _examined(tmp_path, token)[0] == ["historian.listen: answers other machines without TLS"]
    whole = token + 'cert_file = "c.pem"\nkey_file = "k.pem"\n'
    assert _examined(tmp_path, whole)[0] == []
    assert _examined(tmp_path, '[historian]\nlisten = "127.0.0.2"\n')[0] == []


SECRET = "aXs-never-shown"


@pytest.mark.parametrize(
    "more",
    [
        '[broker]\nurl = "mqtt://me:{}@h:1883"\n',
        '[broker]\nurl = "mqtts://me:{}@h:0"\n',
        '[broker]\nurl = "mqtt://me:{}@h:port"\n',
        '[broker]\nurl = "http://me:{}@h"\n',
        '[store]\nurl = "influxdb://me:{}@h/db"\nversion = "1"\n',
        '[ledger]\nurl = "postgresql://me:{}@h/db"\n',
        '[ledger]\nurl = "mysql://me:{}@h/db"\n',
        '[media]\nurl = "https://me:{}@h:9180"\n',
        '[media]\nurl = "https://me:{}@h:9180/path"\n',
        '[broker]\npassword = "{}"\n',
        '[broker]\nusername = "u"\npasword = "{}"\n',
        '[http]\ntoken = "{}"\n',
        '[store]\nurl = "influxdb://h:8086/db?u=me&p={}"\nversion = "1"\n',
    ],
)
def test_a_secret_in_the_site_file_is_refused_and_not_repeated(tmp_path: Path, more: str) -> None:
    errors, _ = _examined(tmp_path, more.format(SECRET))
    assert errors and not any(SECRET in one for one in errors)


@pytest.mark.parametrize("key", ["modbus", "opcua"])
def test_a_secret_in_the_url_of_a_machine_is_refused(tmp_path: Path, key: str) -> None:
    errors, _ = _examined(tmp_path, **{key: f"me:{SECRET}@h"})
    assert len(errors) == 1 and SECRET not in errors[0] and "password" in errors[0]
