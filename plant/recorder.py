"""From record messages to ledger entries, and the answers that let the agents forget them.

`Recorder` is bytes in, bytes out. `Recording` is what a historian hands the messages to: bounded
queues, fair between the agents, and one worker that appends what has come in one transaction.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from random import Random

import orjson
import structlog
from pydantic import ValidationError

from plant.ledger import Ledger, LedgerError
from plant.senders import Senders
from stations.records import BYTES_MAX as RECORD_BYTES_MAX
from stations.records import Record
from wire.backoff import BackOff

READ_BYTES_MAX = 16 << 20  # of a record that is too long, to find its id
WORDS_MAX = 200  # of a name in a column
WHY_MAX = 300
MESSAGES_A_TURN = 200
MESSAGES_AN_AGENT = 1_000
BYTES_MAX = 64 << 20
OVERHEAD_BYTES = 200  # what a message costs here beside its payload

Taken = Callable[[Sequence[Record]], None]

log = structlog.get_logger("recorder")


class Invalid(ValueError):
    """Bytes that cannot become an entry; `id` is the record's id where it has one, else "".

    `may_pass`: they could at another time.
    """

    def __init__(self, why: str, id: str = "", *, may_pass: bool = False) -> None:
        super().__init__(why[:WHY_MAX])
        self.id, self.may_pass = id, may_pass


def understood(payload: bytes) -> Record:
    """The record of a message. Raises Invalid."""
    if len(payload) > RECORD_BYTES_MAX:
        id = _id(payload) if len(payload) <= READ_BYTES_MAX else ""
        raise Invalid(f"{len(payload)} bytes are more than the {RECORD_BYTES_MAX} of a record", id)
    try:
        record = Record.model_validate_json(payload)
        record.canonical()
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Invalid(
            f"{where}: {first['msg']}" if where else first["msg"], _id(payload)
        ) from error
    except (TypeError, ValueError) as error:  # a number beyond 64 bits, half a character
        raise Invalid(f"it cannot be written canonically: {error}", _id(payload)) from error
    for name in ("kind", "site", "line", "station", "visit"):
        words = getattr(record, name) or ""
        if len(words) > WORDS_MAX or not words.isprintable():
            raise Invalid(
                f"{name}: longer than {WORDS_MAX} characters, or not printable", record.id
            )
    return record


def _id(payload: bytes) -> str:
    """The id of bytes that are no record, so that the agent can be told which; "" without one."""
    try:
        said = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return ""
    id = said.get("id") if isinstance(said, dict) else None
    return id if isinstance(id, str) and len(id) <= WORDS_MAX else ""


def nobody(records: Sequence[Record]) -> None:
    """Who wants to know nothing of the records that were taken."""


class Recorder:
    """Puts record messages into the ledger. `counts`: taken, known, refused.

    A record counts only from who may send it (`senders`); what may pass (a station that the site
    file does not have yet) is kept among the refusals, too, but not answered: it comes again.
    `taken` is told the records that the ledger has now; one that comes again it is told again.
    """

    def __init__(self, ledger: Ledger, senders: Senders, taken: Taken = nobody) -> None:
        self.ledger = ledger
        self._senders = senders
        self._taken = taken
        self.counts: Counter[str] = Counter()

    def take(self, messages: Sequence[tuple[str, bytes]]) -> Mapping[str, bytes]:
        """The answer to each agent: `{"ids": [...], "refused": {id: why}}`, once all is on disk.

        `messages` are (agent, payload). A known record is answered like a new one. Raises
        LedgerError; then nothing is answered, and the agents send again.
        """
        answers: dict[str, tuple[list[str], dict[str, str]]] = {}
        records: list[tuple[str, Record]] = []
        for agent, payload in messages:
            answers.setdefault(agent, ([], {}))
            try:
                record = understood(payload)
                if objection := self._senders.objection(agent, record):
                    raise Invalid(objection.why, record.id, may_pass=objection.may_pass)
                records.append((agent, record))
            except Invalid as error:
                self._refuse(agent, payload, error)
                if error.id and not error.may_pass:
                    answers[agent][1][error.id] = str(error)
        appended = self.ledger.append([record for _, record in records])
        self.counts["taken"] += len(appended.taken)
        self.counts["known"] += len(appended.known)
        self.counts["refused"] += len(appended.refused)
        there = {*appended.taken, *appended.known}
        # Those that were known too: the commit may have come to pass and its answer been lost.
        self._taken([record for _, record in records if record.id in there])
        for agent, record in records:
            ids, refused = answers[agent]
            if record.id in there and record.id not in ids:
                ids.append(record.id)
            elif record.id in appended.refused:
                refused[record.id] = appended.refused[record.id]
        return {
            agent: orjson.dumps({"ids": ids, "refused": refused})
            for agent, (ids, refused) in answers.items()
            if ids or refused
        }

    def _refuse(self, agent: str, payload: bytes, error: Invalid) -> None:
        self.counts["refused"] += 1
        self.ledger.refuse(agent, payload, str(error), error.id)
        log.warning("a record is refused", agent=agent, id=error.id, why=str(error))


class Recording:
    """Queues of record messages and the worker that empties them.

    `answer` gives an agent its confirmation and says whether it was taken for sending; when it was
    not, the agent sends again. `dropped` counts what found no room, by agent.
    """

    def __init__(
        self,
        ledger: Ledger,
        senders: Senders,
        answer: Callable[[str, bytes], bool],
        random: Random,
        taken: Taken = nobody,
    ) -> None:
        self.recorder = Recorder(ledger, senders, taken)
        self.dropped: Counter[str] = Counter()
        self.trouble = ""
        self._answer = answer
        self._backoff = BackOff(0.2, 10.0, random)
        self._queues: dict[str, deque[bytes]] = {}
        self._bytes = 0
        self._lock = threading.Lock()
        self._filled = threading.Event()
        self._stopping = threading.Event()
        self._worker = threading.Thread(target=self._run, name="recording", daemon=True)

    def start(self) -> None:
        """Begin to work, on a thread of its own."""
        self._worker.start()

    def offer(self, agent: str, payload: bytes) -> bool:
        """Take a record message; False when there is no room (the agent sends it again)."""
        with self._lock:
            queue = self._queues.setdefault(agent, deque())
            size = len(payload) + OVERHEAD_BYTES
            if len(queue) >= MESSAGES_AN_AGENT or self._bytes + size > BYTES_MAX:
                self.dropped[agent if queue else ""] += 1
                self._forget()
                return False
            queue.append(payload)
            self._bytes += size
        self._filled.set()
        return True

    def turn(self) -> int:
        """Take what has come, from the agents in turn, and answer; how many messages that were."""
        messages = self._take()
        if not messages:
            return 0
        try:
            answers = self.recorder.take(messages)
        except Exception as error:
            # Whatever it is: the thread lives on, nothing is answered, so the agents send again.
            if not self.trouble:
                ours = not isinstance(error, LedgerError)
                log.error("the ledger takes no records", why=str(error), exc_info=ours)
            self.trouble = str(error) or type(error).__name__
            self._stopping.wait(self._backoff.next_s())
            return len(messages)
        if self.trouble:
            log.info("the ledger takes records again")
        self.trouble = ""
        self._backoff.reset()
        for agent, answer in answers.items():
            self._answer(agent, answer)
        return len(messages)

    @property
    def alive(self) -> bool:
        """False when the worker has ended although nobody asked it to."""
        return self._worker.is_alive()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Finish what has come and end the worker."""
        self._stopping.set()
        self._filled.set()
        if self._worker.is_alive():
            self._worker.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._filled.wait()
            self._filled.clear()
            while self.turn():
                pass

    def _take(self) -> list[tuple[str, bytes]]:
        with self._lock:
            share = max(1, MESSAGES_A_TURN // max(1, sum(map(bool, self._queues.values()))))
            taken = [
                (agent, queue.popleft())
                for agent, queue in self._queues.items()
                for _ in range(min(share, len(queue)))
            ]
            self._bytes -= sum(len(payload) + OVERHEAD_BYTES for _, payload in taken)
            self._forget()
            return taken

    def _forget(self) -> None:
        self._queues = {agent: queue for agent, queue in self._queues.items() if queue}
