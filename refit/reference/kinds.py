"""The reference page that leads to the kinds of station: what each is and where its tags are."""

from __future__ import annotations

from refit.reference.markdown import HEAD, code, table
from stations import kinds

INTRODUCTION = f"""\
# Kinds of station

{HEAD}
A station of a site file has one of these kinds, or `device`: then a CSV says its tags.

"""


def page() -> str:
    """The whole page as Markdown."""
    rows = [(code(name), _does(name), _links(name)) for name in kinds.names()]
    return INTRODUCTION + table(("kind", "what it does", "more"), rows)


def _does(name: str) -> str:
    return (kinds.find(name).station.__doc__ or "").partition("\n")[0]


def _links(name: str) -> str:
    tags, records = f"[tags](tags-{name}.md)", f"[records](records.md#records-of-the-kind-{name})"
    return f"{tags}, {records}, [its page](../../stations/{name}/README.md)"
