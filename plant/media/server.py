"""The media store's HTTP server: a thread for each connection, bounded, over any `MediaStore`."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import structlog

from plant.media.access import Access
from plant.media.directory import DirectoryMedia
from plant.media.handler import Handler
from plant.media.rates import Rates
from plant.media.store import MediaStore, MediaStoreError, Stored, StoreFull
from wire.clock import Clock
from wire.listening import POLL_S, Listener
from wire.media.protocol import CHUNK_BYTES_MAX
from wire.metrics import Metrics
from wire.site import MediaConfig
from wire.tls import server_context

CONNECTIONS_MAX = 64
COUNT_EVERY_S = 3600.0
PARTIAL_MS_MAX = 86_400_000
END_S = 2.0

log = structlog.get_logger("media")


class MediaUnusable(Exception):
    """The media store cannot begin as it is configured; the message says why."""


class Tally:
    """What has passed since the start, by what it was."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, what: str, count: int = 1) -> None:
        """Count something."""
        with self._lock:
            self._counts[what] += count

    def __getitem__(self, what: str) -> int:
        return self._counts[what]

    def refused(self) -> dict[str, float]:
        """Refused requests by the status of their answers."""
        with self._lock:
            counts = self._counts.copy()
        return {
            what.removeprefix("refused_"): count
            for what, count in counts.items()
            if what.startswith("refused_")
        }


class MediaListener(Listener):
    """The listener of a media store, of which its handlers ask."""

    def __init__(self, address: tuple[str, int], media: MediaServer) -> None:
        self.media = media
        super().__init__(
            address,
            Handler,
            connections_max=CONNECTIONS_MAX,
            refused=lambda status: media.tally.add(f"refused_{status}"),
        )


class MediaServer:
    """Serves a media store until `close`. MediaUnusable or OSError when it cannot begin."""

    def __init__(
        self, store: MediaStore, config: MediaConfig, agents: Iterable[str], clock: Clock
    ) -> None:
        if config.tokens_file is None and not config.is_local:
            raise MediaUnusable(
                "the media store is open to other machines: give [media] tokens_file,"
                " a file with a line NAME TOKEN for each agent"
            )
        if not config.tls and not config.is_local:
            raise MediaUnusable(
                "the media store is open to other machines without TLS: begin [media] url with"
                ' "https://" and give cert_file and key_file, or write listen = "127.0.0.1"'
                " where something else does that"
            )
        self.store, self.file_bytes_max = store, config.file_bytes_max
        self.access = Access(config.tokens_file, agents)
        self.tally = Tally()
        self.trouble = ""
        self.files = self.bytes = 0
        self._clock, self._size_max = clock, config.size_bytes_max
        self._requests = Rates(config.requests_max)
        rate = config.sender_bytes_max
        self._bytes = None if rate is None else Rates(rate, CHUNK_BYTES_MAX)
        self._turns = threading.BoundedSemaphore(config.uploads_max)
        self._stopping = threading.Event()
        self._listener = MediaListener((config.address, config.port), self)
        try:
            if config.tls:
                if config.cert_file is None or config.key_file is None:
                    raise MediaUnusable("https needs [media] cert_file and key_file")
                self._listener.context = server_context(config.cert_file, config.key_file)
        except BaseException:
            self._listener.server_close()
            raise
        self.port = self._listener.server_port
        self._threads = [
            threading.Thread(target=target, args=args, name=name, daemon=True)
            for name, target, args in (
                ("media", self._listener.serve_forever, (POLL_S,)),
                ("media-count", self._keep_house, ()),
            )
        ]
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        """False when the server has ended although nobody asked it to."""
        return self._threads[0].is_alive()

    def wait_s(self, who: str) -> float:
        """How long somebody has to wait before the next request; 0 when this one is allowed."""
        now_s = self._clock.monotonic()
        wait_s = self._requests.wait_s(who, now_s)
        if self._bytes is not None:
            wait_s = max(wait_s, self._bytes.wait_s(who, now_s))
        if not wait_s:
            self._requests.take(who, 1, now_s)
        return wait_s

    def took(self, who: str, size: int) -> None:
        """Somebody has sent so many bytes."""
        if self._bytes is not None:
            self._bytes.take(who, size, self._clock.monotonic())

    def keep_room(self, sha256: str, total: int) -> None:
        """StoreFull when a new upload would make more of all files than the site file allows."""
        if self._size_max is None:
            return
        coming = sum(one.total for one in self.store.partials() if one.sha256 != sha256)
        if self.bytes + coming + total > self._size_max:
            raise StoreFull(f"all files together may have {self._size_max} bytes")

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether one more chunk may be received now."""
        is_free = self._turns.acquire(blocking=False)
        try:
            yield is_free
        finally:
            if is_free:
                self._turns.release()

    def received(self, sha256: str) -> int:
        """How many bytes of the furthest upload of a file are there."""
        found = (one.received for one in self.store.partials() if one.sha256 == sha256)
        return max(found, default=0)

    def complete(self, sha256: str, total: int, type: str) -> Stored:
        """Make a file of an upload."""
        stored = self.store.complete(sha256, total, type)
        self.trouble = ""
        self.tally.add("completed")
        self.files += 1
        self.bytes += total
        return stored

    def troubled(self, why: str) -> None:
        """The disk says no; said once."""
        if not self.trouble:
            log.error("the media store takes no files", why=why)
        self.trouble = why

    def describe(self, metrics: Metrics) -> None:
        """Add what it counts to the metrics of its process."""
        add_metrics(metrics, lambda: self)

    def problems(self) -> list[str]:
        """What is wrong now."""
        found = [] if self.alive else ["the media store has ended"]
        return found + ([f"the media store takes no files: {self.trouble}"] if self.trouble else [])

    def close(self) -> None:
        """Stop listening, end the connections; a second time does nothing."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._listener.shutdown()
        self._listener.server_close()
        self._listener.cut_all()
        deadline = time.monotonic() + END_S
        while self._listener.connections and time.monotonic() < deadline:
            time.sleep(POLL_S)
        for thread in self._threads:
            thread.join(END_S)

    def __enter__(self) -> MediaServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _keep_house(self) -> None:
        """Count what is there, and throw away uploads that nobody goes on with; every hour."""
        while not self._stopping.is_set():
            try:
                self._count()
                for one in self.store.partials():
                    before = self._clock.now_ms() - PARTIAL_MS_MAX
                    if one.since_ms < before and self.store.abandon(one.sha256, one.total, before):
                        log.warning("an upload was given up", sha256=one.sha256, of=one.total)
            except (MediaStoreError, OSError) as error:
                self.troubled(str(error))
            self._stopping.wait(COUNT_EVERY_S)

    def _count(self) -> None:
        files = size = 0
        for one in self.store.stored():
            if self._stopping.is_set():
                return
            files, size = files + 1, size + one.bytes
        self.files, self.bytes = files, size


def add_metrics(metrics: Metrics, media: Callable[[], MediaServer]) -> None:
    """The metrics of a media store; `media` is asked for when they are read."""
    metrics.gauge("media_files", "Files in the media store", lambda: media().files)
    metrics.gauge("media_bytes", "Bytes of these files", lambda: media().bytes)
    metrics.gauge(
        "media_partial_uploads", "Uploads that are not finished",
        lambda: sum(1 for _ in media().store.partials()),
    )  # fmt: skip
    metrics.gauge(
        "media_free_bytes", "Room on its disk, without what is to stay free",
        lambda: media().store.free_bytes(),
    )  # fmt: skip
    for name, doc in (
        ("completed", "Files that arrived whole and verified"),
        ("received_bytes", "Bytes received in chunks that were kept"),
        ("sent_bytes", "Bytes sent to readers"),
    ):
        metrics.counter(f"media_{name}", doc, lambda n=name: media().tally[n])  # type: ignore[misc]
    metrics.counters(
        "media_refused", "Requests refused, by the HTTP status of the answer", "status",
        lambda: media().tally.refused(),
    )  # fmt: skip


def open_media(config: MediaConfig, agents: Iterable[str], clock: Clock) -> MediaServer:
    """The media store of a site, serving. MediaUnusable, OSError, ValueError when it cannot."""
    store = DirectoryMedia(config.folder, clock, free_min=config.free_bytes_min)
    return MediaServer(store, config, agents, clock)
