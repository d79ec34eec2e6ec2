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
from typer.testing import CliRunner

from refit.main import app
from tests.conftest import missing
from tests.servers import accepts, free_port, until
from tests.servers.influxdb import InfluxDB
from tests.servers.mosquitto import MOSQUITTO
from tests.servers.postgres import Postgres
from wire import topics
from wire.mqtt import Message, Session
from wire.site import Site, load

pytestmark = pytest.mark.system

COMPOSE = Path(__file__).parents[2] / "config/deploy/compose"


@contextmanager
def broker(folder: Path) -> Iterator[Site]:
    """Mosquitto as the page for containers sets it up; the site as a machine beside it has it."""
    program = shutil.which("mosquitto") or MOSQUITTO
    if not Path(program).exists():
        missing("Mosquitto", "apt-get install mosquitto")
    port, certs, made = free_port(), folder / "certs", folder / "broker"
    text = (COMPOSE / "site.toml").read_text()
    assert "mqtts://mosquitto:8883" in text
    site = folder / "site.toml"
    site.write_text(
        text.replace("mqtts://mosquitto:8883", f"mqtts://localhost:{port}").replace(
            "/etc/refit/certs", str(certs)
        )
    )
    for words in (
        ("certs", "init", "--site", site, "--folder", certs),
        ("certs", "issue", "--site", site, "--folder", certs),
        ("broker-config", "--site", site, "--to", made, "--at", "/mosquitto/config"),
    ):
        result = CliRunner().invoke(app, [str(word) for word in words])
        assert result.exit_code == 0, result.output
    for name in ("ca.pem", "crl.pem"):
        shutil.copy(certs / name, made)
    shutil.copytree(certs / "broker", made / "broker")
    written = made / "mosquitto.conf"
    assert "/mosquitto/config/broker/key.pem" in written.read_text()
    here = folder / "mosquitto.conf"
    here.write_text(
        f"user root\n{written.read_text()}".replace("/mosquitto/config", str(made)).replace(
            f"listener {port}", f"listener {port} 127.0.0.1"
        )
    )
    with subprocess.Popen([program, "-c", here]) as process:
        try:
            until(lambda: accepts(port), "Mosquitto listens", 60)
            yield load(site)
        finally:
            process.terminate()


def test_an_agent_comes_in_over_tls_and_the_historian_hears_it(tmp_path: Path) -> None:
    heard: list[Message] = []
    with broker(tmp_path) as site:
        topic = topics.records(site.name, "pc-studio-1")
        historian = Session(
            site.broker.of("historian"), "h", subscriptions=((topic, 1),), on_message=heard.append
        )
        agent = Session(site.broker.of("pc-studio-1"), "a")
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
