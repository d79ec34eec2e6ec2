"""The small plant with a relay in each of its links, and servers that are not ours if asked for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from plant.stores.factory import open_store
from plant.stores.store import Store, StoreUnavailable
from refit.chaos import programs
from refit.chaos.account import Account, account
from refit.chaos.kernel_relay import KernelRelay
from refit.chaos.modbus_relay import ModbusRelay
from refit.chaos.plant import READY_S, SmallPlant
from refit.chaos.relay import Relay
from refit.chaos.small_site import AGENT, Size, site_text
from refit.chaos.store_gate import StoreGate
from refit.chaos.waiting import until
from refit.processes import free_ports, listens

KEEPALIVE_S = 3
MACHINES = "simulators"
FOREVER = 1 << 62
OUTBOX = '[outbox]\nfolder = "edge"\n'  # so that its disk can fail alone


class ChaosPlant(SmallPlant):
    """Agent and historian reach broker, machines and store through relays of ours only.

    `store` is `sqlite`, `influxdb` or the path of an influxd; `broker` is `embedded` or
    `mosquitto`. LookupError when such a program is not here.
    """

    def __init__(
        self, folder: Path, seed: int, size: Size, *, store: str = "sqlite",
        broker: str = "embedded", kernel: bool = False,
    ) -> None:  # fmt: skip
        self.relay = KernelRelay if kernel else Relay
        self.programs: dict[str, programs.Program] = {}
        influx, rpc, mqtt = free_ports(3)
        folder.mkdir(parents=True, exist_ok=True)
        foreign = broker == "mosquitto"
        if foreign:
            self.programs["broker"] = programs.mosquitto(folder / "mosquitto", mqtt)
        self.gate: StoreGate | None = None
        if store != "sqlite":
            path = None if store == "influxdb" else Path(store)
            self.programs["store"] = programs.influxdb(folder / "influxdb", influx, rpc, path)
        super().__init__(
            folder, seed, broker=_broker_table(mqtt) if foreign else None, size=size,
            store=self._store_text(influx), tables=OUTBOX,
        )  # fmt: skip
        self.influx_port = influx if "store" in self.programs else 0
        self.agent_kills: list[int] = []
        self.record_ids: set[str] = set()
        self._reader: Store | None = None
        self._make_relays()

    def _store_text(self, port: int) -> str:
        if "store" not in self.programs:
            return ""
        version = "1.8" if "1.8" in self.programs["store"].version else "1"
        url = f"influxdb://127.0.0.1:{port}/refit"
        return f'[store]\nurl = "{url}"\nversion = "{version}"'

    def _make_relays(self) -> None:
        broker = self.site.broker.port
        self.links: dict[str, Relay] = {
            "agent-broker": self.relay(broker),
            "historian-broker": self.relay(broker),
            **self.machine_links(),
        }
        machines = {name: link.port for name, link in self.links.items() if name in self.ports}
        if self.influx_port:
            self.gate = StoreGate(self.influx_port)
            self.links["store"] = Relay(self.gate.port)
        store = self._store_text(self.links["store"].port if self.influx_port else 0)
        for who in ("agent", "historian"):
            link = self.links[f"{who}-broker"]
            url = _broker_table(link.port, link.host)
            text = site_text({**self.ports, **machines}, url, store, self.stations) + OUTBOX
            for name, port in machines.items():
                text = text.replace(f"127.0.0.1:{port}", f"{self.links[name].host}:{port}")
            (self.folder / f"{who}.toml").write_text(text)

    def machine_links(self) -> dict[str, Relay]:
        """The relays in front of the machines, by the names of their ports."""
        return {
            **{name: self.relay(self.ports[name]) for name in ("press", "studio")},
            **{name: ModbusRelay(self.ports[name]) for name in ("meter", "cabinet")},
        }

    def begin(self) -> None:
        """Start everything; returns when values of every machine are in the store."""
        for name in ("store", "broker"):
            if name in self.programs:
                self.start(name)
        if self.influx_port:
            until(lambda: listens(self.influx_port), "InfluxDB listens", READY_S)
        super().begin()

    def end(self) -> None:
        """End everything."""
        super().end()
        for link in self.links.values():
            link.close()
        if self.gate is not None:
            self.gate.close()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def end_our_own(self) -> None:
        """End all but the store that is to be read."""
        kept = self.processes.children.pop("store", None)
        SmallPlant.end(self)
        if kept is not None:
            self.processes.children["store"] = kept

    def start(self, *names: str) -> None:
        """Start processes by name: store, broker, simulators, historian, pc-1."""
        for name in names:
            program = self.programs.get(name)
            if program is None:
                super().start(name)
            else:
                self.processes.spawn(name, program.command, program.environment)

    def words(self, name: str) -> Sequence[str | Path]:
        """As usual, with the site file that leads through our relays."""
        words = super().words(name)
        ours = {"historian": "historian.toml", AGENT: "agent.toml"}.get(name)
        if ours is None:
            return words
        return [self.folder / ours if word == self.file else word for word in words]

    def wait_for_store(self) -> None:
        """Wait until the store answers."""
        if self.influx_port:
            until(lambda: listens(self.influx_port), "InfluxDB listens", READY_S)

    def is_live(self, since_ms: int) -> bool:
        """Whether values of every machine that are newer than this are in the store."""
        if not self.influx_port:
            return super().is_live(since_ms)
        with suppress(StoreUnavailable):
            if self._reader is None:
                self._reader = open_store(self.site.store)
            reader = self._reader
            return all(
                len(reader.range(*one, since_ms + 1, FOREVER)) > 0 for one in self.fast.items()
            )
        return False

    def waiting(self) -> dict[str, Any] | None:
        """The agent's health; None while it does not answer."""
        said = self.health("agent")
        return None if said is None else said.get("health")

    def modbus(self, name: str) -> ModbusRelay:
        """The relay in front of a Modbus device."""
        link = self.links[name]
        assert isinstance(link, ModbusRelay)
        return link

    def account(self) -> Account:
        """Count everything, when agent and historian have ended and the store answers."""
        return account(self, self.agent_kills, self.record_ids)


def _broker_table(port: int, host: str = "127.0.0.1") -> str:
    return f'url = "mqtt://{host}:{port}"\nkeepalive = {KEEPALIVE_S}'
