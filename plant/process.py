"""The historian's process put together: store, dead letters, ledger, broker, status, session."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from random import SystemRandom
from typing import Any, Protocol

import structlog

from plant.broker import EmbeddedBroker, start_broker
from plant.dead_letters import DeadLetters
from plant.historian import Historian
from plant.kpi.accounting import Accounting
from plant.kpi.facts import Facts
from plant.kpi.hours import Hours
from plant.ledger import LedgerError, open_ledger
from plant.media import process as media_process
from plant.media.completeness import Completeness
from plant.media.server import MediaServer
from plant.overview import Overview
from plant.points import Model
from plant.recorder import Recording
from plant.senders import Senders
from plant.settling import writer_for
from plant.status import Status
from plant.stores.factory import dead_letters_path, open_means, open_store
from plant.stores.store import StoreUnusable
from wire.clock import Clock
from wire.listening import Door
from wire.metrics import StatusServer
from wire.mqtt import Session
from wire.site import BrokerConfig, Site
from wire.sparkplug.edge import HostSettings

WATCH_S = 0.5
PROBE_S = 1.0
LAST_WORDS_S = 0.3  # which the embedded broker has to pass on that its historian goes

log = structlog.get_logger("historian")


class Closable(Protocol):
    """Something that is given back at the end."""

    def close(self) -> None: ...


def host_settings(site: Site) -> HostSettings:
    """How the historian of a site listens to its agents."""
    return HostSettings(group=site.name, reorder_ms=site.historian.reorder_ms)


class Unusable(Exception):
    """The process cannot begin as it is configured, with everything that is wrong.

    `may_pass`: only the operating system refuses something (a port that is not free yet, a disk
    that is not there yet), so that it is worth trying again.
    """

    def __init__(self, problems: list[str], *, may_pass: bool = False) -> None:
        self.problems, self.may_pass = problems, may_pass
        super().__init__("\n".join(problems))


async def run(
    site: Site,
    clock: Clock,
    stop: asyncio.Event,
    started: Callable[[Historian, StatusServer], None] = lambda historian, status: None,
) -> None:
    """Serve a site until `stop`; Unusable when a database, a port or the broker is not ours."""
    with ExitStack() as stack:
        historian, status, answers = _open(site, clock, stack)
        broker = await asyncio.to_thread(_broker, site.broker)
        try:
            client_id = f"refit-{site.name}-{site.historian.name}"
            me = site.broker.of(site.historian.name)
            historian.connect(*(partial(Session, server, client_id) for server in me.servers))
            started(historian, status)
            while not stop.is_set():
                answers.look()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(WATCH_S):
                        await stop.wait()
                if broker is not None and not broker.running and not stop.is_set():
                    log.error(
                        "the embedded broker has ended, or answers nobody, and is started again"
                    )
                    broker = await asyncio.to_thread(_again, site.broker, broker)
        finally:
            await asyncio.to_thread(historian.stop)
            if broker is not None:
                await asyncio.sleep(LAST_WORDS_S)
                await asyncio.to_thread(broker.stop)


class _Opening:
    """Opens part after part, closed again by the stack, and gathers what is wrong with them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._problems: list[str] = []
        self._may_pass = True

    def __call__(self, make: Callable[[], Closable | None]) -> Any:
        """The part that `make` gives; None when it cannot, which `check` tells."""
        try:
            made = make()
        except (StoreUnusable, LedgerError, media_process.Unusable) as error:
            self._problems.append(str(error))
            self._may_pass &= getattr(error, "may_pass", False)
            return None
        except OSError as error:
            self._problems.append(str(error))
            return None
        if made is not None:
            self._stack.callback(made.close)
        return made

    def check(self) -> None:
        """Unusable with all that is wrong so far."""
        if self._problems:
            raise Unusable(self._problems, may_pass=self._may_pass)


def _open(site: Site, clock: Clock, stack: ExitStack) -> tuple[Historian, StatusServer, Status]:
    opened = _Opening(stack)
    store = opened(lambda: open_store(site.store))
    # Another one to read from: what reads for long holds up no writing.
    read = store and opened(lambda: open_store(site.store))
    letters = opened(lambda: DeadLetters(dead_letters_path(site.store)))
    ledger = opened(lambda: open_ledger(site.ledger, clock, later=True))
    means = opened(lambda: open_means(site.store, store, clock))
    media: MediaServer | None = None
    complete: Completeness | None = None
    if site.media.embedded:
        media = opened(lambda: media_process.opened(site, clock))
        if media is not None and ledger is not None:
            folder, files = site.media.folder, media.store
            complete = opened(lambda: Completeness(folder, files, ledger))
    opened.check()
    random, model = SystemRandom(), Model(site)
    historian = Historian(
        model, writer_for(store, letters, clock, random), site=site.name,
        name=site.historian.name, clock=clock, random=random,
        settings=host_settings(site), servers=len(site.broker.servers),
    )  # fmt: skip
    hours, facts = Hours(site, read, model), Facts(site, model)
    accounting = Accounting(hours, facts, ledger, historian.say, clock)
    historian.tell_written(accounting.mark)
    recording = Recording(
        ledger, Senders(site), historian.confirm_records, random, accounting.recorded
    )
    historian.keep_records(recording)
    me = site.broker.of(site.historian.name)
    answers = Status(historian, clock, recording, media, means, accounting, me.cert_file)
    status = _listening(site, clock, historian, answers, complete)
    stack.callback(status.close)
    recording.start()
    if means is not None:
        means.start()
    accounting.start()
    stack.callback(accounting.stop)
    return historian, status, answers


def _listening(
    site: Site, clock: Clock, historian: Historian, answers: Status, complete: Completeness | None
) -> StatusServer:
    """What answers over HTTP; Unusable when its port is taken."""
    place, metrics = site.historian, answers.metrics()
    if complete is not None:
        complete.describe(metrics)
    pages = Overview(site, historian, clock).answer
    try:
        return StatusServer(
            metrics, answers.health, host=place.listen, port=place.http, pages=pages,
            door=Door.of(site.http),
        )  # fmt: skip
    except ValueError as error:
        raise Unusable([f"[http]: {error}"]) from error
    except OSError as error:
        told = f"port {place.http} of {place.listen} for /metrics: {error}"
        raise Unusable([told], may_pass=True) from error


def _broker(config: BrokerConfig) -> EmbeddedBroker | None:
    """The embedded broker, started here unless it is another's or listens already."""
    if not config.embedded or _listens(config):
        return None
    try:
        return start_broker(config.port)
    except (OSError, RuntimeError) as error:
        told = f"the embedded broker at port {config.port}: {error}"
        raise Unusable([told], may_pass=isinstance(error, OSError)) from error


def _again(config: BrokerConfig, old: EmbeddedBroker) -> EmbeddedBroker:
    """A new broker in place of one that is no more; the old one when its port is not free yet."""
    old.stop()
    try:
        return start_broker(config.port)
    except (OSError, RuntimeError) as error:
        log.error("the embedded broker cannot be started", why=str(error))
        return old


def _listens(config: BrokerConfig) -> bool:
    try:
        socket.create_connection((config.host, config.port), PROBE_S).close()
    except OSError:
        return False
    return True
