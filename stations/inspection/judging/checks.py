"""What must fit together in a rule set; each problem says what, where, and what would be right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise, product

from stations.inspection.judging.codes import WrongCode, is_point, parse
from stations.inspection.judging.items import ITEMS
from stations.inspection.judging.limits import ALL_EURO
from stations.inspection.judging.quantities import PATTERNS, QUANTITIES
from stations.inspection.judging.rule_set import Limit, RuleSet

FIGURES = {
    "gravity": "m/s2", "imbalance_force_min": "N", "weighed_mass_min": "kg",
    "calibration_months": "months", "favourable_months": "months", "major_months": "months",
    "critical_days": "days",
    "reinspection_months": "months",
}  # fmt: skip
OVERRIDES = {
    "k_plate_m1", "co_maker_pct", "co_maker_fast_pct", "lambda_maker_min", "lambda_maker_max",
    "target_dip",
}  # fmt: skip
DAY = timedelta(days=1)


def problems(rules: RuleSet) -> list[str]:
    """Every reason why this rule set cannot be used."""
    found: list[str] = []
    for part in (_catalogue, _figures, _rows, _tables, _spans, _covered):
        found += part(rules)
    return found


def _catalogue(rules: RuleSet) -> Iterator[str]:
    seen: set[str] = set()
    for point in rules.points:
        where = f"point {point.number}"
        if not is_point(point.number):
            yield f"{where}: no number of a point: write three numbers, as in 8.2.12"
            continue
        for code in (f"{point.number}.{one}" for one in point.deficiencies):
            try:
                parse(code)
            except WrongCode as error:
                yield f"{where}: {error}"
            if code in seen:
                yield f"{where}: {code} is there twice: leave one"
            seen.add(code)
        for one in sorted(set(point.located) - set(point.deficiencies)):
            yield f"{where}: located names {one}, which is not among its deficiencies: add it there"
    for old, new in rules.replaced.items():
        if old in seen or new not in seen:
            yield f"replaced {old}: it must not be in the catalogue itself, and {new} must be"


def _figures(rules: RuleSet) -> Iterator[str]:
    for name, unit in FIGURES.items():
        figure = rules.figures.get(name)
        if figure is None:
            yield f"figures.{name}: it is missing: write value, unit = {unit!r}, source and mark"
        elif figure.unit != unit:
            yield f"figures.{name}: its unit is {unit!r}, not {figure.unit!r}"
        elif figure.value < 0 or (figure.value == 0 and name != "critical_days"):
            yield f"figures.{name}: {figure.value} is too small: write a number above zero"
        elif unit in ("months", "days") and figure.value != int(figure.value):
            yield f"figures.{name}: {figure.value} must be a whole number"
    for name in sorted(set(rules.figures) - set(FIGURES)):
        yield f"figures.{name}: nothing uses it: known are {', '.join(sorted(FIGURES))}"
    for purpose in ("parking", "service"):
        if purpose not in rules.masses:
            yield f"masses.{purpose}: it is missing: write order, source and mark"


def _rows(rules: RuleSet) -> Iterator[str]:
    ids: set[str] = set()
    for row in rules.limits:
        if row.id in ids:
            yield f"limit {row.id}: this id is there twice: each limit has its own"
        ids.add(row.id)
        yield from (f"limit {row.id}: {what}" for what in _row(row, rules))
        if row.item == "rbt.axle*.force_larger" and row.value is not None:
            smallest = rules.figures.get("imbalance_force_min")
            if smallest is not None and smallest.value != row.value:
                yield (
                    f"limit {row.id}: its value {row.value} N must be that of"
                    f" figures.imbalance_force_min, {smallest.value} N: between them nothing would"
                    " be judged, or both"
                )


def _row(row: Limit, rules: RuleSet) -> Iterator[str]:
    if row.compare == "recorded":
        if row.code or row.severity is not None or row.value is not None:
            yield "what is only recorded has no code, no severity and no value: leave them out"
        return
    quantity = PATTERNS.get(row.item)
    if quantity is None:
        yield f"item {row.item}: there is no such quantity: known are {', '.join(sorted(PATTERNS))}"
        return
    if row.compare != "is false" and row.unit != quantity.unit:
        yield f"unit {row.unit!r}: {row.item} is in {quantity.unit!r}"
    for code in filter(None, (row.code, row.override_code if row.override else "")):
        yield from _code(row, code, rules)
    yield from _selectors(row, rules)
    yield from _values(row)


def _code(row: Limit, text: str, rules: RuleSet) -> Iterator[str]:
    try:
        code = parse(text)
    except WrongCode as error:
        yield str(error)
        return
    if row.severity != code.severity:
        stored = "missing" if row.severity is None else row.severity.value
        yield (
            f"severity is {stored}, but the last digit of {text} says {code.severity.value}:"
            f" write severity = {code.severity.value}, or another code"
        )
    if text not in rules.known_codes:
        yield f"code {text} is not in the catalogue: add it to point {code.number}, or correct it"
    elif rules.needs_place(text) and not PATTERNS[row.item].place:
        yield f"code {text} needs a location [Loc.], and {row.item} has none: take another item"


def _selectors(row: Limit, rules: RuleSet) -> Iterator[str]:
    for one in sorted(set(row.categories) - set(rules.categories)):
        yield f"category {one}: this rule set knows {', '.join(rules.categories)}"
    for one in sorted(set(row.fuels) - set(rules.fuels)):
        yield f"fuel {one}: this rule set knows the families {', '.join(rules.fuels)}"
    for euro in sorted(map(str, set(row.euro) - set(ALL_EURO))):
        yield f"euro {euro}: known are {', '.join(map(str, ALL_EURO))}"
    for one in sorted(set(row.override) - OVERRIDES):
        yield f"override {one}: known are {', '.join(sorted(OVERRIDES))}"
    if bool(row.override) != bool(row.override_code):
        yield "override and override_code belong together: write both, or none"
    span = row.first_registered
    if span.from_ is not None and span.to is not None and span.from_ > span.to:
        yield f"first_registered: from {span.from_} is after to {span.to}: exchange them"


def _values(row: Limit) -> Iterator[str]:
    ends = (row.low is not None) + (row.high is not None)
    if not row.code and (row.override == () or row.compare != "within" or ends):
        yield "code: it is missing"
    if row.compare == "within":
        if row.tolerance is None and row.override and len(row.override) == 1:
            yield "tolerance: one value of plate or maker needs it: how far may it be off?"
        if ends == 1 or (not ends and not row.override) or row.value is not None:
            yield "within needs low and high, and no value"
        if row.low is not None and row.high is not None and row.low > row.high:
            yield f"low {row.low} is above high {row.high}: exchange them"
    elif row.compare == "is false":
        if ends or row.value is not None or row.share is not None:
            yield "what is to be false has no value: leave it out"
    elif (row.value is not None) + (row.share is not None) != 1 or ends:
        yield f"{row.compare!r} needs either a value or a share, and neither low nor high"
    if row.share is not None and not 0 < row.share < 1:
        yield f"share {row.share}: write a number between 0 and 1"


def _tables(rules: RuleSet) -> Iterator[str]:
    try:
        code = parse(rules.recall.code)
    except WrongCode as error:
        yield f"recall: {error}"
    else:
        if rules.recall.severity != code.severity:
            yield f"recall: severity is {rules.recall.severity.value}, but {code} ends otherwise"
        if str(code) not in rules.known_codes:
            yield f"recall: code {code} is not in the catalogue: add it to point {code.number}"
    for one in rules.uncertainties:
        if one.item not in PATTERNS or PATTERNS[one.item].unit != one.unit or one.value < 0:
            yield f"uncertainty {one.item}: write a quantity, its unit, and no negative value"
    for machine in rules.equipment:
        for prefix in machine.measures:
            if not any(item.startswith(prefix) for item in ITEMS):
                yield f"equipment {machine.kind}: no item begins with {prefix!r}"
    for retest in rules.retests:
        for prefix in (*retest.required, *retest.allowed):
            if prefix and not any(name.startswith(prefix) for name in QUANTITIES):
                yield f"retest {retest.listed}: no quantity begins with {prefix!r}"
    for classes in rules.classes:
        if len(classes.above) != len(classes.names) or list(classes.above) != sorted(
            classes.above, reverse=True
        ):
            yield f"classes {classes.item}: write a lower end for each name, the highest first"


Selected = tuple[str, str, bool, bool, bool, int | str]


def _spans(rules: RuleSet) -> Iterator[str]:
    """No day may have two limits of one quantity and severity, none may lie between two of them."""
    groups: dict[tuple[str, int], list[Limit]] = defaultdict(list)
    for row in rules.limits:
        plate_only = row.compare == "within" and row.low is None
        if row.severity is not None and row.item in PATTERNS and not plate_only:
            groups[row.item, row.severity.value].append(row)
    for rows in groups.values():
        said: set[str] = set()
        for one in _selections(rows, rules):
            fit = [row for row in rows if _fits(row, one)]
            for what in _joined(fit):
                said.add(what)
            if not fit and any(row.euro or row.turbo is not None for row in rows):
                others = [row for row in rows if _fits(row, one, strictly=False)]
                if others:
                    said.add(
                        f"limit {others[0].id}: there is a gap: nothing holds for euro class"
                        f" {one[5]}, turbo {str(one[4]).lower()}: add a limit for it"
                    )
        yield from sorted(said)


def _selections(rows: Sequence[Limit], rules: RuleSet) -> Iterator[Selected]:
    both = (True, False)
    yield from product(rules.categories, rules.fuels, both, both, both, ALL_EURO)


def _fits(row: Limit, one: Selected, strictly: bool = True) -> bool:
    category, fuel, steered, catalyst, turbo, euro = one
    loose = (
        (not row.categories or category in row.categories)
        and (not row.fuels or fuel in row.fuels)
        and row.steered in (None, steered)
        and row.catalyst in (None, catalyst)
    )
    fine = row.turbo in (None, turbo) and (not row.euro or euro in row.euro)
    return loose and (fine or not strictly)


def _joined(rows: Sequence[Limit]) -> Iterator[str]:
    """Gaps and overlaps between the dates of rows that hold for the same vehicles."""
    ordered = sorted(rows, key=lambda row: row.first_registered.from_ or date.min)
    if not ordered:
        return
    if (first := ordered[0].first_registered.from_) is not None:
        yield (
            f"limit {ordered[0].id}: there is a gap: nothing holds before {first}: add a limit"
            " to the day before it, or leave out from"
        )
    for one, two in pairwise(ordered):
        end, begin = one.first_registered.to, two.first_registered.from_
        if end is None or begin is None or begin <= end:
            yield (
                f"limits {one.id} and {two.id} overlap: both hold for a vehicle first registered"
                f" on {begin or end or 'any day'}: let one end on the day before the other begins"
            )
        elif begin - end > DAY:
            yield (
                f"limits {one.id} and {two.id} leave a gap from {end + DAY} to {begin - DAY}:"
                f" let the second begin on {end + DAY}"
            )
    if (last := ordered[-1].first_registered.to) is not None:
        yield (
            f"limit {ordered[-1].id}: there is a gap: nothing holds after {last}: add a limit"
            f" from {last + DAY}, or leave out to"
        )


def _covered(rules: RuleSet) -> Iterator[str]:
    """What is required is also judged, for each category and fuel that it is required of."""
    for required in rules.required:
        for name in required.items:
            quantity = QUANTITIES.get(name)
            if name == "vehicle.recall_stop_drive":
                continue
            if quantity is None:
                known = ", ".join(QUANTITIES)
                yield f"required {name}: there is no such quantity: known are {known}"
                continue
            asked = product(required.categories or rules.categories, required.fuels or rules.fuels)
            for category, fuel in asked:
                if not any(
                    row.item == quantity.pattern
                    and (not row.categories or category in row.categories)
                    and (not row.fuels or fuel in row.fuels)
                    for row in rules.limits
                ):
                    yield f"required {name}: no limit judges it for {category}, {fuel}: add one"
