"""What Grafana reads at its start: only keys that it knows, no secret, nothing it would replace."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from edge.health import METRICS
from refit.main import app
from tests.dashboards.made import PLANT, SITE, boards, made

# The keys of Grafana 12 (administration/provisioning and alerting/file-provisioning).
SOURCE = {
    "name", "uid", "type", "access", "url", "user", "editable", "jsonData", "secureJsonData",
}  # fmt: skip
INFLUX_DATA = {
    "version", "dbName", "httpMode", "timeInterval", "maxSeries", "httpHeaderName1",
}  # fmt: skip
POSTGRES_DATA = {"database", "sslmode", "postgresVersion", "maxOpenConns"}
PROVIDER = {
    "name", "orgId", "folder", "folderUid", "type", "disableDeletion", "allowUiUpdates",
    "updateIntervalSeconds", "options",
}  # fmt: skip
GROUP = {"orgId", "name", "folder", "interval", "rules"}
RULE = {
    "uid", "title", "condition", "data", "noDataState", "execErrState", "for", "labels",
    "annotations",
}  # fmt: skip
NO_DATA, DURATION = {"Alerting", "NoData", "OK", "KeepLast"}, re.compile(r"\d+[smh]\Z")
RUN = CliRunner()


def read(kind: str, path: Path = SITE) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(made(path)[f"provisioning/{kind}/refit.yaml"])
    assert content.pop("apiVersion") == 1
    return content


@pytest.mark.parametrize("path", [SITE, PLANT], ids=["demo", "plant"])
def test_data_sources_have_the_keys_that_grafana_knows(path: Path) -> None:
    (sources,) = read("datasources", path).values()
    assert [set(one) - SOURCE for one in sources] == [set()] * 3
    assert [one["type"] for one in sources] == [
        "influxdb", "influxdb", "grafana-postgresql-datasource",
    ]  # fmt: skip
    samples, means, ledger = sources
    assert set(samples["jsonData"]) <= INFLUX_DATA
    assert samples["jsonData"]["version"] == "InfluxQL"
    assert means["jsonData"]["dbName"].endswith("_1m")
    assert set(ledger["jsonData"]) <= POSTGRES_DATA
    names = {json.dumps(reference) for reference in _references(path)}
    assert names == {json.dumps({"type": one["type"], "uid": one["uid"]}) for one in sources}


def _references(path: Path) -> list[dict[str, str]]:
    """Every reference to a data source in all dashboards, without Grafana's own `Mixed`."""
    found = re.findall(r'"datasource": (\{[^}]*\})', " ".join(boards(path).values()))
    return [one for one in map(json.loads, found) if one["type"] != "datasource"]


@pytest.mark.parametrize("path", [SITE, PLANT], ids=["demo", "plant"])
def test_no_secret_is_written(path: Path) -> None:
    (sources,) = read("datasources", path).values()
    for one in sources:
        for secret in one["secureJsonData"].values():
            assert re.fullmatch(r"(Token )?\$REFIT_[A-Z_]+", secret)


def test_the_provider_has_the_keys_that_grafana_knows() -> None:
    ((provider,),) = read("dashboards").values()
    assert set(provider) <= PROVIDER
    assert provider["type"] == "file"
    assert provider["options"] == {"path": "/etc/grafana/refit/dashboards"}


def test_alert_rules_have_the_keys_and_values_that_grafana_knows() -> None:
    ((group,),) = read("alerting").values()
    assert set(group) == GROUP
    names = [rule["uid"] for rule in group["rules"]]
    assert len(names) == len(set(names))
    for rule in group["rules"]:
        assert set(rule) == RULE
        assert len(rule["uid"]) <= 40
        assert rule["noDataState"] in NO_DATA
        assert DURATION.match(rule["for"])
        assert rule["annotations"]["summary"] and rule["annotations"]["description"]
        refs = [step["refId"] for step in rule["data"]]
        assert refs == ["A", "B", "C"] and rule["condition"] == "C"
        for step in rule["data"]:
            assert set(step) == {"refId", "relativeTimeRange", "datasourceUid", "model"}
            assert step["model"]["refId"] == step["refId"]
        assert [step["datasourceUid"] for step in rule["data"]][1:] == ["__expr__", "__expr__"]
        assert rule["data"][2]["model"]["conditions"][0]["evaluator"]["type"] in ("gt", "lt")


def test_alert_rules_hold_nothing_that_grafana_would_take_for_a_variable() -> None:
    assert "$" not in made()["provisioning/alerting/refit.yaml"]


def test_alert_rules_ask_for_fields_that_there_are() -> None:
    ((group,),) = read("alerting").values()
    fields = {metric.name for metric in METRICS}
    for rule in group["rules"]:
        query = rule["data"][0]["model"]["query"]
        assert re.findall(r'\("(\w+)"\)', query)[0] in fields


def test_every_agent_has_a_rule_that_fires_when_it_is_silent() -> None:
    ((group,),) = read("alerting").values()
    silent = [rule for rule in group["rules"] if rule["noDataState"] == "Alerting"]
    assert {rule["title"].partition(" ")[0] for rule in silent} == {"pc-line-1a", "pc-line-1b"}


def _site(folder: Path, *tables: str) -> Path:
    text = SITE.read_text(encoding="utf-8")
    for table in tables:
        head = table.partition("\n")[0]
        before, _, after = text.partition(head)
        text = before + table + "\n" + after.partition("\n\n")[2]
    text = text.replace('tags = "meters', f'tags = "{SITE.parent}/meters')
    text = text.replace('plan = "', f'plan = "{SITE.parent}/')
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


STORE2 = '[store]\nurl = "influxdbs://influx.example:8087/refit"\nversion = "2"\norg = "plant"\n'
LEDGER = '[ledger]\nurl = "postgresql://refit@db.example/ledger"\nsslmode = "verify-full"\n'


def test_the_command_writes_what_the_site_says_of_its_servers(tmp_path: Path) -> None:
    site = _site(tmp_path, STORE2, LEDGER)
    ran = RUN.invoke(app, ["dashboards", "--site", str(site), "--to", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.output
    written = tmp_path / "out" / "provisioning" / "datasources" / "refit.yaml"
    samples, means, ledger = yaml.safe_load(written.read_text(encoding="utf-8"))["datasources"]
    assert samples["url"] == "https://influx.example:8087"
    assert samples["jsonData"]["httpHeaderName1"] == "Authorization"
    assert "user" not in samples
    assert means["jsonData"]["dbName"] == "refit_1m"
    assert ledger["url"] == "db.example:5432"
    assert ledger["jsonData"]["database"] == "ledger"
    assert ledger["jsonData"]["sslmode"] == "verify-full"


def test_a_store_without_influxql_is_said(tmp_path: Path) -> None:
    store = '[store]\nurl = "influxdb://vm.example:8428/refit"\nversion = "victoria"\n'
    site = _site(tmp_path, store)
    ran = RUN.invoke(app, ["dashboards", "--site", str(site), "--to", str(tmp_path / "out")])
    assert "VictoriaMetrics knows no InfluxQL" in ran.output


def test_the_command_says_what_is_out_of_date_and_removes_what_is_no_more(tmp_path: Path) -> None:
    command = ["dashboards", "--site", str(SITE), "--to", str(tmp_path)]
    assert RUN.invoke(app, [*command, "--check"]).exit_code == 1
    assert RUN.invoke(app, command).exit_code == 0
    assert RUN.invoke(app, [*command, "--check"]).exit_code == 0
    (tmp_path / "dashboards" / "andon-line-9.json").write_text("{}")
    (tmp_path / "dashboards" / "vehicle.json").write_text("{}")
    checked = RUN.invoke(app, [*command, "--check"])
    assert checked.exit_code == 1
    assert "andon-line-9.json is out of date" in checked.output
    assert "vehicle.json is out of date" in checked.output
    assert RUN.invoke(app, command).exit_code == 0
    assert RUN.invoke(app, [*command, "--check"]).exit_code == 0
    assert not (tmp_path / "dashboards" / "andon-line-9.json").exists()


def test_a_wrong_site_ends_the_command_with_2(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text("[site]\n")
    assert RUN.invoke(app, ["dashboards", "--site", str(site)]).exit_code == 2
