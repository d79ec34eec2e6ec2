"""A vehicle is inspected: real agent and plant, results by file, TCP and webhook."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from refit.main import app
from tests.servers import free_port, until
from tests.system.commands import Watched, opened

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
READY_S = 90.0
VIN, TOKEN = "VF1AAAAAA12345678", "the token of a scanner"
SITE = """
[site]
name = "hall-3"
[broker]
port = {broker}
[historian]
http = {http}
[[agent]]
name = "lane-pc"
[[station]]
name = "inspection-1"
kind = "inspection"
agent = "lane-pc"
opcua = {{ url = "opc.tcp://127.0.0.1:{opcua}" }}
modbus.slip = {{ url = "tcp://127.0.0.1:{slip}" }}
modbus.suspension = {{ url = "tcp://127.0.0.1:{suspension}" }}
modbus.brakes = {{ url = "tcp://127.0.0.1:{brakes}" }}
[station.inspection]
centre = "S075Z123"
inspectors = {{ anna = "075Z1001", bea = "075Z1002" }}
vin_key_file = "vin.key"
port = {hook}
[station.machines.bench]
kind = "suspension_bench"
serial = "SB-1"
folder = "drop"
[station.machines.rollers]
kind = "roller_brake_tester"
serial = "RB-1"
calibration_every = "365 d"
zero = true
tcp = {tcp}
[station.machines.scanner]
kind = "tread_scanner"
serial = "TS-1"
webhook = true
token_file = "token"
[station.machines.reader]
kind = "obd_reader"
serial = "OB-1"
webhook = true
token_file = "token"
"""
BENCH = {"SM101": "71", "SM102": "69.5", "SM201": "64", "SM202": "66"}
ROLLERS = {
    **{f"FR{axle}0{side}": "2500" for axle in (1, 2) for side in (1, 2)},
    **{f"FR{axle}0{side}": "350" for axle in (1, 2) for side in (3, 4)},
}
TREAD = {
    f"tyre.{wheel}.tread_{place}": {"value": 5.5, "unit": "mm"}
    for wheel in ("fl", "fr", "rl", "rr")
    for place in ("inner", "mid", "outer")
}


class Lane:
    """The machines and the inspectors of the lane."""

    def __init__(self, folder: Path) -> None:
        names = ("broker", "http", "opcua", "slip", "suspension", "brakes", "hook", "tcp")
        self.ports, self.folder = {name: free_port() for name in names}, folder
        self.site, self.drop = folder / "site.toml", folder / "drop"
        self.site.write_text(SITE.format(**self.ports))
        (folder / "vin.key").write_text("a key for this test alone")
        (folder / "token").write_text(TOKEN)
        for secret in ("vin.key", "token"):
            (folder / secret).chmod(0o600)
        self.drop.mkdir()

    def head(self, name: str, serial: str, session: str, **other: str) -> dict[str, str]:
        now = datetime.now(UTC).replace(microsecond=0, tzinfo=None).isoformat()
        words = {"equipment": name, "serial": serial, "session": session, "start": now, "end": now}
        return {
            **words,
            "last_calibration": f"{datetime.now(UTC) - timedelta(30):%Y-%m-%d}",
            **other,
        }

    def shown(self) -> dict[str, Any]:
        """What the inspector sees."""
        file = self.folder / "var/lane-pc.inspection/inspection-1/operator/session.json"
        try:
            found: dict[str, Any] = json.loads(file.read_bytes())
        except FileNotFoundError:
            return {}
        return found

    def put(self, name: str, words: dict[str, str]) -> None:
        (self.drop / name).write_text("".join(f"{key}={text}\n" for key, text in words.items()))

    @contextmanager
    def rollers(self) -> Iterator[Any]:
        """A connection of the brake tester; it sends again until somebody answers."""
        made: list[socket.socket] = []

        def is_there() -> bool:
            try:
                made.append(socket.create_connection(("127.0.0.1", self.ports["tcp"]), 10))
            except OSError:
                return False
            return True

        until(is_there, "the agent listens", READY_S)
        with made[0], made[0].makefile("rwb") as file:
            yield file

    def say(self, file: Any, words: dict[str, str]) -> dict[str, str]:
        """A record, and the agent's answer."""
        file.write("".join(f"{key}={text}\n" for key, text in words.items()).encode() + b"\n")
        file.flush()
        answer: dict[str, str] = {}
        while "result" not in answer:
            answer = {}
            while line := file.readline().decode().strip():
                key, _, text = line.partition("=")
                answer[key] = text
        return answer

    def post(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """A result by webhook."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["hook"], timeout=30)
        with closing(connection):
            headers = {"Authorization": f"Bearer {TOKEN}"}
            connection.request("POST", f"/machines/{name}/results", json.dumps(body), headers)
            found: dict[str, Any] = json.loads(connection.getresponse().read())
        return found

    def decide(self, *words: str, by: str = "anna") -> str:
        """What an inspector decides, and what the session says to it."""
        ran = run("operator", *words, "--by", by, "--site", str(self.site), "--json")
        return str(json.loads(ran)["said"])


def run(command: str, *words: str) -> str:
    """A command at the station PC, in this process."""
    ran = CliRunner().invoke(app, ["inspection", command, "inspection-1", *words])
    assert ran.exit_code in (0, 1), ran.output
    return ran.output


def reports(site: Path) -> list[dict[str, Any]]:
    """The reports in the ledger; none while there is no ledger."""
    query = "SELECT body FROM entry JOIN fact USING (number) WHERE kind = 'inspection.report'"
    try:
        with closing(opened(site.parent / "var/ledger.db")) as ledger:
            return [json.loads(body) for (body,) in ledger.execute(query)]
    except sqlite3.OperationalError:
        return []


def order(lane: Lane, visit: str) -> None:
    """The order of a re-inspection, as the line gives it."""
    file = lane.folder / "order.json"
    said = {
        "visit": visit, "vin": VIN, "kind": "re-inspection",
        "vehicle": {"category": "M1", "first_registration": "2018-05-04", "fuel": "diesel"},
        "earlier": ["5.3.2.d.1", "1.2.1.b.2", "5.2.3.e.3"],
        "earlier_date": f"{datetime.now(UTC) - timedelta(10):%Y-%m-%d}",
    }  # fmt: skip
    file.write_text(json.dumps(said))
    assert run("session", "--site", str(lane.site), "--order", str(file)) == f"{visit}: done\n"


def test_a_vehicle_is_inspected_and_a_killed_agent_goes_on(tmp_path: Path) -> None:
    lane = Lane(tmp_path)
    with ExitStack() as stack, (tmp_path / "log").open("wb") as log:

        def start(*words: str) -> Watched:
            watched = Watched(words[0], "--site", lane.site, *words[1:], stdout=log, stderr=log)
            return stack.enter_context(watched)

        start("historian")
        start("simulate", "--speed", "4")
        agent = start("agent", "--name", "lane-pc")
        until(lambda: bool(lane.shown().get("lane")), "a vehicle is in the lane", READY_S)
        visit = lane.shown()["lane"]
        order(lane, visit)
        session = f"{visit}.1"
        until(lambda: "session=" in (lane.drop / "session.txt").read_text(), "the bench is told")
        # Half of the results, and what must not count.
        lane.put("other.txt", {**lane.head("bench", "SB-1", "v-0.1"), **BENCH})
        lane.put("bench.txt", {**lane.head("bench", "SB-1", session), **BENCH, "codes": "4"})
        record = {**lane.head("rollers", "RB-1", session, zero="1"), **ROLLERS}
        with lane.rollers() as file:
            assert lane.say(file, record)["result"] == "accepted"
            bad = lane.say(file, {**record, "FR001": "140 daN"})
            assert bad["reasons"] == "unit_changed"
        until((lane.drop / "done/bench.txt").exists, "the bench's file counts", READY_S)
        until((lane.drop / "refused/other.txt").exists, "another session's does not", READY_S)
        agent.process.send_signal(signal.SIGKILL)
        until(agent.ended, "the agent is dead")
        start("agent", "--name", "lane-pc")
        with lane.rollers() as file:  # it has heard no answer, and sends again
            assert lane.say(file, record)["again"] == "1"
        tread = lane.post("scanner", {**lane.head("scanner", "TS-1", session), "values": TREAD})
        assert tread["result"] == "accepted"
        vin = {"obd.vin_readback": {"value": VIN}}
        read = lane.post("reader", {**lane.head("reader", "OB-1", session), "values": vin})
        assert read["result"] == "accepted", read
        assert lane.decide("finish") == "not_done"
        assert lane.decide("odometer", "81234") == "ok"
        assert lane.decide("visual", "--finding", "4.3.1.a.1@left", by="bea") == "ok"
        assert lane.decide("finish") == "ok"
        until(lambda: bool(reports(lane.site)), "the report is in the ledger", READY_S)
    (record_of,) = reports(lane.site)
    looked_at(record_of, visit)
    everything = (tmp_path / "log").read_text() + json.dumps(record_of)
    assert VIN not in everything and TOKEN not in everything
    memory = tmp_path / "var/lane-pc.inspection/inspection-1/memory.json"
    assert VIN not in memory.read_text()


def looked_at(record: dict[str, Any], visit: str) -> None:
    """The record is whole, and each value is there once."""
    data, session = record["data"], record["data"]["session"]
    assert record["visit"] == visit and data["complete"] and not data["not_decidable"], data
    values = {item: one["value"] for item, one in data["measurements"].items()}
    assert values["susp.axle1.eff_r"] == 69.5 and values["rbt.axle2.force_max_l"] == 2500
    assert values["tyre.rr.tread_outer"] == 5.5
    assert session["identity"] == "match" and session["odometer_km"] == 81234
    assert session["inspectors"] == {"anna": "075Z1001", "bea": "075Z1002"}
    assert session["visual"] == [{"code": "4.3.1.a.1", "location": "left", "by": "bea"}]
    assert {one["machine"]: one["reasons"] for one in session["refused"]} == {
        "bench": ["wrong_session"],
        "rollers": ["unit_changed"],
    }
    assert session["machines"]["rollers"]["zero_ok"] is True
    assert data["judgement"]["result"] in ("ok", "not_ok", "not_decidable"), data["judgement"]
    assert "4.3.1.a.1" in [one["code"] for one in data["judgement"]["findings"]]
