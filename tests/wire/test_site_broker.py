"""The broker of a site: accounts of each who comes in, and what `refit check` warns of."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.servers.certificate import certificate
from tests.wire.test_site import CSV, SMALL
from wire.access import Role, accounts
from wire.certificates import ending, for_others, seconds_left
from wire.site import Problem, examine, load
from wire.site.brokers import BrokerConfig
from wire.site.problems import Wrong

TLS = """
[broker]
url = "mqtts://broker.plant.example:8883"
username = "{name}"
ca_file = "certs/ca.pem"
cert_file = "certs/{name}/cert.pem"
key_file = "certs/{name}/key.pem"
"""


def written(folder: Path, text: str) -> Path:
    (folder / "meter.csv").write_text(CSV)
    (folder / "site.toml").write_text(SMALL + text)
    return folder / "site.toml"


def warnings(folder: Path, text: str) -> list[Problem]:
    return list(examine(written(folder, text)).warnings)


def test_name_stands_for_whoever_comes_in(tmp_path: Path) -> None:
    broker = load(written(tmp_path, TLS)).broker
    mine = broker.of("pc-1")
    assert mine.username == "pc-1"
    assert mine.cert_file == tmp_path / "certs/pc-1/cert.pem"
    assert mine.key_file == tmp_path / "certs/pc-1/key.pem"
    assert (mine.ca_file, mine.url) == (broker.ca_file, broker.url)
    assert BrokerConfig().of("pc-1") == BrokerConfig()


def test_the_files_of_one_of_them_are_enough_on_a_machine(tmp_path: Path) -> None:
    for name in ("ca.pem", "historian/cert.pem", "historian/key.pem"):
        path = tmp_path / "certs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
    assert warnings(tmp_path, TLS) == []
    (tmp_path / "certs/historian/cert.pem").unlink()
    assert [one.what for one in warnings(tmp_path, TLS)] == [
        "certs/{name}/cert.pem is not on this machine"
    ]


def test_a_key_for_everybody_is_warned_of(tmp_path: Path) -> None:
    test_the_files_of_one_of_them_are_enough_on_a_machine(tmp_path)
    key = tmp_path / "certs/historian/key.pem"
    key.chmod(0o640)
    assert not for_others(key)
    key.chmod(0o644)
    assert for_others(key)
    assert f"chmod 600 {key}" in [one.hint for one in warnings(tmp_path, TLS)]


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("mqtt://10.0.0.5:1883", "anybody on the way"),
        ("mqtt://broker.plant.example", "anybody on the way"),
        ("mqtts://broker.plant.example", "without an account"),
        ("mqtt://127.0.0.1:1883", ""),
        ("mqtt://localhost", ""),
        ("embedded", ""),
    ],
)
def test_a_broker_where_nobody_is_told_from_another_is_warned_of(
    tmp_path: Path, url: str, what: str
) -> None:
    found = warnings(tmp_path, f'\n[broker]\nurl = "{url}"\n')
    assert len(found) == bool(what)
    assert all(what in one.what and one.key == "broker.url" and one.hint for one in found)


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ('[broker]\ncontroller = "pc-1"', (Role.AGENT, Role.CONTROLLER)),
        ('[broker]\nviewers = ["a", "a"]', (Role.VIEWER, Role.VIEWER)),
        ('[historian]\nname = "viewer"', (Role.HISTORIAN, Role.VIEWER)),
    ],
)
def test_two_with_one_account_are_refused(
    tmp_path: Path, text: str, roles: tuple[Role, Role]
) -> None:
    with pytest.raises(Wrong, match=f"name of the {roles[0]} and of the {roles[1]}"):
        accounts(load(written(tmp_path, f"\n{text}\n")))


def test_a_station_of_another_is_nobody_elses_to_speak_for(tmp_path: Path) -> None:
    site = load(written(tmp_path, ""))
    before, after = accounts(site)[0], accounts(site, [("pc-1", "old"), ("pc-9", "x")])[0]
    gained = set(after.publishes) - set(before.publishes)
    assert gained == {f"spBv1.0/works/{verb}/pc-1/old" for verb in ("DBIRTH", "DDATA", "DDEATH")}
    assert not any("#" in topic for one in accounts(site) for topic in one.publishes + one.reads)


def test_a_certificate_that_ends_is_a_problem_in_its_last_week(tmp_path: Path) -> None:
    file, _ = certificate(tmp_path)  # good for a day from now
    now_ms = round(time.time() * 1000)
    left = seconds_left(file, now_ms)
    assert left is not None and 86_000 < left <= 86_400
    assert "ends in 1 days" in ending(file, now_ms)
    assert "has ended" in ending(file, now_ms + 2 * 86_400_000)
    assert ending(file, now_ms - 7 * 86_400_000) == ending(None, 0) == ""
    der = tmp_path / "cert.der"
    der.write_bytes(x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(Encoding.DER))
    assert seconds_left(der, now_ms) == left


def test_of_a_certificate_that_cannot_be_read_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("-----BEGIN")
    assert seconds_left(None, 0) is None
    assert seconds_left(tmp_path / "x.pem", 0) is None
    assert seconds_left(tmp_path / "none.pem", 0) is None


SERVERS = """
[broker]
url = "mqtts://a.plant.example"
others = ["mqtts://b.plant.example", "mqtts://a.plant.example:8884"]
"""


def test_a_site_may_have_several_servers(tmp_path: Path) -> None:
    broker = load(written(tmp_path, SERVERS + TLS.partition('8883"')[2])).broker
    servers = broker.of("pc-1").servers
    assert [(one.host, one.port) for one in servers] == [
        ("a.plant.example", 8883), ("b.plant.example", 8883), ("a.plant.example", 8884),
    ]  # fmt: skip
    assert {(one.username, one.tls, one.others) for one in servers} == {("pc-1", True, ())}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('others = ["mqtt://b"]', "beside the embedded"),
        ('url = "mqtt://a"\nothers = ["mqtts://b"]', "with and without TLS"),
        ('url = "mqtt://a"\nothers = ["mqtt://a:1883"]', "one server twice"),
        ('url = "mqtt://a"\nothers = ["http://b"]', "http"),
        ('url = "mqtt://a"\nothers = ["embedded"]', "embedded"),
    ],
)
def test_servers_that_do_not_go_together_are_told(tmp_path: Path, text: str, what: str) -> None:
    (problem, *_) = examine(written(tmp_path, f"\n[broker]\n{text}\n")).problems
    assert what in f"{problem.what} {problem.hint}"
    assert problem.key.startswith("broker")
