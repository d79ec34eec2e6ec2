"""A store or a ledger that answers is not enough: the doctor asks whether they let us in."""

from __future__ import annotations

from pathlib import Path

import pytest

from refit.doctor import logins
from refit.doctor.verdicts import Finding, Level
from tests.servers import Postgres
from tests.servers.influxdb import InfluxDB
from tests.wire.test_site import small
from wire.site import load

pytestmark = pytest.mark.system


def test_a_wrong_password_of_the_ledger_is_said(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.emptied()
    site = load(small(tmp_path, f'[ledger]\nurl = "{url}"\npassword_file = "password"\n'))
    password = tmp_path / "password"
    password.write_text(postgres.password)
    assert list(logins.ledger(site)) == [Finding(Level.OK, "ledger: account", "is let in")]
    password.write_text("another")
    (finding,) = logins.ledger(site)
    assert finding.level is Level.FAIL and "does not let the account" in finding.found


@pytest.mark.parametrize(("closed", "level"), [("false", Level.OK), ("true", Level.FAIL)])
def test_a_store_that_wants_an_account_is_said(tmp_path: Path, closed: str, level: Level) -> None:
    with InfluxDB(tmp_path / "influx", HTTP_AUTH_ENABLED=closed) as server:
        url = f"influxdb://127.0.0.1:{server.port}/not_made_yet"
        site = load(small(tmp_path, f'[store]\nurl = "{url}"\nversion = "1"\n'))
        (finding,) = logins.store(site)
    assert (finding.level, finding.what) == (level, "store: account")
