"""What inspectors see and decide at the station PC: files in a folder of the agent.

`session.json` is the session that is open, `live.json` what the machines show now. A choice or an
order is a file in `choices/`; its answer stands in `answers/` under the same id. Who may write into
the agent's folder may choose; nobody may over a network.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stations.inspection.facts import Order
from stations.inspection.happenings import Answer, Chosen, Ordered
from stations.inspection.judging.parsing import parse
from wire.disk import write_durably

SESSION, LIVE = "session.json", "live.json"
CHOICE_BYTES_MAX = 256 << 10
LAST_DAY = "2200-12-31"
ID = r"^[A-Za-z0-9-]{8,64}$"


class Wish(BaseModel):
    """A choice of an inspector, or an order."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str = Field(pattern=ID)
    order: Order | None = None
    choice: dict[str, Any] | None = None

    def happening(self, time_ms: int) -> Chosen | Ordered:
        """What it means. ValidationError when it means nothing."""
        if self.order is not None:
            return Ordered(id=self.id, order=self.order, time_ms=time_ms)
        said = {**(self.choice or {}), "id": self.id, "time_ms": time_ms}
        return Chosen.model_validate_json(json.dumps(said))


def ask(folder: Path, wish: Wish) -> None:
    """Put a wish before the agent. OSError."""
    write_durably(folder / "choices" / f"{wish.id}.json", wish.model_dump_json().encode())


def answer_to(folder: Path, id: str) -> Answer | None:
    """The agent's answer; None while there is none. OSError."""
    try:
        return Answer.model_validate_json((folder / "answers" / f"{id}.json").read_bytes())
    except FileNotFoundError:
        return None


def wishes(folder: Path) -> Iterator[tuple[Path, Wish | None]]:
    """What is before the agent, oldest first; None for a file that is no wish. OSError."""
    files = [one for one in folder.glob("*.json") if not one.name.startswith(".")]
    for file in sorted(files, key=lambda one: (one.stat().st_mtime_ns, one.name)):
        try:
            if file.stat().st_size > CHOICE_BYTES_MAX:
                raise ValueError("too long")
            wish = Wish.model_validate_json(file.read_bytes())
            yield file, wish if wish.id == file.stem else None
        except (ValidationError, ValueError):
            yield file, None


def shown(folder: Path) -> dict[str, Any]:
    """What inspectors see: the session and what is live. FileNotFoundError, ValueError."""
    found: dict[str, Any] = json.loads((folder / SESSION).read_bytes())
    try:
        found["live"] = json.loads((folder / LIVE).read_bytes())
    except FileNotFoundError:
        found["live"] = {}
    return found


def order_of(said: dict[str, Any], vin_hash: str | None) -> Order:
    """An order as a person or a line writes it, whose VIN has become a hash.

    {"visit", "kind", "vehicle": {"category", "first_registration", "fuel", ...}, "earlier",
    "earlier_date"}. ValidationError, ValueError.
    """
    words = {key: value for key, value in said.items() if key != "vin"}
    vehicle = words.get("vehicle")
    if not isinstance(vehicle, dict):
        raise ValueError('vehicle is missing: write {"category", "first_registration", "fuel"}')
    if "vin" in vehicle or "plate" in vehicle:
        raise ValueError("the VIN stands beside vehicle, as vin, and is kept as a hash alone")
    # What could not be judged in the end is said now.
    known = {key: value for key, value in vehicle.items() if key != "odometer_km"}
    parse(json.dumps({"test": {"date": LAST_DAY}, "vehicle": known, "measurements": {}}))
    order = Order.model_validate_json(json.dumps(words))
    return order if vin_hash is None else order.model_copy(update={"vin_hash": vin_hash})
