"""The doctor on this machine: what is there is found, what is wrong is said."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner

from refit.doctor import probes
from refit.main import app
from tests.servers.garbage import garbage

SITE = """
[site]
name = "works"
[broker]
url = "mqtts://127.0.0.1:{broker}"
password_file = "broker.password"
ca_file = "ca.pem"
[outbox]
folder = "var"
[[agent]]
name = "pc-1"
http = {http}
[[station]]
name = "meter-1"
kind = "device"
agent = "pc-1"
tags = "meter.csv"
modbus = {{ url = "tcp://127.0.0.1:{device}" }}
"""


def certificate(days: int) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "plant")])
    until = datetime.now(UTC) + timedelta(days=days)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1)
        .not_valid_before(until - timedelta(days=900)).not_valid_after(until)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def looked(*words: str) -> tuple[int, dict[str, dict[str, str]]]:
    result = CliRunner().invoke(app, ["doctor", "--json", *words])
    return result.exit_code, {one["what"]: one for one in orjson.loads(result.stdout)}


def site_file(folder: Path, broker: int, http: int, device: int) -> str:
    (folder / "meter.csv").write_text(
        "name,address,type,doc\npower,holding 0 uint16,int,Power drawn now.\n"
    )
    (folder / "var").mkdir()
    path = folder / "site.toml"
    path.write_text(SITE.format(broker=broker, http=http, device=device))
    return str(path)


def test_this_machine_has_the_libraries_that_refit_needs() -> None:
    code, found = looked()
    assert code == 0
    assert found["libraries"]["level"] == found["Python"]["level"] == "ok"


def test_a_station_pc_is_looked_over(tmp_path: Path, listening: int, closed: int) -> None:
    (tmp_path / "broker.password").write_text("secret")
    (tmp_path / "broker.password").chmod(0o604)
    (tmp_path / "ca.pem").write_bytes(certificate(20))
    path = site_file(tmp_path, broker=listening, http=listening, device=closed)
    code, found = looked("--site", path, "--agent", "pc-1")
    assert code == 1
    assert found["broker"]["level"] == "ok"
    assert found["outbox: fsync"]["found"].endswith(" ms")
    assert (found["secret"]["level"], found["certificate"]["level"]) == ("warn", "warn")
    assert found["meter-1, Modbus"]["level"] == "fail"
    assert f"127.0.0.1:{closed}: connection refused" in found["meter-1, Modbus"]["found"]
    assert found["port of agent pc-1"]["level"] == "fail"  # this test has it
    assert "store" not in found


def test_files_that_are_no_certificates_or_not_there_are_said(tmp_path: Path, closed: int) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    _, found = looked("--site", site_file(tmp_path, broker=closed, http=closed, device=closed))
    assert found["certificate"]["level"] == found["secret"]["level"] == "fail"
    assert found["port of agent pc-1"]["found"] == f"{closed} is free"
    assert found["store"]["level"] == "ok"


def test_an_agents_token_for_the_media_store_is_looked_at_and_no_secret_of_the_server(
    tmp_path: Path, closed: int
) -> None:
    (tmp_path / "broker.password").write_text("secret")
    (tmp_path / "ca.pem").write_bytes(certificate(200))
    path = Path(site_file(tmp_path, broker=closed, http=closed, device=closed))
    media = f'url = "http://127.0.0.1:{closed}"\ntoken_file = "token"\ntokens_file = "tokens"'
    path.write_text(f"{path.read_text()}\n[media]\n{media}\n")
    result = CliRunner().invoke(app, ["doctor", "--json", "--site", str(path), "--agent", "pc-1"])
    secrets = [one["found"] for one in orjson.loads(result.stdout) if one["level"] == "fail"]
    assert f"{tmp_path}/token cannot be read" in secrets
    assert f"{tmp_path}/tokens cannot be read" not in secrets


def test_one_authority_of_a_bundle_that_has_expired_is_no_harm(tmp_path: Path, closed: int) -> None:
    (tmp_path / "broker.password").write_text("secret")
    (tmp_path / "ca.pem").write_bytes(certificate(-20) + certificate(200))
    _, found = looked("--site", site_file(tmp_path, broker=closed, http=closed, device=closed))
    assert found["certificate"]["level"] == "ok"


def test_a_store_that_speaks_no_http_is_no_end_of_the_look(tmp_path: Path, closed: int) -> None:
    path = Path(site_file(tmp_path, broker=closed, http=closed, device=closed))
    with garbage() as port:
        store = f'url = "influxdb://127.0.0.1:{port}/refit"\nversion = "1.8"'
        path.write_text(f"{path.read_text()}\n[store]\n{store}\n")
        _, found = looked("--site", str(path))
    assert found["store"]["level"] == "ok" and "clock of store" not in found


def test_an_agent_that_is_not_in_the_site_is_refused(tmp_path: Path) -> None:
    path = site_file(tmp_path, 1, 1, 1)
    result = CliRunner().invoke(app, ["doctor", "--site", path, "--agent", "pc-2"])
    assert result.exit_code == 2
    assert "no agent 'pc-2'; known are pc-1" in result.stderr


def test_the_table_ends_with_a_count() -> None:
    out = CliRunner().invoke(app, ["doctor"]).stdout
    assert "libraries" in out
    assert out.splitlines()[-1].split()[1] == "ok," or out.splitlines()[-1].endswith(" ok")


def test_the_disk_is_asked_and_nothing_is_left_on_it(tmp_path: Path) -> None:
    assert (probes.sync_ms(tmp_path) or 0) > 0
    assert os.listdir(tmp_path) == []
    assert probes.sync_ms(tmp_path / "none") is None
    assert probes.free(tmp_path / "none" / "below") > 0
    assert probes.file_system(tmp_path / "none") == probes.file_system(tmp_path)
