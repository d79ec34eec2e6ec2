"""An edge node of Sparkplug B 3.0 as a pure state machine: no socket, clock, thread or chance.

One thread calls it; every method returns what is to be done, in order. A sequence number is given
when a message is made, so messages must leave in that order; `not_taken` gives one back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from stations.samples import Samples
from wire import topics
from wire.sparkplug import acknowledge, births, commands, metrics, state
from wire.sparkplug.births import Station, TooLarge
from wire.sparkplug.columns import data_payload
from wire.sparkplug.datatypes import Scalar, Undecodable
from wire.sparkplug.effects import REQUESTED, Acknowledged, Born, Disconnect, EdgeEffect, Publish
from wire.sparkplug.metrics import MetricName, NodeMetric
from wire.sparkplug.state import Phase
from wire.topics import Verb

BYTES_MAX = 1 << 20
REBIRTH_GAP_MS = 1_000


class EdgeNode:
    """Births, deaths, data and commands of one agent and its stations.

    `names` are the tags and `places` line and kind of the stations that the outbox has ever known;
    `last` gives a station's last samples. With a `primary` host it is born only while that is on;
    a node that `walks` leaves a server where it is not, since there are others.
    TooLarge when a birth does not fit `bytes_max`; ValueError for an impossible name. `unfit` says
    whose birth ("": the node's) is above a cap that was lowered later, and why: it is left out.
    """

    def __init__(
        self,
        group: str,
        agent: str,
        outbox: str,
        stations: Iterable[Station],
        *,
        last: Callable[[str], Samples],
        names: Mapping[int, MetricName] | None = None,
        places: Mapping[str, tuple[str, str]] | None = None,
        health: Iterable[NodeMetric] = (),
        primary: str | None = None,
        walks: bool = False,
        bytes_max: int = BYTES_MAX,
        rebirth_gap_ms: int = REBIRTH_GAP_MS,
    ) -> None:
        if not acknowledge.is_outbox(outbox):
            raise ValueError(f"{outbox!r} is no outbox id: visible ASCII without blanks")
        self.group, self.agent, self.outbox, self.primary = group, agent, outbox, primary
        self.counts: Counter[str] = Counter()
        self.phase = Phase.AWAY
        self._node_topic = {verb: topics.node(group, verb, agent) for verb in topics.NODE_VERBS}
        self._names, self._places = dict(names or {}), dict(places or {})
        self._last, self._health = last, tuple(health)
        self._health_values: dict[str, Scalar | None] = {}
        self._health_told = self._health_values  # before the last NDATA
        self.bytes_max, self._rebirth_gap_ms = bytes_max, rebirth_gap_ms
        self._stations, self._retired = dict[str, Station](), dict[str, Station]()
        self._positions: dict[str, int] = {}
        self._aliases: dict[str, dict[int, int]] = {}
        self._down, self.unfit = set[str](), dict[str, str]()
        self._watch, self._crowded = state.PrimaryWatch(walks=walks), False
        self._bd_seq = self._seq = self._born_ms = 0
        self._wanted: str | None = None
        self._newest: Publish | None = None
        for station in stations:
            self._take_in(station)
        size = len(births.node_birth(0, 0, self.outbox, self._health, {}))
        if size > self.bytes_max:
            raise TooLarge(f"the birth of {self.agent} has {size} bytes, {self.bytes_max} allowed")

    @property
    def subscriptions(self) -> tuple[tuple[str, int], ...]:
        """Topic filters and QoS that the connection needs before `connected` is called."""
        own = (
            (self._node_topic[Verb.NCMD], 1),
            (topics.device_commands(self.group, self.agent), 1),
        )
        return own if self.primary is None else (*own, (topics.state(self.primary), 1))

    @property
    def can_send(self) -> bool:
        """True when DATA may go out: born, and no rebirth is being waited for.

        Requests that come again and again right after births they have caused do not hold it back.
        """
        return self.phase is Phase.BORN and (self._wanted is None or self._crowded)

    def will(self, bd_seq: int, now_ms: int) -> Publish:
        """The Last Will of the connection that will be made with this bdSeq."""
        return Publish(self._node_topic[Verb.NDEATH], births.node_death(now_ms, bd_seq), qos=1)

    def connected(self, now_ms: int, bd_seq: int) -> list[EdgeEffect]:
        """A fresh session exists and its subscriptions stand; its will had this bdSeq."""
        self._bd_seq, self._watch = bd_seq, self._watch.anew(now_ms)
        self.phase = Phase.WAITING
        return self._birth(now_ms, "connected") if self.primary is None else []

    def disconnected(self) -> None:
        """The connection is gone, on purpose or not."""
        self.phase = Phase.AWAY
        self._wanted, self._newest = None, None

    def message(self, topic: str, payload: bytes, now_ms: int) -> list[EdgeEffect]:
        """A message has come; what cannot be understood is counted and changes nothing."""
        host = topics.parse_state(topic)
        if host is not None:
            return self._state(host, payload, now_ms)
        address = topics.parse(topic)
        if address is None or (address.group, address.edge) != (self.group, self.agent):
            self.counts["unknown topic"] += 1
            return []
        if address.verb is not Verb.NCMD:
            is_write = address.verb is Verb.DCMD
            self.counts["refused write" if is_write else "duplicate edge node"] += 1
            return []
        return self._commands(payload, now_ms)

    def tick(self, now_ms: int) -> list[EdgeEffect]:
        """Time goes on: a rebirth that was put off, or that a clock set back makes necessary."""
        if self.phase is Phase.WAITING and self._watch.is_elsewhere(now_ms):
            return self._leave("the primary host is not here", now_ms, again=True)
        if self.phase is not Phase.BORN:
            return []
        if now_ms < self._born_ms:
            return self._birth(now_ms, "clock stepped back")
        if self._wanted is not None and now_ms - self._born_ms >= self._rebirth_gap_ms:
            crowded = now_ms - self._born_ms < 2 * self._rebirth_gap_ms
            return self._birth(now_ms, self._wanted, crowded=crowded)
        return []

    def live(self, station: str, samples: Samples, position: int, now_ms: int) -> list[EdgeEffect]:
        """One fresh outbox batch; without a Publish of DATA in the answer it was not sent."""
        return self._data(station, samples, position, now_ms, historical=False)

    def historical(
        self, station: str, samples: Samples, position: int, now_ms: int
    ) -> list[EdgeEffect]:
        """One batch of the backlog, with its position and times of old."""
        return self._data(station, samples, position, now_ms, historical=True)

    def device(self, station: str, up: bool, now_ms: int) -> list[EdgeEffect]:
        """A station's links are all down, or one is back. A station is up until told otherwise."""
        if up != (station in self._down):
            return []
        (self._down.discard if up else self._down.add)(station)
        if up:
            born = [self._stations[station]]
            return self._also(now_ms, lambda: self._device_births(born, now_ms))
        return self._also(now_ms, lambda: self._device_deaths([station], now_ms))

    def add(self, station: Station, now_ms: int) -> list[EdgeEffect]:
        """A station that appears late: it is born alone, without a rebirth of the others."""
        self._take_in(station)
        return self._also(now_ms, lambda: self._device_births([station], now_ms))

    def remove(self, station: str, now_ms: int) -> list[EdgeEffect]:
        """A station that is no longer declared dies; what waits of it still goes, as history."""
        gone = self._stations.pop(station)
        self._places[station] = (gone.line, gone.kind)
        del self._aliases[station]
        was_up = station not in self._down
        self._down.discard(station)
        return self._also(now_ms, lambda: self._device_deaths([station], now_ms)) if was_up else []

    def health(self, values: Mapping[str, Scalar | None], now_ms: int) -> list[EdgeEffect]:
        """The node's own health; what has changed goes out. ValueError for an undeclared name."""
        if unknown := set(values) - {one.name for one in self._health}:
            raise ValueError(f"no health metric {', '.join(sorted(unknown))} is declared")
        told = self._health_values
        changed = {key: new for key, new in values.items() if key not in told or told[key] != new}
        effects = self.tick(now_ms) if self.can_send else []
        if effects or not self.can_send or not changed:
            self._health_values.update(changed)
            return effects
        payload = births.node_data(now_ms, (self._seq + 1) % 256, self._health, changed)
        self._health_told, self._health_values = told, {**told, **changed}
        return [self._sent(Verb.NDATA, "", payload)]

    def renew(self, outbox: str, now_ms: int) -> list[EdgeEffect]:
        """The outbox has another id: the births say it."""
        self.outbox = outbox
        return self._request("another outbox", now_ms)

    def not_taken(self, message: Publish, now_ms: int) -> list[EdgeEffect]:
        """The connection did not take a message that was to be published.

        DATA that was made last gives its sequence number back; for any other message the node must
        be born again, since a host would see a gap.
        """
        self.counts["message not taken"] += 1
        if message is self._newest and topics.is_data(message.topic):
            self._seq = (self._seq - 1) % 256
            self._newest = None
            if message.topic == self._node_topic[Verb.NDATA]:
                self._health_values = self._health_told
            return []
        self._crowded = False  # whoever asked: no DATA before births that a host can have heard
        return self._request("message not taken", now_ms)

    def stop(self, now_ms: int) -> list[EdgeEffect]:
        """Leave on purpose: NDEATH where there was a birth, then the disconnect."""
        return self._leave("stopped", now_ms, again=False)

    def _also(self, now_ms: int, make: Callable[[], list[EdgeEffect]]) -> list[EdgeEffect]:
        """What is to be said about a device, unless births that are due say it anyway."""
        effects = self.tick(now_ms)
        return effects if effects or not self.can_send else make()

    def _take_in(self, station: Station) -> None:
        name = station.name
        births.check(station, self.group, self.outbox, self.bytes_max)
        if name in self._stations:
            raise ValueError(f"two stations are called {name}")
        self._positions.setdefault(name, metrics.position_alias(len(self._positions)))
        self._stations[name] = station
        self._retired.pop(name, None)
        self._aliases[name] = {number: metrics.tag_alias(number) for number in station.tags}
        for number, tag in station.tags.items():
            self._names[number] = MetricName(number, name, tag.name, tag.value_type)

    def _state(self, host: str, payload: bytes, now_ms: int) -> list[EdgeEffect]:
        if host != self.primary:
            self.counts["foreign STATE"] += 1
            return []
        said = state.read(payload)
        if said is None:
            self.counts["unknown STATE"] += 1
            return []
        turn = self._watch.hear(said)
        if turn is state.Turn.CAME and self.phase is Phase.WAITING:
            return self._birth(now_ms, "host online")
        if turn is state.Turn.LEFT and self.phase is Phase.BORN:
            return self._leave("primary host offline", now_ms, again=True)
        return self.tick(now_ms) if self.phase is Phase.WAITING else []

    def _leave(self, why: str, now_ms: int, *, again: bool) -> list[EdgeEffect]:
        death = [self.will(self._bd_seq, now_ms)] if self.phase is Phase.BORN else []
        self.phase = Phase.AWAY if self.phase is Phase.AWAY else Phase.LEAVING
        return [*death, Disconnect(why, again)]

    def _commands(self, payload: bytes, now_ms: int) -> list[EdgeEffect]:
        try:
            asked = commands.read(payload)
        except Undecodable:
            self.counts["undecodable payload"] += 1
            return []
        self.counts["refused write"] += asked.refused
        self.counts["unknown acknowledgement"] += asked.unknown
        effects: list[EdgeEffect] = []
        for outbox, ranges in asked.confirmed:
            if outbox != self.outbox:
                self.counts["acknowledgement of another outbox"] += 1
            elif ranges:
                effects.append(Acknowledged(ranges))
        return effects + (self._request(REQUESTED, now_ms) if asked.rebirth else [])

    def _request(self, cause: str, now_ms: int) -> list[EdgeEffect]:
        """Births are asked for: now, or once the gap since the last ones has passed."""
        self.counts[f"rebirth: {cause}"] += 1
        if self.phase is not Phase.BORN:
            return []
        self._wanted = self._wanted or cause
        return self.tick(now_ms)

    def _birth(self, now_ms: int, cause: str, *, crowded: bool = False) -> list[EdgeEffect]:
        """NBIRTH and all DBIRTHs as one sequence that nothing comes between."""
        values = self._health_values
        node = births.node_birth(now_ms, self._bd_seq, self.outbox, self._health, values)
        if len(node) > self.bytes_max:
            told = f"the birth of {self.agent} has {len(node)} bytes, the cap is {self.bytes_max}"
            self._wanted, self.unfit = None, {"": told}
            return []
        self.counts["births"] += 1
        self.phase, self._crowded = Phase.BORN, crowded
        self._born_ms, self._wanted, self._seq, self.unfit = now_ms, None, -1, {}
        self._retired.clear()
        effects: list[EdgeEffect] = [self._sent(Verb.NBIRTH, "", node)]
        effects += self._device_births(self._stations.values(), now_ms)
        return [*effects, *self._device_deaths(sorted(self._down), now_ms), Born(cause)]

    def _device_births(self, stations: Iterable[Station], now_ms: int) -> list[EdgeEffect]:
        """The births of those whose birth a message can carry; the others are noted."""
        found: list[EdgeEffect] = []
        for station in stations:
            values = births.last_values(self._last(station.name))
            try:
                payload = births.device_birth(
                    now_ms, (self._seq + 1) % 256, self.group, self.outbox, station,
                    self._positions[station.name], values, self.bytes_max,
                )  # fmt: skip
            except TooLarge as error:
                self.unfit[station.name] = str(error)
                continue
            self.unfit.pop(station.name, None)
            found.append(self._sent(Verb.DBIRTH, station.name, payload))
        return found

    def _device_deaths(self, stations: Iterable[str], now_ms: int) -> list[EdgeEffect]:
        return [
            self._sent(Verb.DDEATH, station, births.device_death(now_ms, (self._seq + 1) % 256))
            for station in stations
            if station not in self.unfit
        ]

    def _data(
        self, station: str, samples: Samples, position: int, now_ms: int, *, historical: bool
    ) -> list[EdgeEffect]:
        effects = self.tick(now_ms)
        if not self.can_send:
            return effects
        if station not in self._stations and station not in self._retired:
            effects += self._retire(station, now_ms)
        if station in self.unfit:
            return effects
        aliases = self._aliases.get(station, {})
        # A host takes history of a device that is dead, and of a tag that it has never heard of.
        old = historical or station in self._down or station in self._retired
        old = old or any(tag not in aliases for tag in set(samples.tag.tolist()))
        try:
            payload = data_payload(
                samples, aliases, self._names, timestamp_ms=now_ms, seq=(self._seq + 1) % 256,
                outbox=self.outbox, position=position, position_alias=self._positions[station],
                historical=old, bytes_max=self.bytes_max,
            )  # fmt: skip
        except (TooLarge, KeyError):
            if effects:  # births that nobody will publish now: a host would miss them
                self._wanted, self._crowded = self._wanted or "message not taken", False
            raise
        return [*effects, self._sent(Verb.DDATA, station, payload)]

    def _retire(self, station: str, now_ms: int) -> list[EdgeEffect]:
        """Birth and death of a station that is no longer declared, so that its samples can go."""
        self._positions.setdefault(station, metrics.position_alias(len(self._positions)))
        known = self._places.get(station, ("", ""))
        gone = self._retired[station] = Station(topics.level(station), *known, {})
        return self._device_births([gone], now_ms) + self._device_deaths([station], now_ms)

    def _sent(self, verb: Verb, station: str, payload: bytes) -> Publish:
        """The message, with the sequence number that its payload was made with now used up."""
        self._seq = (self._seq + 1) % 256
        topic = self._node_topic.get(verb) or topics.device(self.group, verb, self.agent, station)
        self._newest = Publish(topic, payload)
        return self._newest
