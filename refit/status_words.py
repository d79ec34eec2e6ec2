"""A StatusCode in words, for people: its name in OPC UA, and how good it is."""

from __future__ import annotations

from functools import cache

from stations import status as codes
from stations.status import SEVERITY, is_bad, is_good

GOOD, UNCERTAIN, BAD = "Good", "Uncertain", "Bad"
NO_INFO = 0xFFFF_0000  # without the info bits, which say more about a value and name no code
_OWN = {
    code: "".join(word.capitalize() for word in name.split("_"))
    for name, code in vars(codes).items()
    if name.isupper() and isinstance(code, int) and name.startswith(("GOOD", "BAD", "UNCERTAIN"))
}


def severity(status: int) -> str:
    """Good, Uncertain or Bad."""
    if is_good(status):
        return GOOD
    return BAD if is_bad(status) else UNCERTAIN


def words(status: int) -> str:
    """The name of a StatusCode, such as BadNodeIdUnknown; severity and number when it has none."""
    return _name(status & NO_INFO) or f"{severity(status)} {status:#010x}"


@cache
def _name(code: int) -> str:
    return _OWN.get(code) or _all_names().get(code, "")


@cache
def _all_names() -> dict[int, str]:
    """All of OPC 10000-6, annex A.2; loaded when a machine says what is not known here."""
    from asyncua.ua.status_codes import code_to_name_doc

    return {code: name for code, (name, _) in code_to_name_doc.items() if code & SEVERITY or name}
