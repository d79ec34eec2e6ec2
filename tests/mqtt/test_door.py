"""Who comes in at the broker that Refit has configured, and as whom; and whom clients refuse."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from refit.certs import making, work
from refit.certs.folder import Folder, pem_of
from refit.certs.making import Use, Whom
from tests.mqtt.guarded import Guarded, Written, prepare, write
from tests.mqtt.raw import Client, Refused
from tests.servers import accepts, until
from tests.servers.certificate import certificate
from wire import topics
from wire.topics import Verb

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

LAST = "the/last"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The site and its broker."""
    with _guarded(tmp_path_factory.mktemp("door")) as found:
        yield found


@contextmanager
def _guarded(folder: Path) -> Iterator[Guarded]:
    site, written = prepare(folder)
    with Written(folder, written, site.broker.port) as broker:
        until(lambda: accepts(broker.open), "it listens at the test's own port", 60)
        yield Guarded(folder, site, broker.port, broker.open, broker)


def context(ca: Path, own: Path | None = None) -> ssl.SSLContext:
    """TLS that verifies the broker and shows a certificate, without any check of our own."""
    found = ssl.create_default_context(cafile=ca)
    if own is not None:
        found.load_cert_chain(own / "cert.pem", own / "key.pem")
    return found


def made(guarded: Guarded, to: Path, whom: Whom, age_days: int = 0, days: int = 30) -> Path:
    """A certificate of the site's authority, of any age."""
    by, key = Folder(guarded.certs).authority(), making.new_key()
    then = making.now() - timedelta(days=age_days)
    return keep(to, key, making.certificate(by, whom, key.public_key(), days, then))


def keep(to: Path, key: making.Key, signed: making.x509.Certificate) -> Path:
    to.mkdir(exist_ok=True)
    (to / "cert.pem").write_bytes(signed.public_bytes(making.serialization.Encoding.PEM))
    (to / "key.pem").write_bytes(pem_of(key))
    return to


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


@pytest.mark.parametrize("host", ["127.0.0.2", "broker.example", "pc-1"])
def test_a_broker_with_another_name_is_refused(guarded: Guarded, host: str) -> None:
    with pytest.raises(Refused, match="certificate"):
        Client(guarded.port, "x", guarded.context("pc-1"), host=host)


def test_a_broker_of_another_authority_is_refused(guarded: Guarded, tmp_path: Path) -> None:
    work.begin(tmp_path / "certs", "works", [], 30)
    own = guarded.certs / "pc-1"
    with pytest.raises(Refused, match="certificate"):
        Client(guarded.port, "x", context(tmp_path / "certs" / "ca.pem", own))


@pytest.mark.parametrize("name", ["pc-1", "foreign"])
def test_who_is_no_broker_cannot_play_one(guarded: Guarded, tmp_path: Path, name: str) -> None:
    """With the key of an agent, or with a name for which the authority may not vouch at all."""
    own = guarded.certs / name
    if name == "foreign":
        key, by = making.new_key(), Folder(guarded.certs).authority()
        wide = making.authority("works", ["bank.example"], 30, making.now())
        by = making.Authority(by.key, renamed(wide, by))
        whom = Whom("broker", Use.SERVER, ("www.bank.example",))
        own = keep(
            tmp_path / "own", key,
            making.certificate(by, whom, key.public_key(), 30, making.now()),
        )  # fmt: skip
    host = "www.bank.example" if name == "foreign" else "localhost"
    assert shakes_hands(guarded, own, host) is False
    assert shakes_hands(guarded, guarded.certs / "broker", "localhost")


def renamed(wide: making.Authority, by: making.Authority) -> making.x509.Certificate:
    """What a thief of the authority's key believes the authority to be."""
    assert wide.certificate.subject == by.certificate.subject
    key = by.certificate.public_key()
    builder = making.x509.CertificateBuilder(
        wide.certificate.issuer, wide.certificate.subject, key,  # type: ignore[arg-type]
        wide.certificate.serial_number, making.now(), wide.certificate.not_valid_after_utc,
        list(wide.certificate.extensions),
    )  # fmt: skip
    return builder.sign(by.key, making.hashes.SHA256())


def shakes_hands(guarded: Guarded, own: Path, host: str) -> bool:
    """Whether a client of the site takes a server with these files for a host."""
    ours, theirs = (ssl.MemoryBIO(), ssl.MemoryBIO())
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(own / "cert.pem", own / "key.pem")
    client = guarded.context("pc-2").wrap_bio(ours, theirs, server_hostname=host)
    other = server.wrap_bio(theirs, ours, server_side=True)
    for _ in range(10):
        for side in (client, other):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
            if side is client:
                return True
    raise AssertionError("the handshake does not end")


def test_a_revoked_key_opens_nothing_any_more(tmp_path: Path) -> None:
    with _guarded(tmp_path) as guarded:
        guarded.join("pc-1").drop()
        work.revoke(guarded.certs, ["pc-1"])
        guarded.broker.stop()
        guarded.broker.start()
        with pytest.raises(Refused):
            guarded.join("pc-1")
        guarded.join("pc-2").drop()
        work.issue(guarded.certs, [Whom("pc-1", Use.CLIENT)], 30, lambda *_: None, skip=False)
        guarded.join("pc-1").drop()


def test_what_a_reload_brings_in(tmp_path: Path) -> None:
    """New rights, revocations and certificates; who is in already stays until it is restarted."""
    with _guarded(tmp_path) as guarded:
        topic = topics.node("works", Verb.NDATA, "pc-1")
        less = guarded.site.model_copy(update={"agents": guarded.site.agents[1:]})
        write(less, tmp_path / "broker", guarded.certs)
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
