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
from refit.chaos.reckoning import Reckoning, reckon, unsaid
from refit.chaos.spans import Span, gaps

POLLED = (("meter-1", ""), ("studio-1", ""))
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
        found = reckon(
            plant.site, plant.truth, store, _letters(plant), plant.stills,
            is_spoiled=plant.is_outbox_spoiled,
        )  # fmt: skip
        problems = [*found.examples, *_wrong(plant, found, agent_kills, record_ids, store)]
    return Account(
        found.emitted, found.acknowledged, found.stored, found.refused, found.lost,
        found.duplicates, found.told, found.gaps, problems[:SHOWN_MAX],
    )  # fmt: skip


def _wrong(
    plant: SmallPlant, found: Reckoning, agent_kills: list[int], ids: set[str], store: Store
) -> Iterator[str]:
    if not found.acknowledged:
        yield "nothing was acknowledged at all"
    if found.emitted - found.told - found.lost != found.stored - found.duplicates:
        yield f"{found.emitted} offers of which {found.told} are told, but {found.stored} stored"
    yield from unsaid(plant.site, plant.truth, store, "press-1")
    yield from _unsaid_polls(gaps(plant.site), agent_kills)
    yield from wrong_records(plant, ids, store)


def _unsaid_polls(spans: list[Span], agent_kills: list[int]) -> Iterator[str]:
    """While an agent is dead nobody polls: each connection has a gap record over that moment."""
    for gone_ms in agent_kills:
        for station, connection in POLLED:
            if not any(
                (one.station, one.connection) == (station, connection)
                and one.from_ms <= gone_ms <= one.to_ms
                for one in spans
            ):
                yield f"no gap record of {station} {connection!r} covers the kill at {gone_ms}"


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
