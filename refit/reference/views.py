"""The reference page of the views of the ledger."""

from __future__ import annotations

from plant.ledger import views
from refit.reference.markdown import HEAD, code, table

INTRODUCTION = f"""\
# The views of the ledger

{HEAD}
Four views show the records as tables, for Grafana and for whoever speaks SQL. They are in the
database of the ledger, with the same names and columns in PostgreSQL and in SQLite. An account that
may read them and nothing else is made by `refit ledger grant`
([how to](../how-to/postgresql.md)).

A VIN is in none of them. A vehicle has a pseudonym, which is drawn by lot and is forgotten with the
VIN. The views are derived from the records, which alone are in the chain and are proven by
`refit ledger verify`; `refit ledger rebuild` derives them anew. A record that cannot be read is
shown with its columns and empty `data`.

| type | PostgreSQL | SQLite |
|---|---|---|
| time | timestamptz | text in UTC such as `2026-09-21T14:00:00.000Z`, compared as text |
| text | text | text |
| whole number | bigint | integer |
| number | double precision | real |
| true or false | boolean | 0 or 1 |
| JSON | jsonb | text |

Columns marked *fast* have an index: search by one of them.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [INTRODUCTION]
    for view in views.VIEWS:
        rows = [
            (code(one.name), one.type, "fast" if one.indexed else "", one.doc)
            for one in view.columns
        ]
        parts.append(f"\n## `{view.name}`\n\nOne row for each {view.row}.\n\n")
        parts.append(table(("column", "type", "", "what it is"), rows))
    return "".join(parts)
