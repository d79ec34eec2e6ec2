"""A rule set: thresholds, their sources and the catalogue of codes, read from a text of TOML.

Nothing of the law stands in the code: what is measured against which limit, for which vehicles and
since when, which code and severity it gives, which tests are required, what g is and how long a
letter holds. `load` refuses what does not fit together; each error says what, where, and what would
be right.
"""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from stations.inspection.judging.codes import Code, Severity, parse

Mark = Literal["read", "read 2nd", "memory: verify", "design"]
Compare = Literal["at least", "at most", "magnitude at most", "within", "is false", "recorded"]


def _decimal(value: object) -> object:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


Number = Annotated[Decimal, BeforeValidator(_decimal), Field(strict=True, allow_inf_nan=False)]


class WrongRuleSet(ValueError):
    """A rule set cannot be used; every reason is a line of the message."""

    def __init__(self, name: str, reasons: list[str]) -> None:
        super().__init__("\n".join(f"{name}: {reason}" for reason in reasons))
        self.reasons = reasons


class Row(BaseModel):
    """A part of a rule set that says where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    source: str = Field(min_length=3)
    mark: Mark
    conflict: str = ""


class Span(BaseModel):
    """Days from one to another, both included; None: without end."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    from_: date | None = Field(None, alias="from")
    to: date | None = None

    def __contains__(self, day: date) -> bool:
        after = self.from_ is None or day >= self.from_
        return after and (self.to is None or day <= self.to)

    @property
    def is_always(self) -> bool:
        return self.from_ is None and self.to is None


ALWAYS = Span.model_validate({})


class Figure(Row):
    """A number that is no limit: g, the smallest force, how long a letter holds."""

    value: Number
    unit: str


class Masses(Row):
    """Which mass stands under an efficiency, the first that is known of `order`."""

    order: tuple[Literal["weighed", "reference", "gvm"], ...] = Field(min_length=1)


class Limit(Row):
    """What a quantity is held against. No selector: it holds for all.

    `share` is a part of the limit of the same quantity one severity below (below half of the
    required value: critical). `override` names values of the vehicle or its plate that stand in
    for the limit; then `override_code` is the deficiency. `boundary` is the verdict on the limit
    itself.
    """

    id: str
    item: str
    compare: Compare
    unit: str = ""
    code: str = ""
    severity: Severity | None = None
    value: Number | None = None
    low: Number | None = None
    high: Number | None = None
    share: Number | None = None
    boundary: Literal["passes", "fails"] = "passes"
    categories: tuple[str, ...] = ()
    fuels: tuple[str, ...] = ()
    first_registered: Span = ALWAYS
    steered: bool | None = None
    catalyst: bool | None = None
    turbo: bool | None = None
    euro: tuple[int | Literal["unknown"], ...] = ()
    height_below: Number | None = None
    override: tuple[str, ...] = ()
    override_code: str = ""
    tolerance: Number | None = None

    @cached_property
    def parsed(self) -> Code:
        """The code in its parts."""
        return parse(self.code)


class Uncertainty(Row):
    """How far from a limit a quantity may lie and still be near it."""

    item: str
    value: Number
    unit: str


class Required(Row):
    """Quantities without which a full test is not whole; no selector: for every vehicle."""

    items: tuple[str, ...] = Field(min_length=1)
    categories: tuple[str, ...] = ()
    fuels: tuple[str, ...] = ()
    first_registered: Span = ALWAYS
    catalyst: bool | None = None


class Retest(Row):
    """What a re-inspection looks at when a code of a point that begins so was found."""

    listed: str
    required: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()


class Equipment(Row):
    """A kind of machine: words that its ids contain, and the items that it measures."""

    kind: str
    words: tuple[str, ...]
    measures: tuple[str, ...]
    needs_zero: bool


class Point(Row):
    """A point of the catalogue with its deficiencies, as `a.2`; those of `located` need a place."""

    number: str
    deficiencies: tuple[str, ...] = Field(min_length=1)
    located: tuple[str, ...] = ()


class Classes(Row):
    """Names of ranges of a quantity that has no limit; each from its lower end on."""

    item: str
    unit: str
    names: tuple[str, ...]
    above: tuple[Number, ...]


class Recall(Row):
    """The deficiency that an open recall is, whatever was measured."""

    code: str
    severity: Severity


class RuleSet(BaseModel):
    """One rule set as it is written, checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    name: str = Field(pattern=r"^[a-z0-9-]+$")
    title: str
    valid: Span
    categories: tuple[str, ...] = Field(min_length=1)
    fuels: dict[str, tuple[str, ...]]
    figures: dict[str, Figure]
    masses: dict[Literal["service", "parking"], Masses]
    limits: tuple[Limit, ...] = Field(alias="limit", min_length=1)
    uncertainties: tuple[Uncertainty, ...] = Field((), alias="uncertainty")
    required: tuple[Required, ...] = ()
    retests: tuple[Retest, ...] = Field((), alias="retest")
    equipment: tuple[Equipment, ...] = ()
    points: tuple[Point, ...] = Field(alias="point", min_length=1)
    classes: tuple[Classes, ...] = ()
    recall: Recall
    replaced: dict[str, str] = {}
    catalyst_assumed_from: date
    sha256: str = ""

    @cached_property
    def known_codes(self) -> dict[str, Point]:
        """Every code of the catalogue with its point."""
        return {
            f"{point.number}.{one}": point for point in self.points for one in point.deficiencies
        }

    def needs_place(self, code: str) -> bool:
        """Whether the catalogue has `[Loc.]` beside this code."""
        point = self.known_codes[code]
        return code.removeprefix(f"{point.number}.") in point.located

    def family(self, fuel: str) -> str | None:
        """The family that a fuel belongs to: petrol, diesel or electric."""
        return next((name for name, fuels in self.fuels.items() if fuel in fuels), None)


def load(text: str) -> RuleSet:
    """The rule set of a text; WrongRuleSet with every reason when it cannot be used."""
    from stations.inspection.judging.checks import problems

    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise WrongRuleSet("rule set", [f"it is no TOML: {error}"]) from error
    name = str(data.get("name", "rule set"))
    try:
        found = RuleSet.model_validate(data | {"sha256": hashlib.sha256(text.encode()).hexdigest()})
    except ValidationError as error:
        raise WrongRuleSet(name, [_said(one, data) for one in error.errors()]) from error
    wrong = problems(found)
    if wrong:
        raise WrongRuleSet(name, wrong)
    return found


def _said(error: object, data: dict[str, object]) -> str:
    """Where in the file, and what is wrong there; rows are counted from 1 and named by their id."""
    assert isinstance(error, dict)
    where: list[str] = []
    at: object = data
    for part in error["loc"]:
        at = at[part] if _has(at, part) else None  # type: ignore[index]
        if isinstance(part, int):
            named = _name(at)
            where[-1:] = [f"{where[-1]} {part + 1}" + (f" ({named})" if named else "")]
        else:
            where.append(str(part))
    got = "" if error["type"] in ("missing", "extra_forbidden") else f", not {error['input']!r}"
    said = {"extra_forbidden": "there is no such key", "missing": "it is missing"}
    return f"{'.'.join(where)}: {said.get(error['type'], error['msg'])}{got}"


def _name(row: object) -> object:
    if not isinstance(row, dict):
        return None
    return row.get("id") or row.get("item") or row.get("number")


def _has(container: object, part: object) -> bool:
    if isinstance(container, list) and isinstance(part, int):
        return part < len(container)
    return isinstance(container, dict) and part in container
