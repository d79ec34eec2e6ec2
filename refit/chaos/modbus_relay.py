"""A relay in front of a Modbus TCP device that answers as faulty devices do (MBAP, 7 bytes)."""

from __future__ import annotations

import struct
import time
from random import Random

from refit.chaos.relay import Link, Relay

HEAD = 7
LATE_S = 1.6  # more than the time that an agent gives a device, less than twice that
REFUSED = range(12, 16)  # the registers of power_03
REQUEST = struct.Struct(">BHH")
ILLEGAL_ADDRESS = 2
INPUT = 4  # the function that reads them
OF_ANSWERS = ("wrong-id", "reset", "late")


class ModbusRelay(Relay):
    """Passes answers on; with a fault in force one in `share` is changed, late or cut off."""

    def __init__(self, behind: int) -> None:
        super().__init__(behind)
        self.fault = ""
        self.share = 1.0
        self.code = 4
        self.random = Random(0)
        self._parts: dict[tuple[int, bool], bytes] = {}

    def spoil(self, fault: str, random: Random, share: float, code: int = 4) -> None:
        """Put one fault in force: reset, late, wrong-id, exception or refuse."""
        self.random, self.share, self.code, self.fault = random, share, code, fault

    def mend(self) -> None:
        """Pass everything on as it comes again."""
        self.fault = ""

    def change(self, link: Link, to_server: bool, data: bytes) -> bytes:
        """Whole frames of what came, each as the fault in force makes it."""
        place = (id(link), to_server)
        data = self._parts.pop(place, b"") + data
        done = bytearray()
        while len(data) >= HEAD - 1:
            size = HEAD - 1 + int.from_bytes(data[4:6], "big")
            if len(data) < size:
                break
            frame, data = data[:size], data[size:]
            if not to_server:
                done += self._answer(link, frame)
            elif refusal := self._refused(frame):
                link.client.sendall(refusal)
            else:
                done += frame
        if data:
            self._parts[place] = data
        return bytes(done)

    def _refused(self, frame: bytes) -> bytes:
        """The exception that answers a request instead of the device, which never sees it."""
        if self.fault == "exception" and self.random.random() <= self.share:
            return _refusal(frame, self.code)
        if self.fault == "refuse" and len(frame) >= HEAD + REQUEST.size:
            function, start, count = REQUEST.unpack_from(frame, HEAD)
            if function == INPUT and start < REFUSED.stop and REFUSED.start < start + count:
                return _refusal(frame, ILLEGAL_ADDRESS)
        return b""

    def _answer(self, link: Link, frame: bytes) -> bytes:
        fault = self.fault
        if fault not in OF_ANSWERS or self.random.random() > self.share:
            return frame
        transaction = int.from_bytes(frame[:2], "big")
        if fault == "wrong-id":
            return struct.pack(">H", transaction ^ 0x5555) + frame[2:]
        if fault == "reset":
            self.drop(link)
            return b""
        time.sleep(LATE_S)
        return frame


def _refusal(frame: bytes, code: int) -> bytes:
    return frame[:4] + struct.pack(">HBBB", 3, frame[6], frame[7] | 0x80, code)
