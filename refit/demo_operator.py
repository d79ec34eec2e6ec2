"""Who answers in the demo what a capture asks its operator: a real one stands at the station PC."""

from __future__ import annotations

import time

from edge.studio.operator import Choice, answer, asked
from wire.site import Site

WHY = "nobody stands at this simulated studio"
PATIENCE_S = 3.0


class DemoOperator:
    """Has what failed taken once more, then goes on with an incomplete capture."""

    def __init__(self, site: Site) -> None:
        self._folders = {
            one.name: site.outbox.folder / f"{one.agent}.studio" / one.name / "operator"
            for one in site.stations
            if one.cameras
        }
        self._answered_s: dict[str, float] = {}
        self._repeated: dict[str, str] = {}

    def look(self) -> None:
        """Answer what is asked now; what is still asked after PATIENCE_S is answered again."""
        for station, folder in self._folders.items():
            try:
                asks = asked(folder)
            except (OSError, ValueError):  # not there yet; looked at again soon
                continue
            if asks is None:
                self._answered_s.pop(station, None)
                continue
            now_s = time.monotonic()
            if now_s - self._answered_s.get(station, -PATIENCE_S) < PATIENCE_S:
                continue
            if self._repeated.get(station) == asks.capture:
                choice = Choice(capture=asks.capture, choice="go_on", why=WHY)
            else:
                choice = Choice(capture=asks.capture, choice="again")
            self._repeated[station] = asks.capture
            self._answered_s[station] = now_s
            answer(folder, choice)
