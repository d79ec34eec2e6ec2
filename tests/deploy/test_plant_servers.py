"""The settings that we ship for other makers' servers, tried with those servers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.conftest import missing
from tests.servers import accepts, free_port, until
from tests.servers.certificate import certificate
from tests.servers.influxdb import InfluxDB
from tests.servers.mosquitto import MOSQUITTO
from tests.servers.postgres import Postgres
from wire.mqtt import Message, Session
from wire.site import BrokerConfig

pytestmark = pytest.mark.system

DEPLOY = Path(__file__).parents[2] / "config/deploy"
COMPOSE = DEPLOY / "compose"


@contextmanager
def broker(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """Mosquitto with the configuration of compose: its inner port, that with TLS, the authority."""
    program = shutil.which("mosquitto") or MOSQUITTO
    if not Path(program).exists():
        missing("Mosquitto", "apt-get install mosquitto")
    cert, key = certificate(folder)
    accounts, inner, outer = folder / "accounts", free_port(), free_port()
    accounts.touch(0o600)
    for name in ("historian", "pc-1"):
        subprocess.run(["mosquitto_passwd", "-b", accounts, name, "secret"], check=True)
    text = (COMPOSE / "mosquitto.conf").read_text()
    for ours, here in (
        ("/run/secrets/mosquitto_accounts", accounts),
        ("/mosquitto/config/mosquitto.acl", DEPLOY / "mosquitto.acl"),
        ("/run/secrets/broker_cert", cert),
        ("/run/secrets/broker_key", key),
        ("listener 1883", f"listener {inner} 127.0.0.1"),
        ("listener 8883", f"listener {outer} 127.0.0.1"),
    ):
        assert ours in text
        text = text.replace(ours, str(here))
    config = folder / "mosquitto.conf"
    config.write_text(f"user root\n{text}")
    with subprocess.Popen([program, "-c", config]) as process:
        try:
            until(lambda: accepts(inner) and accepts(outer), "Mosquitto listens at both ports", 60)
            yield inner, outer, cert
        finally:
            process.terminate()


def test_an_agent_comes_in_over_tls_and_the_historian_hears_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    heard: list[Message] = []
    topic = "refit/plant/record/pc-1"
    with broker(tmp_path) as (inner, outer, authority):
        inside = BrokerConfig(
            url=f"mqtt://127.0.0.1:{inner}", username="historian", password_file=secret
        )
        outside = BrokerConfig(
            url=f"mqtts://127.0.0.1:{outer}", username="pc-1", password_file=secret,
            ca_file=authority,
        )  # fmt: skip
        historian = Session(inside, "h", subscriptions=((topic, 1),), on_message=heard.append)
        agent = Session(outside, "a")
        try:
            historian.start()
            agent.start()
            until(lambda: historian.connected and agent.connected, "both are connected", 60)
            assert agent.publish(Message(topic, b"{}", qos=1))
            until(lambda: heard, "the record has come", 60)
        finally:
            agent.disconnect()
            historian.disconnect()
    assert heard[0].payload == b"{}"


def test_the_account_of_grafana_is_made_in_postgresql(tmp_path: Path) -> None:
    with Postgres(tmp_path, fsync=False) as server:
        script = (COMPOSE / "postgres-grafana.sh").read_text()
        password = tmp_path / "grafana"
        password.write_text("it's secret")
        assert "/run/secrets/postgres_grafana" in script
        told = {
            "POSTGRES_USER": "admin", "POSTGRES_DB": "postgres", "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port), "PGPASSWORD": server.password,
        }  # fmt: skip
        subprocess.run(
            ["sh", "-c", script.replace("/run/secrets/postgres_grafana", str(password))],
            env=os.environ | told, check=True,
        )  # fmt: skip
        with psycopg.connect(
            host="127.0.0.1", port=server.port, user="grafana", password="it's secret",
            dbname="postgres",
        ) as connection:  # fmt: skip
            assert connection.execute("SELECT current_user").fetchone() == ("grafana",)


def test_grafana_may_read_the_means_in_influxdb(tmp_path: Path) -> None:
    with InfluxDB(tmp_path) as server:
        server.ask("CREATE USER grafana WITH PASSWORD 'secret'")
        server.ask((COMPOSE / "influxdb-means.iql").read_text())
        grants = server.ask("SHOW GRANTS FOR grafana")
    assert b'["refit_1m","READ"]' in grants
