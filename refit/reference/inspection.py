"""The reference page of the inspection's cases: every item, its units and its range."""

from __future__ import annotations

from refit.reference.markdown import HEAD, code, table
from stations.inspection.judging.items import ITEMS
from stations.inspection.judging.quantities import QUANTITIES, USED_IN
from stations.inspection.judging.units import FACTORS

INTRODUCTION = f"""\
# Items of an inspection

{HEAD}
What a case of `refit inspection judge` may name under `measurements`, each as `{{"value", "unit"}}`
and, where more than one machine could be meant, `"equipment"`. `refit schema inspection-case` is
the JSON Schema of a whole case, [how to judge an inspection](../how-to/judge-an-inspection.md) has
examples. The long name, with the unit at its end, is understood too and needs no unit. A value out
of its range cannot be true: it is named as `out_of_range` and never judged.

"""
QUANTITY_WORDS = """
## What is judged

Quantities that rule sets have limits of, and the items that each is made of. An item of the same
name is what a machine itself reports: both are judged. `refit inspection rules` shows the limits.

"""
KINDS = {"number": "number", "flag": "true or false", "text": "text", "list": "list of texts"}


def page() -> str:
    """The whole page as Markdown."""
    rows = []
    for item in ITEMS.values():
        units = ", ".join(unit for unit in FACTORS.get(item.unit, {}) if unit)
        span = f"{item.low} .. {item.high}" if item.kind == "number" else ""
        long_name = code(item.long_name) if item.long_name != item.name else ""
        judged = ", ".join(code(one) for one in sorted(USED_IN[item.name]))
        rows.append((code(item.name), long_name, KINDS[item.kind], units, span, judged))
    head = ("item", "long name", "value", "units, the item's own first", "range", "judged as")
    quantities = [
        (code(one.name), one.unit, ", ".join(map(code, (*one.inputs, *one.also))), one.place)
        for one in QUANTITIES.values()
    ]
    return (
        INTRODUCTION
        + table(head, rows)
        + QUANTITY_WORDS
        + table(("quantity", "unit", "made of", "place"), quantities)
    )
