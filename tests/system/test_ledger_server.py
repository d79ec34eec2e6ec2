"""A plant whose ledger is in PostgreSQL: the server is away at first, is killed, and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from plant.ledger import open_ledger
from refit.chaos.plant import SmallPlant
from tests.servers import Postgres, until
from tests.system.test_troubles import TROUBLE_S, health, problems
from wire.clock import SystemClock

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
TROUBLE = "the ledger takes no records"
EVENTS = 2_000


def test_every_record_is_in_the_ledger_whatever_happens_to_its_server(tmp_path: Path) -> None:
    with Postgres(tmp_path) as server:
        (tmp_path / "password").write_text(server.password)
        table = f'[ledger]\nurl = "{server.database()}"\npassword_file = "../password"\n'
        server.stop()
        with SmallPlant(tmp_path / "plant", seed=3, tables=table) as plant:
            until(lambda: TROUBLE in problems(plant, "historian"), "it is said", TROUBLE_S)
            assert health(plant)["records_waiting"] > 0
            server.start()
            until(lambda: not problems(plant, "historian"), "all is well", TROUBLE_S)
            server.stop(kill=True)
            plant.wait_for_events(EVENTS)
            until(lambda: TROUBLE in problems(plant, "historian"), "it is said again", TROUBLE_S)
            server.start()
            until(lambda: not problems(plant, "historian"), "all is well again", TROUBLE_S)
            plant.drain()
            made = health(plant)["records"]
            plant.end()
            with open_ledger(plant.site.ledger, SystemClock(), create=False) as ledger:
                assert ledger.verify().sound
                assert len(ledger) == made > 0
