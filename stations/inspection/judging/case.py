"""A case: what one test knows of a vehicle, every number being the decimal that was delivered."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)  # fmt: skip

LIST_MAX = 500
FIRST_YEAR, LAST_YEAR = 1880, 2200  # the first car, and far enough


class Wrong(ValueError):
    """A case is refused; every reason is a line of the message."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


def _day(value: object) -> object:
    """A date, or the day of a time as the centre's clock shows it."""
    if value is None or type(value) is date:
        return value
    try:
        day = datetime.fromisoformat(value).date() if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError("write a day as YYYY-MM-DD")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"write a day of the years {FIRST_YEAR} to {LAST_YEAR}")
    return day


def _whole(value: object) -> object:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


_NUMBER = WithJsonSchema({"type": "number"})
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Number = Annotated[Decimal, Field(strict=True, allow_inf_nan=False), _NUMBER]
Positive = Annotated[
    Decimal,
    Field(strict=True, gt=0, le=100000, max_digits=20, decimal_places=10),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 100000}),
]
Whole = Annotated[int, BeforeValidator(_whole), Field(strict=True, ge=0, le=10_000_000)]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(strict=True, pattern=r"\S", max_length=200)]


class Part(BaseModel):
    """A part of a case: keys that are not known are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EarlierFinding(Part):
    """A finding of the test that a re-inspection follows."""

    code: Text
    location: Text | None = None


def _finding(value: object) -> object:
    return {"code": value} if isinstance(value, str) else value


Earlier = Annotated[
    EarlierFinding,
    BeforeValidator(_finding),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"code": {"type": "string"}, "location": {"type": "string"}},
                    "required": ["code"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class Test(Part):
    """When and why: `earlier` are the codes that a re-inspection looks at again.

    `earlier_date` is the day of the full test; with it the time for the re-inspection is checked.
    `aborted` is the reason why a test was given up.
    """

    date: Day
    kind: Literal["full", "re-inspection"] = "full"
    earlier: tuple[Earlier, ...] = Field((), max_length=LIST_MAX)
    earlier_date: Day | None = None
    aborted: Text | None = None


class Vehicle(Part):
    """What is known of the vehicle. None: not known. VIN and plate are taken and never repeated."""

    category: Text
    first_registration: Day | None = None
    fuel: Text
    euro_class: Annotated[Whole, Field(le=7)] | None = None
    turbo: Flag | None = None
    catalyst: Flag | None = None
    gvm_kg: Positive | None = None
    ref_mass_kg: Positive | None = None
    gcm_kg: Positive | None = None
    steered_axles: tuple[Annotated[Whole, Field(ge=1, le=2)], ...] = Field((1,), min_length=1)
    k_plate_m1: Positive | None = None
    co_maker_pct: Positive | None = None
    co_maker_fast_pct: Positive | None = None
    lambda_maker_min: Positive | None = None
    lambda_maker_max: Positive | None = None
    recall_stop_drive: Flag | None = None
    odometer_km: Whole | None = None
    earlier_odometer_km: Whole | None = None
    visit: Text | None = None
    vehicle_id: Text | None = None
    vin: Text | None = None
    plate: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _other_name(cls, data: Any) -> Any:
        """`first_reg_date` is the name of the first registration in the table of tags."""
        if isinstance(data, dict) and "first_reg_date" in data:
            if "first_registration" in data:
                raise ValueError("first_registration and first_reg_date are the same: leave one")
            return {
                "first_registration" if key == "first_reg_date" else key: value
                for key, value in data.items()
            }
        return data


class Machine(Part):
    """A piece of equipment on the day of the test.

    Without a `kind` its id says what it measures; when that says nothing, it stands for all items.
    `uncertainty` is stated by quantity, in the quantity's unit.
    """

    kind: Text | None = None
    calibration_due: Day | None = None
    last_calibration: Day | None = None
    zero_ok: Flag | None = None
    fault: Annotated[str, Field(strict=True)] | Flag | None = None
    status: Text | None = None
    model: Text | None = None
    serial: Text | None = None
    uncertainty: dict[str, Number] = {}


class Measured(Part):
    """One value as it was delivered; `equipment` where more than one machine could be meant."""

    value: Number | Flag | Text | tuple[Text, ...] | None
    unit: str | None = None
    equipment: Text | None = None


class Seen(Part):
    """What the inspector found by eye."""

    code: Text
    location: Text | None = None
    photo: Text | None = None


class Decision(Part):
    """An undecidable item that the inspector decided by hand: `pass`, or the code he found."""

    item: Text
    outcome: Text
    reason: Annotated[str, Field(strict=True, min_length=5, max_length=500)]
    inspector: Text


class Case(Part):
    """One test: measurements are kept by the item's short name.

    An empty list of `visual` says that the inspector looked and found nothing; without one nobody
    has looked.
    """

    test: Test
    vehicle: Vehicle
    equipment: dict[str, Machine] = Field({}, max_length=LIST_MAX)
    measurements: dict[str, Measured] = Field(max_length=LIST_MAX)
    visual: tuple[Seen, ...] | None = Field(None, max_length=LIST_MAX)
    decisions: tuple[Decision, ...] = Field((), max_length=LIST_MAX)
