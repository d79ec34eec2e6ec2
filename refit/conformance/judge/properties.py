"""PropertySets: as many keys as values, known types, and Quality as the specification wants it."""

from __future__ import annotations

from typing import Any

from refit.conformance.judge.book import Book
from refit.conformance.judge.reading import BASIC, BIRTHS, INT32, Spoken

SIZES = "payloads-propertyset-keys-array-size payloads-propertyset-values-array-size"
TYPE_KIND = "payloads-metric-propertyvalue-type-type"
TYPE_VALUE = "payloads-metric-propertyvalue-type-value"
TYPE_REQUIRED = "payloads-metric-propertyvalue-type-req"
QUALITY_TYPE = "payloads-propertyset-quality-value-type"
QUALITY_VALUE = "payloads-propertyset-quality-value-value"
NESTED = (20, 21)


def properties(book: Book, said: Spoken, metric: Any, where: str) -> None:
    """All properties of a metric."""
    if not metric.HasField("properties"):
        return
    keys, values = metric.properties.keys, metric.properties.values
    book.see(SIZES, len(keys) == len(values), where, f"{len(keys)} keys, {len(values)} values")
    for value in values:
        has = value.HasField("type")
        if said.verb in BIRTHS:
            book.see(TYPE_REQUIRED, has, where, "a property without a type")
        if has:
            book.see(TYPE_KIND, True, where, "")
            known = value.type in BASIC or value.type in NESTED
            book.see(TYPE_VALUE, known, where, f"a property of type {value.type}")
    for key, value in zip(keys, values, strict=False):
        if key == "Quality":
            book.see(QUALITY_TYPE, value.type == INT32, where, f"Quality of type {value.type}")
            fine = value.WhichOneof("value") == "int_value" and value.int_value in (0, 192, 500)
            book.see(QUALITY_VALUE, fine, where, "Quality is not 0, 192 or 500")
