"""Who comes in at the broker that Refit has configured, and as whom; and whom clients refuse."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from refit.certs import making, work
from refit.certs.folder import Folder
from refit.certs.making import Use, Whom
from refit.main import app
from tests.mqtt.guarded import Guarded, Written, context, keep, prepare, running, write
from tests.mqtt.raw import Client, Refused
from tests.servers import accepts, until
from tests.servers.certificate import certificate
from wire import topics
from wire.topics import Verb

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

LAST = "the/last"


def made(guarded: Guarded, to: Path, whom: Whom, age_days: int = 0, days: int = 30) -> Path:
    """A certificate of the site's authority, of any age."""
    by, key = Folder(guarded.certs).authority(), making.new_key()
    then = making.now() - timedelta(days=age_days)
    return keep(to, key, making.certificate(by, whom, key.public_key(), days, then))


def of_a_stranger(guarded: Guarded, to: Path) -> Path:
    by, key = making.authority("works", [], 30, making.now()), making.new_key()
    signed = making.certificate(
        by, Whom("historian", Use.CLIENT), key.public_key(), 30, making.now()
    )
    return keep(to, key, signed)


def of_himself(guarded: Guarded, to: Path) -> Path:
    to.mkdir()
    certificate(to)
    return to


def of_an_agent_as_authority(guarded: Guarded, to: Path) -> Path:
    """Signed with the key of an agent, which has a certificate of the site."""
    agent = Folder(guarded.certs)
    signer, cert = agent.key("pc-1"), agent.certificate("pc-1")
    assert signer is not None and cert is not None
    key = making.new_key()
    by = making.Authority(signer, making.authority("x", [], 30, making.now()).certificate)
    signed = making.certificate(
        by, Whom("historian", Use.CLIENT), key.public_key(), 30, making.now()
    )
    keep(to, key, signed)
    (to / "cert.pem").write_bytes(
        (to / "cert.pem").read_bytes() + cert.public_bytes(making.serialization.Encoding.PEM)
    )
    return to


def ended(guarded: Guarded, to: Path) -> Path:
    return made(guarded, to, Whom("pc-1", Use.CLIENT), age_days=100)


def not_yet_good(guarded: Guarded, to: Path) -> Path:
    return made(guarded, to, Whom("pc-1", Use.CLIENT), age_days=-30)


def of_the_broker(guarded: Guarded, to: Path) -> Path:
    return guarded.certs / "broker"


STRANGERS: list[Callable[[Guarded, Path], Path]] = [
    of_a_stranger, of_himself, of_an_agent_as_authority, ended, not_yet_good, of_the_broker,
]  # fmt: skip


@pytest.mark.parametrize("how", STRANGERS, ids=lambda one: one.__name__)
def test_who_shows_another_certificate_does_not_come_in(
    guarded: Guarded, tmp_path: Path, how: Callable[[Guarded, Path], Path]
) -> None:
    with pytest.raises(Refused):
        Client(guarded.port, "x", context(guarded.certs / "ca.pem", how(guarded, tmp_path / "own")))


@pytest.mark.parametrize("user", [None, "historian"])
def test_who_shows_none_does_not_come_in_whatever_he_calls_himself(
    guarded: Guarded, user: str | None
) -> None:
    with pytest.raises(Refused):
        Client(guarded.port, "x", context(guarded.certs / "ca.pem"), user=user, password=user)


def test_who_speaks_without_tls_does_not_come_in(guarded: Guarded) -> None:
    with pytest.raises(Refused):
        Client(guarded.port, "x")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(guarded: Guarded, version: ssl.TLSVersion) -> None:
    old = context(guarded.certs / "ca.pem", guarded.certs / "pc-1")
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = version
    with pytest.raises(Refused, match="alert protocol version"):  # the broker's word
        Client(guarded.port, "x", old)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    Client(guarded.port, "x", old).drop()


@pytest.mark.parametrize("cipher", ["AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-SHA", "aNULL"])
def test_weak_ciphers_are_refused(guarded: Guarded, cipher: str) -> None:
    weak = context(guarded.certs / "ca.pem", guarded.certs / "pc-1")
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with pytest.raises(Refused):
        Client(guarded.port, "x", weak)


def test_whoever_comes_in_is_who_his_certificate_says_whatever_he_calls_himself(
    guarded: Guarded,
) -> None:
    forbidden = topics.node("works", Verb.NCMD, "pc-2")
    with guarded.judge("#") as judge:
        with guarded.join("pc-1", user="historian", password="x") as thief:
            thief.publish(forbidden)
            thief.publish(topics.node("works", Verb.NDATA, "pc-1"))
            thief.settle()
        judge.publish(LAST)
        assert judge.hear(LAST) == [topics.node("works", Verb.NDATA, "pc-1"), LAST]


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("stolen", ["pc-1", "id of pc-1", "refit-works-pc-1"])
def test_nobody_is_pushed_out_by_a_stolen_client_id(
    guarded: Guarded, stolen: str, version: int
) -> None:
    with guarded.join("pc-1", version=version) as agent:
        agent.subscribe([topics.node("works", Verb.NCMD, "pc-1")])
        thief = Client(guarded.port, stolen, guarded.context("pc-2"), version=version)
        thief.settle()
        agent.settle()
        assert heard_by(guarded, agent)
        thief.drop()
        with guarded.join("pc-1", version=version), pytest.raises((OSError, EOFError)):
            agent.settle()  # only he himself, coming again, ends his old session


def heard_by(guarded: Guarded, agent: Client) -> bool:
    with guarded.join("historian") as historian:
        historian.publish(topics.node("works", Verb.NCMD, "pc-1"))
        historian.settle()
    return agent.settle() == [topics.node("works", Verb.NCMD, "pc-1")]


def test_who_has_no_client_id_does_not_come_in(guarded: Guarded) -> None:
    with pytest.raises(Refused):
        Client(guarded.port, "", guarded.context("pc-1"))


@pytest.mark.parametrize("keepalive_s", [0, 3600])
def test_who_never_wants_to_be_missed_is_told_otherwise(guarded: Guarded, keepalive_s: int) -> None:
    """In MQTT 5; one of 3.1.1 cannot be told, and Mosquitto 2.0.11 lets it be."""
    with guarded.join("pc-1", version=5, keepalive_s=keepalive_s) as client:
        assert b"\x13\x00\x3c" in client.welcome


def test_a_revoked_key_opens_nothing_any_more(tmp_path: Path) -> None:
    with running(tmp_path) as guarded:
        guarded.join("pc-1").drop()
        work.revoke(guarded.certs, ["pc-1"])
        guarded.broker.stop()
        guarded.broker.start()
        with pytest.raises(Refused):
            guarded.join("pc-1")
        guarded.join("pc-2").drop()
        work.issue(guarded.certs, [Whom("pc-1", Use.CLIENT)], 30, lambda *_: None, skip=False)
        guarded.join("pc-1").drop()


def test_the_doctor_says_whether_broker_and_account_take_each_other(tmp_path: Path) -> None:
    def told(*words: str) -> str:
        line = ["doctor", "--json", "--site", str(tmp_path / "site.toml"), *words]
        findings = json.loads(CliRunner().invoke(app, line).stdout)
        return next(str(one["found"]) for one in findings if one["what"] == "broker: TLS")

    with running(tmp_path) as guarded:
        work.revoke(guarded.certs, ["pc-1"])
        guarded.broker.stop()
        guarded.broker.start()
        assert told("--agent", "pc-2") == "pc-2 and the broker take each other"
        assert told() == "historian and the broker take each other"
        assert "certificate_revoked" in told("--agent", "pc-1").replace(" ", "_")
        work.begin(tmp_path / "other", "works", [], 30)
        shutil.copy(tmp_path / "other/ca.pem", guarded.certs / "ca.pem")
        assert "certificate" in told("--agent", "pc-2")
        (guarded.certs / "ca.pem").unlink()
        assert "there is no such file" in told("--agent", "pc-2")


def test_what_a_reload_brings_in(tmp_path: Path) -> None:
    """New rights, revocations and certificates; who is in already stays until it is restarted."""
    with running(tmp_path) as guarded:
        topic = topics.node("works", Verb.NDATA, "pc-1")
        less = guarded.site.model_copy(update={"agents": guarded.site.agents[1:]})
        write(less, tmp_path / "broker", guarded.certs)
        inside = guarded.join("historian")
        guarded.broker.reload()

        def silent() -> bool:
            with guarded.judge("#") as judge:
                with guarded.join("pc-1") as agent:
                    agent.publish(topic)
                    agent.settle()
                judge.publish(LAST)
                return judge.hear(LAST) == [LAST]

        until(silent, "pc-1 may say nothing any more", 60)
        work.revoke(guarded.certs, ["pc-1"])
        guarded.broker.reload()
        until(lambda: not comes_in(guarded, "pc-1"), "the revoked one stays outside", 60)
        old = serial(guarded)
        assert comes_in(guarded, "pc-2")
        inside.settle()
        inside.drop()
        work.renew(guarded.certs, ["broker"], 0, 30, lambda *_: None, new_key=True)
        guarded.broker.reload()
        until(lambda: serial(guarded) != old, "the broker shows its new certificate", 60)


def comes_in(guarded: Guarded, name: str) -> bool:
    try:
        guarded.join(name).drop()
    except Refused:
        return False
    return True


def serial(guarded: Guarded) -> int:
    pem = ssl.get_server_certificate(
        ("localhost", guarded.port), ca_certs=str(guarded.certs / "ca.pem")
    )
    return making.x509.load_pem_x509_certificate(pem.encode()).serial_number


def test_with_passwords_the_same_holds(tmp_path: Path) -> None:
    site, written = prepare(tmp_path)
    write(site, written, tmp_path / "certs", by_password=True)
    for name in ("pc-1", "historian"):
        create = [] if name == "historian" else ["-c"]
        command = ["mosquitto_passwd", *create, "-b", written / "passwords", name, f"{name}!"]
        subprocess.run(command, check=True, capture_output=True)
    with Written(tmp_path, written, site.broker.port) as broker:
        until(lambda: accepts(broker.open), "it listens at the test's own port", 60)
        guarded = Guarded(tmp_path, site, broker.port, broker.open, broker)
        tls = context(guarded.certs / "ca.pem")
        own, foreign = (topics.node("works", verb, "pc-1") for verb in (Verb.NDATA, Verb.NCMD))
        for user, word in ((None, None), ("pc-1", None), ("pc-1", "x"), ("historian", "pc-1!")):
            with pytest.raises(Refused):
                Client(guarded.port, "x", tls, user=user, password=word)
        with pytest.raises(Refused):
            Client(guarded.port, "x", user="pc-1", password="pc-1!")
        with guarded.judge("#") as judge:
            with Client(guarded.port, "x", tls, user="pc-1", password="pc-1!") as agent:
                agent.subscribe(["#"])
                with Client(
                    guarded.port, "pc-1", tls, user="historian", password="historian!"
                ) as h:
                    h.publish(topics.recorded("works", "pc-1"))
                    h.publish(topics.recorded("works", "pc-2"))
                    h.settle()
                for topic in (foreign, own, topics.state("historian")):
                    agent.publish(topic)
                assert agent.settle() == [topics.recorded("works", "pc-1")]
            judge.publish(LAST)
            assert judge.hear(LAST)[2:] == [own, LAST]
