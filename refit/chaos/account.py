"""The account at the end of a run: what became of every value and record, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from plant.dead_letters import DeadLetters
from plant.stores.factory import dead_letters_path
from plant.stores.store import Store
from refit.accounts import Fact
from refit.chaos.ledgers import wrong_records
from refit.chaos.plant import SmallPlant
from refit.chaos.reckoning import Offers, Reckoning, read_offers, reckon
from refit.chaos.unsaid import kills_unsaid, unsaid
from refit.chaos.widths import too_wide

SHOWN_MAX = 20


@dataclass(slots=True)
class Account:
    """What was offered, acknowledged and kept; `problems` is empty when all is as it must be.

    `lost` were acknowledged, or are missing without a word; `told` are missing and a gap record or
    a Bad sample says so; `refused` are dead letters; `gaps` are gap records.
    """

    offered: int = 0
    acknowledged: int = 0
    stored: int = 0
    refused: int = 0
    lost: int = 0
    duplicates: int = 0
    told: int = 0
    gaps: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Nothing lost, nothing invented, nothing left unsaid."""
        return not (self.lost or self.duplicates or self.problems)

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


def account(plant: SmallPlant, agent_kills: list[int], record_ids: set[str]) -> Account:
    """Count a plant whose agent and historian have ended; its store must answer."""
    with plant.store() as store:
        offers = read_offers(plant.site, plant.truth, plant.stills)
        found = reckon(
            plant.site, plant.truth, store, _letters(plant), plant.stills, offers,
            is_spoiled=plant.is_outbox_spoiled,
        )  # fmt: skip
        wrong = _wrong(plant, found, agent_kills, record_ids, store, offers)
        problems = [*found.examples, *wrong]
    return Account(
        found.emitted, found.acknowledged, found.stored, found.refused, found.lost,
        found.duplicates, found.told, found.gaps, problems[:SHOWN_MAX],
    )  # fmt: skip


def _wrong(
    plant: SmallPlant, found: Reckoning, agent_kills: list[int], ids: set[str], store: Store,
    offers: Offers,
) -> Iterator[str]:  # fmt: skip
    if not found.acknowledged:
        yield "nothing was acknowledged at all"
    if found.emitted - found.told - found.lost != found.stored - found.duplicates:
        yield f"{found.emitted} offers of which {found.told} are told, but {found.stored} stored"
    for station in plant.site.stations:
        yield from unsaid(plant.site, plant.truth, store, station.name, offers)
    polled = {station.name: list(station.modbus) for station in plant.site.stations}
    yield from kills_unsaid(plant.site, polled, agent_kills)
    yield from too_wide(plant.site, store, plant.stills, is_spoiled=plant.is_outbox_spoiled)
    yield from wrong_records(plant, ids, store)


def _letters(plant: SmallPlant) -> dict[tuple[str, str], dict[int, Fact]]:
    """The dead letters by station and tag, as samples by time."""
    found: dict[tuple[str, str], dict[int, Fact]] = {}
    file = dead_letters_path(plant.site.store)
    if not file.exists():
        return found
    letters = DeadLetters(file)
    try:
        for letter in letters.read(limit=1_000_000):
            one = letter.refusal
            found.setdefault((one.station, one.tag), {})[one.time_ms] = one.status, one.value
    finally:
        letters.close()
    return found
