"""The embedded broker: one MQTT 3.1.1 broker on the loopback, for a demo and for small plants.

It is rumqttd, run by the iotcore wheel in a process of its own that ends with ours. rumqttd keeps
what it has to deliver in one log per topic filter that somebody subscribed to, and cuts the oldest
segments off: a subscriber that lags by more than the log loses messages of any QoS. So the log is
long here; what is lost nevertheless is sent again by whoever waits for an acknowledgement.

A panic in one of its threads leaves its process alive, its port open, and nobody who answers (seen
after it had stood still while its clients went: `refit chaos --fault broker-frozen`). So it is
asked every few seconds, as a client would, and counts as not running when it stays silent.
"""

from __future__ import annotations

import socket
import tempfile
import threading
from pathlib import Path

from iotcore import Broker as _Child

HOST = "127.0.0.1"
PAYLOAD_BYTES_MAX = 16 * 1024 * 1024
LOG_BYTES_MAX = 64 * 1024 * 1024  # per topic filter, in memory
SEGMENTS = 8
CONNECTIONS_MAX = 1_000
INFLIGHT_MAX = 500  # QoS 1 and 2, on the way to one subscriber
READY_S = 5.0
PROBE_S, ANSWER_S, SILENCES_MAX = 3.0, 3.0, 3
# CONNECT of MQTT 3.1.1 as `refit-probe`, clean session, keep-alive 10 s; its answer; DISCONNECT.
CONNECT = b"\x10\x17\x00\x04MQTT\x04\x02\x00\x0a\x00\x0brefit-probe"
ACCEPTED, DISCONNECT = b"\x20\x02\x00\x00", b"\xe0\x00"
ATTEMPTS = 5

_CONFIG = f"""\
id = 0
[router]
id = 0
max_connections = {CONNECTIONS_MAX}
max_outgoing_packet_count = 200
max_segment_size = {LOG_BYTES_MAX // SEGMENTS}
max_segment_count = {SEGMENTS}
[v4.1]
name = "mqtt"
listen = "{HOST}:%d"
next_connection_delay_ms = 0
[v4.1.connections]
connection_timeout_ms = 10000
max_payload_size = {PAYLOAD_BYTES_MAX}
max_inflight_count = {INFLIGHT_MAX}
dynamic_filters = true
"""


class EmbeddedBroker:
    """A running broker; `port` says where. Ends with `stop`, with `with`, or with this process."""

    def __init__(self, child: _Child) -> None:
        self.port = int(child.port)
        self.deaf = False
        self._child = child
        self._ended = threading.Event()
        threading.Thread(target=self._listen, name="broker probe", daemon=True).start()

    @property
    def running(self) -> bool:
        """False once the broker has died, was stopped, or answers nobody any more."""
        return bool(self._child.is_running) and not self.deaf

    def stop(self) -> None:
        """End it and free its port; a second time does nothing."""
        self._ended.set()
        self._child.stop()

    def _listen(self) -> None:
        silences = 0
        while not self._ended.wait(PROBE_S):
            silences = 0 if answers(self.port) else silences + 1
            if silences >= SILENCES_MAX:
                self.deaf = True
                return

    def __enter__(self) -> EmbeddedBroker:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def answers(port: int) -> bool:
    """Whether a broker at this port of the loopback lets a client in."""
    try:
        with socket.create_connection((HOST, port), ANSWER_S) as link:
            link.settimeout(ANSWER_S)
            link.sendall(CONNECT)
            is_accepted = link.recv(len(ACCEPTED)) == ACCEPTED
            link.sendall(DISCONNECT)
            return is_accepted
    except OSError:
        return False


def start_broker(port: int = 0) -> EmbeddedBroker:
    """Start a broker on 127.0.0.1; it accepts connections on return. Port 0: one that is free.

    Raises OSError when the port is taken, RuntimeError when the broker does not come up.
    """
    for attempt in range(ATTEMPTS):
        try:
            return _start(port or _free_port())
        except OSError:
            if port or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("the loop above returns or raises")


def _start(port: int) -> EmbeddedBroker:
    # The file is needed until the broker listens, and must not outlive a killed process.
    with tempfile.TemporaryDirectory(prefix="refit-broker-") as folder:
        config = Path(folder) / "broker.toml"
        config.write_text(_CONFIG % port, encoding="utf-8")
        child = _Child(config_path=str(config))
        child.start(READY_S)
    return EmbeddedBroker(child)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
