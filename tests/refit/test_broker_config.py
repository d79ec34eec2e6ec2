"""`refit broker-config`: what it writes, what it refuses, what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from refit.main import app

SITE = """
[site]
name = "works"
[broker]
url = "{url}"
[[agent]]
name = "{agent}"
[[station]]
name = "meter-1"
kind = "device"
agent = "{agent}"
tags = "meter.csv"
modbus = {{ url = "tcp://127.0.0.1:502" }}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a site file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "meter.csv").write_text("name,address,type\npower,input 0 float32,float\n")
    write()
    return tmp_path


def write(url: str = "mqtts://broker.example", agent: str = "pc-1") -> None:
    Path("site.toml").write_text(SITE.format(url=url, agent=agent))


def config(*words: str) -> Result:
    line = ["broker-config", "--site", "site.toml", "--to", "made", *words]
    return CliRunner().invoke(app, line, catch_exceptions=False)


def test_it_says_where_the_broker_finds_its_files() -> None:
    result = config("--at", "/mosquitto/config")
    assert result.exit_code == 0, result.output
    assert "accounts: pc-1, historian, line-controller, viewer" in result.output
    text = Path("made/mosquitto.conf").read_text()
    assert "\nlistener 8883\n" in text
    assert "\ncertfile /mosquitto/config/broker/cert.pem\n" in text
    assert "\nacl_file /mosquitto/config/access.acl\n" in text
    config("--certs", "certs", "--listen", "10.0.0.5")
    text = Path("made/mosquitto.conf").read_text()
    assert "\nlistener 8883 10.0.0.5\n" in text
    assert f"\ncafile {Path.cwd() / 'certs/ca.pem'}\n" in text
    config("--passwords")
    text = Path("made/mosquitto.conf").read_text()
    assert "password_file" in text and "require_certificate" not in text and "crlfile" not in text
    assert "\nallow_anonymous false\n" in text


FOREIGN = """
[[foreign]]
name = "oven-1"
edge = "plc-7"
device = "Oven 1"
[[foreign]]
name = "press-1"
edge = "plc-7"
"""


def test_an_edge_node_of_another_maker_has_an_account_and_no_rights_of_ours() -> None:
    with Path("site.toml").open("a") as file:
        file.write(FOREIGN)
    result = config()
    assert "accounts: pc-1, plc-7, historian, line-controller, viewer" in result.output
    text = Path("made/access.acl").read_text()
    own = text.partition("user plc-7\n")[2].partition("\n\n")[0].splitlines()
    says = ("NBIRTH/plc-7", "NDATA/plc-7", "NDEATH/plc-7", "DBIRTH/plc-7/Oven 1",
            "DDATA/plc-7/Oven 1", "DDEATH/plc-7/Oven 1")  # fmt: skip
    hears = ("works/NCMD/plc-7", "works/DCMD/plc-7/+", "STATE/historian")
    wanted = [f"topic write spBv1.0/works/{one}" for one in says]
    assert own == [*wanted, *(f"topic read spBv1.0/{one}" for one in hears)]


def test_a_station_of_before_may_be_named() -> None:
    assert config("--also", "pc-1/old 1").exit_code == 0
    assert "topic write spBv1.0/works/DDATA/pc-1/old 1\n" in Path("made/access.acl").read_text()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--also", "pc-9/x"), "pc-9"),
        (("--also", "pc-1/a\nuser thief"), "name in a topic"),
        (("--also", "pc-1/+"), "name in a topic"),
        (("--listen", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_is_refused(words: tuple[str, ...], why: str) -> None:
    result = config(*words)
    assert result.exit_code == 2
    assert why in result.output
    assert not Path("made").exists()


@pytest.mark.parametrize(
    ("url", "agent", "why"),
    [
        ("embedded", "pc-1", "mqtts://"),
        ("mqtt://broker.example", "pc-1", "nobody is told from another"),
        ("mqtts://broker.example", "historian", "name of the agent and of the historian"),
        ("mqtts://broker.example", "viewer", "a name of its own"),
    ],
)
def test_a_site_that_cannot_be_guarded_is_refused(url: str, agent: str, why: str) -> None:
    write(url, agent)
    result = config()
    assert result.exit_code == 2
    assert why in result.output


def test_what_somebody_else_has_written_is_left_alone() -> None:
    assert config().exit_code == config().exit_code == 0
    Path("made/mosquitto.conf").write_text("listener 1883\n")
    result = config()
    assert result.exit_code == 2
    assert "was not written by this command" in result.output
    assert Path("made/mosquitto.conf").read_text() == "listener 1883\n"
