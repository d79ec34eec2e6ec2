"""What a historian says of itself: numbers for Prometheus, and one answer to "is all well?"."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from plant.historian import Historian
from plant.kpi.accounting import Accounting
from plant.media.process import counts
from plant.media.server import MediaServer
from plant.recorder import Recording
from plant.stores.influx.means import Means
from wire.certificates import ending, seconds_left
from wire.clock import Clock
from wire.metrics import Metrics
from wire.troubles import Troubles

REBIRTH = "rebirth: "


class Status:
    """Reads a historian's counters; nothing here changes it."""

    def __init__(
        self,
        historian: Historian,
        clock: Clock,
        recording: Recording | None = None,
        media: MediaServer | None = None,
        means: Means | None = None,
        accounting: Accounting | None = None,
        cert_file: Path | None = None,
    ) -> None:
        self._historian, self._clock, self._accounting = historian, clock, accounting
        self._recording, self._media, self._means = recording, media, means
        self._troubles = Troubles(clock)
        self._cert_file = cert_file

    def metrics(self) -> Metrics:
        """All metrics of the process; labels are the agents of the plant and causes."""
        metrics, historian, writer = Metrics(), self._historian, self._historian.writer
        tally = writer.tally
        for name, doc, counter in (
            ("stored", "Samples stored", tally.stored),
            ("refused", "Samples that the store refused, now dead letters", tally.refused),
            ("dropped", "Samples without room while the store was slow", tally.dropped),
            ("failed", "Samples on which the store failed, not acknowledged", tally.failed),
        ):
            metrics.counters(f"historian_samples_{name}", doc, "agent", lambda c=counter: dict(c))  # type: ignore[misc]
        metrics.counters(
            "historian_messages_dropped", "Messages that found no room", "agent",
            lambda: dict(historian.inbox.dropped),
        )  # fmt: skip
        metrics.counters("historian_rebirths", "Births needed, by cause", "cause", self._rebirths)
        metrics.counters(
            "historian_events", "What else was counted, by what it was", "what", self._events
        )
        metrics.gauges(
            "historian_backlog_samples", "Samples in the agents' outboxes", "agent", self._backlog
        )
        metrics.gauges(
            "historian_silent_seconds", "Seconds since last heard", "agent", self._silent
        )
        if (recording := self._recording) is not None:
            metrics.counters(
                "historian_records", "Records, by what became of them", "what",
                lambda: dict(recording.recorder.counts) | {"dropped": recording.dropped.total()},
            )  # fmt: skip
        self._add_means(metrics)
        self._add_accounting(metrics)
        metrics.gauge(
            "historian_messages_waiting", "Messages in the inbox", lambda: len(historian.inbox)
        )
        metrics.gauge(
            "historian_samples_waiting", "Samples that wait for the store", lambda: writer.samples
        )
        metrics.counter("historian_store_writes", "Transactions of the store", lambda: tally.writes)
        metrics.counter(
            "historian_store_write_seconds",
            "Seconds in transactions of the store",
            lambda: tally.write_s,
        )
        metrics.counter(
            "historian_store_retries",
            "Transactions of the store that failed",
            lambda: tally.retries,
        )
        if self._cert_file is not None:
            metrics.gauge(
                "historian_certificate_left_seconds",
                "How long the own certificate at the broker is good; negative: it has ended",
                self._certificate_left,
            )
        if self._media is not None:
            self._media.describe(metrics)
        return metrics

    def _certificate_left(self) -> float:
        left = seconds_left(self._cert_file, self._clock.now_ms())
        return float("nan") if left is None else left

    def _add_means(self, metrics: Metrics) -> None:
        means = self._means
        metrics.counters(
            "historian_means", "Minutes of a station, by what became of their means", "what",
            lambda: {} if means is None else dict(means.counts) | {"dropped": means.dropped},
        )  # fmt: skip
        metrics.gauge(
            "historian_means_waiting", "Minutes of a station whose means are to be computed",
            lambda: 0 if means is None else means.waiting,
        )  # fmt: skip

    def _add_accounting(self, metrics: Metrics) -> None:
        accounting = self._accounting
        metrics.counters(
            "historian_accounting", "Hours of a line worked out, and what found no room", "what",
            lambda: {} if accounting is None else dict(accounting.counts),
        )  # fmt: skip
        metrics.gauge(
            "historian_hours_waiting", "Hours of a line that are to be worked out",
            lambda: 0 if accounting is None else accounting.waiting,
        )  # fmt: skip

    def look(self) -> dict[str, int]:
        """The problems of this moment and since when each has lasted; to be called often."""
        return self._troubles.since(self._problems())

    def _problems(self) -> list[str]:
        historian, problems = self._historian, []
        if not historian.alive:
            problems.append("the worker has ended")
        problems += historian.links.problems()
        if historian.writer.problem:
            problems.append(f"the store takes no samples: {historian.writer.problem}")
        if self._means is not None and self._means.problem:
            problems.append(f"means cannot be computed: {self._means.problem}")
        if self._accounting is not None and self._accounting.problem:
            problems.append(f"hours cannot be worked out: {self._accounting.problem}")
        if told := ending(self._cert_file, self._clock.now_ms()):
            problems.append(told)
        recording = self._recording
        if recording is not None and recording.trouble:
            problems.append(f"the ledger takes no records: {recording.trouble}")
        media = self._media
        if media is not None:
            problems += media.problems()
        return problems

    def health(self) -> Mapping[str, object]:
        """`ok` and, when it is false, the problems; then what a person asks for first."""
        historian, tally = self._historian, self._historian.writer.tally
        since, recording, media = self.look(), self._recording, self._media
        return {
            "ok": not since,
            "historian": historian.host.id,
            "problems": list(since),
            "since_ms": since,
            "stored": tally.stored.total() - tally.stored[""],
            "refused": tally.refused.total(),
            "waiting": historian.writer.samples,
            "records": {} if recording is None else dict(recording.recorder.counts),
            "media": {} if media is None else counts(media),
            "silent_seconds": self._silent(),
            "stations": {
                name: one.online for name, one in historian.follower.stations.copy().items()
            },
        }

    def _rebirths(self) -> dict[str, float]:
        counts = dict(self._historian.host.counts)
        return {
            cause.removeprefix(REBIRTH): count
            for cause, count in counts.items()
            if cause.startswith(REBIRTH)
        }

    def _events(self) -> dict[str, float]:
        counts = dict(self._historian.host.counts) | dict(self._historian.counts)
        return {what: count for what, count in counts.items() if not what.startswith(REBIRTH)}

    def _backlog(self) -> dict[str, float]:
        found = {}
        for agent, values in self._historian.health.copy().items():
            waiting = values.get("backlog_samples")
            if isinstance(waiting, int | float):
                found[agent] = float(waiting)
        return found

    def _silent(self) -> dict[str, float]:
        now_ms = self._clock.now_ms()
        heard = self._historian.heard_ms.copy()
        return {agent: (now_ms - then) / 1000 for agent, then in heard.items()}
