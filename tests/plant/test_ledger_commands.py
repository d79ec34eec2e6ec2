"""`refit ledger`: what it prints, and with which code it ends."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from plant.ledger import open_ledger
from plant.ledger.engine import Database
from plant.ledger.schema import VERSION
from refit.ledger import app
from stations.records import AgentInfo, Record, record_id
from tests.plant.plant import ManualClock
from tests.servers import Postgres
from wire.site import load


def record(number: int, station: str = "studio-1", kind: str = "studio.session") -> Record:
    return Record(
        id=record_id(1_700_000_000_000 + number, station, kind),
        kind=kind,
        version=1,
        site="s",
        line="line-1",
        station=station,
        visit=f"v-2026-{number:06d}",
        time="2026-01-01T00:00:00.000Z",
        agent=AgentInfo(name="pc-1", version="0"),
        data={"number": number},
    )


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A site file whose ledger has three entries and a refusal, in each of the databases."""
    file = tmp_path / "site.toml"
    text = '[site]\nname = "s"\n'
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        (tmp_path / "password").write_text(server.password + "\n")
        text += f'[ledger]\nurl = "{server.emptied()}"\npassword_file = "password"\n'
    file.write_text(text)
    with open_ledger(load(file).ledger, ManualClock()) as ledger:
        ledger.append([record(1), record(2), record(3, "brakes-1", "inspection.report")])
        ledger.refuse("pc-1", b"garbage", "it is no record", "some-id")
    return file


ON_A_SERVER = pytest.mark.parametrize(
    "site", [pytest.param("postgresql", marks=pytest.mark.system)], indirect=True
)


def change(site: Path, statement: str) -> None:
    """What somebody does who has the database and no scruples."""
    ledger = load(site).ledger
    database = Database(ledger.url, create=False, password=ledger.password)
    with closing(database), database.writing() as connection:
        assert connection.exec_driver_sql(statement).rowcount


def head_file(site: Path) -> Path:
    """The second place of the chain's head."""
    with open_ledger(load(site).ledger, ManualClock()) as ledger:
        return ledger.head_file.path


def run(*arguments: str | Path, said: str = "") -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(one) for one in arguments], input=said)
    return result.exit_code, result.stdout, result.stderr


def test_a_whole_ledger_is_verified(site: Path) -> None:
    code, said, _ = run("verify", "--site", site)
    assert code == 0
    assert "3 entries, head " in said


def test_a_changed_entry_is_found(site: Path) -> None:
    change(site, "UPDATE entry SET recorded_ms = recorded_ms + 1 WHERE number = 2")
    code, _, wrong = run("verify", "--site", site)
    assert code == 1
    assert "entry 2: " in wrong


def test_all_entries_are_given_out(site: Path, tmp_path: Path) -> None:
    code, said, _ = run("export", "--site", site)
    lines = [orjson.loads(line) for line in said.splitlines()]
    assert code == 0
    assert [line["record"]["data"]["number"] for line in lines[1:]] == [1, 2, 3]
    target = tmp_path / "all.jsonl"
    assert run("export", "--site", site, "--to", target)[0] == 0
    assert target.read_text() == said


def test_records_are_shown_latest_first(site: Path) -> None:
    code, said, _ = run("show", "--site", site, "--limit", "2")
    assert code == 0
    assert [line.split()[0] for line in said.splitlines()] == ["3", "2"]
    assert "inspection.report" in run("show", "--site", site, "--kind", "inspection")[1]
    assert run("show", "--site", site, "--visit", "v-2026-000002")[1].count("\n") == 1
    said = run("show", "--site", site, "--station", "studio-1", "--json")[1]
    assert [orjson.loads(line)["data"]["number"] for line in said.splitlines()] == [2, 1]


def test_what_was_refused_is_shown(site: Path) -> None:
    code, said, _ = run("refused", "--site", site)
    assert code == 0 and "pc-1  some-id  1 times: it is no record" in said


def test_a_lost_head_is_a_fault_until_it_is_anchored(site: Path) -> None:
    head_file(site).unlink()
    assert run("verify", "--site", site)[0] == 1
    code, said, _ = run("anchor", "--site", site)
    assert code == 0 and "entry 3" in said
    assert run("verify", "--site", site)[0] == 0


def test_without_a_ledger_it_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[site]\nname = "s"\n')
    for command in ("verify", "export", "show"):
        code, _, wrong = run(command, "--site", file)
        assert code == 2 and "refit ledger: " in wrong
    assert not (tmp_path / "var").exists(), "looking makes nothing"


def test_the_views_are_made_anew(site: Path) -> None:
    change(site, "DELETE FROM fact")
    code, said, _ = run("rebuild", "--site", site)
    assert (code, said) == (0, "the views show 3 entries\n")
    assert run("verify", "--site", site)[0] == 0


def test_a_ledger_of_this_version_has_nothing_to_migrate(site: Path) -> None:
    code, said, _ = run("migrate", "--site", site)
    assert code == 0
    assert f"3 entries, version {VERSION}" in said


def test_vehicles_are_named_and_forgotten(site: Path) -> None:
    vin = "VF1AAAAA123456789"
    lines = f"v-2026-000001 {vin}\n\nv-2026-000002  {vin}\nv-2026-000001 VF1BBBBB123456789\n"
    code, said, wrong = run("name", "--site", site, said=lines)
    assert code == 1
    assert wrong.splitlines() == [
        "line 2: write VISIT VIN",
        "line 4: the visit v-2026-000001 is that of another vehicle",
    ]
    with open_ledger(load(site).ledger, ManualClock()) as ledger:
        assert ledger.visits(vin) == ["v-2026-000001", "v-2026-000002"]
    code, said, wrong = run("forget", "--site", site, said=f"{vin}\n")
    assert (code, said, wrong) == (0, "visits without a vehicle now: 2\n", "")
    code, said, wrong = run("forget", "--site", site, said=f"{vin}\n")
    assert (code, said) == (1, "visits without a vehicle now: 0\n")
    assert wrong == "line 1: no visit is of this vehicle\n"


@ON_A_SERVER
def test_an_account_is_let_in(site: Path, postgres: Postgres) -> None:
    code, _, wrong = run("grant", "grafana_y", "--site", site)
    assert code == 2 and "CREATE ROLE grafana_y LOGIN" in wrong
    with postgres.connect("postgres", "admin") as connection:
        connection.execute("CREATE ROLE grafana_y LOGIN")
    code, said, _ = run("grant", "grafana_y", "--site", site)
    assert (code, said) == (0, "grafana_y may read the views\n")
    code, _, wrong = run("grant", "admin", "--site", site)
    assert code == 1 and "admin can read about, entry" in wrong


@ON_A_SERVER
def test_a_wrong_password_is_said(site: Path, postgres: Postgres) -> None:
    site.with_name("password").write_text("wrong")
    code, _, wrong = run("verify", "--site", site)
    assert code == 2 and "password_file or password_env in [ledger]" in wrong
    site.with_name("password").unlink()
    code, _, wrong = run("verify", "--site", site)
    assert code == 2 and "password cannot be read" in wrong
    assert postgres.password not in wrong
