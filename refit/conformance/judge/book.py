"""What the judge writes down: per assertion, how often it held, and where it did not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

PREFIX = "tck-id-"


def full(name: str) -> str:
    """The whole id; a `requirement-N` of the reference is no id of the TCK."""
    return name if name.startswith("requirement-") else PREFIX + name


@dataclass
class Book:
    """`held` and `broken` by id; an id in neither was not exercised."""

    held: Counter[str] = field(default_factory=Counter)
    broken: dict[str, list[str]] = field(default_factory=dict)

    def see(self, names: str, ok: bool, where: str, what: str) -> bool:
        """Note for some ids (blank separated, without their prefix) whether they hold here."""
        for name in map(full, names.split()):
            if ok:
                self.held[name] += 1
            else:
                self.broken.setdefault(name, []).append(f"{where}: {what}")
        return ok

    def status(self, id: str) -> str:
        """ "violated", "held" or "not exercised"."""
        if id in self.broken:
            return "violated"
        return "held" if self.held[id] else "not exercised"

    def said(self) -> str:
        """All violations, for people."""
        return "\n".join(
            f"{id}: {one}" for id, listed in sorted(self.broken.items()) for one in listed[:3]
        )
