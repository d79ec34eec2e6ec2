"""What Grafana does with the text of a query before it sends it: macros, variables, the interval.

InfluxQL: `$timeFilter` and `$__interval` are replaced in pkg/tsdb/influxdb; SQL: the macros of its
PostgreSQL plugin. `now()` stands for the end of the time that is shown, as if it were now.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SCREEN = 1920  # pixels, of 24 columns
# Steps of Grafana's interval (packages/grafana-data, rangeutil.roundInterval): up to which
# milliseconds which one is taken.
STEPS = (
    (10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1_500, 1_000),
    (3_500, 2_000), (7_500, 5_000), (12_500, 10_000), (17_500, 15_000), (25_000, 20_000),
    (45_000, 30_000), (90_000, 60_000), (210_000, 120_000), (450_000, 300_000),
    (750_000, 600_000), (1_050_000, 900_000), (1_500_000, 1_200_000), (2_700_000, 1_800_000),
    (5_400_000, 3_600_000), (9_000_000, 7_200_000), (16_200_000, 10_800_000),
    (32_400_000, 21_600_000), (86_400_000, 43_200_000), (604_800_000, 86_400_000),
)  # fmt: skip
UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True)
class View:
    """What somebody looks at: a time range, and the values of the dashboard's variables."""

    start_ms: int
    end_ms: int
    variables: Mapping[str, str]

    def interval_ms(self, panel: Mapping[str, Any]) -> int:
        """The interval of a panel: its time over its pixels, never below its own."""
        pixels = SCREEN * int(panel["gridPos"]["w"]) // 24
        exact = (self.end_ms - self.start_ms) / pixels
        step = next(step for limit, step in STEPS if exact < limit)
        return max(step, duration_ms(panel.get("interval") or "1s"))

    def influxql(self, query: str, panel: Mapping[str, Any]) -> str:
        """The InfluxQL that is sent."""
        interval = self.interval_ms(panel)
        text = query.replace(
            "$timeFilter", f"time >= {self.start_ms}ms and time <= {self.end_ms}ms"
        )
        text = text.replace("$__interval_ms", str(interval)).replace("$__interval", f"{interval}ms")
        return self._named(text).replace("now()", f"{self.end_ms}ms")

    def sql(self, query: str) -> str:
        """The SQL that is sent."""
        text = re.sub(r"\$__timeFilter\(([^)]+)\)", self._between, query)
        return self._named(text)

    def _between(self, match: re.Match[str]) -> str:
        return f"{match[1]} BETWEEN '{_rfc3339(self.start_ms)}' AND '{_rfc3339(self.end_ms)}'"

    def _named(self, text: str) -> str:
        for name, value in self.variables.items():
            quoted = "'" + value.replace("'", "''") + "'"
            text = text.replace(f"${{{name}:sqlstring}}", quoted).replace(f"${name}", value)
        assert not re.search(r"\$[A-Za-z_{]", text), f"not everything was replaced: {text}"
        return text


def duration_ms(text: str) -> int:
    """Milliseconds of `30s` or `1m`."""
    match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text)
    assert match is not None, text
    return int(match[1]) * UNITS[match[2]]


def _rfc3339(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
