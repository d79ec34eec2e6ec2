"""The embedded broker: one MQTT 3.1.1 broker on the loopback, for a demo and for small plants.

It is rumqttd, run by the iotcore wheel in a process of its own that ends with ours. rumqttd keeps
what it has to deliver in one log per topic filter that somebody subscribed to, and cuts the oldest
segments off: a subscriber that lags by more than the log loses messages of any QoS. So the log is
long here; what is lost nevertheless is sent again by whoever waits for an acknowledgement.
"""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

from iotcore import Broker as _Child

HOST = "127.0.0.1"
PAYLOAD_BYTES_MAX = 16 * 1024 * 1024
LOG_BYTES_MAX = 64 * 1024 * 1024  # per topic filter, in memory
SEGMENTS = 8
CONNECTIONS_MAX = 1_000
INFLIGHT_MAX = 500  # QoS 1 and 2, on the way to one subscriber
READY_S = 5.0
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
        self._child = child

    @property
    def running(self) -> bool:
        """False once the broker has died or was stopped."""
        return bool(self._child.is_running)

    def stop(self) -> None:
        """End it and free its port; a second time does nothing."""
        self._child.stop()

    def __enter__(self) -> EmbeddedBroker:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


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
