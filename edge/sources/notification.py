"""The bytes of answers with values (Publish, Republish, HistoryRead), taken apart up to these.

Layouts: OPC 10000-4, 5.14.5 (Publish) and 7.25 (NotificationMessage); OPC 10000-6, 5.2.2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import from_binary, nodeid_from_binary

from edge.sources.bounds import bound_decoder

bound_decoder()
_DATA_CHANGE = ua.FourByteNodeId(ua.ObjectIds.DataChangeNotification_Encoding_DefaultBinary)
_STATUS_CHANGE = ua.FourByteNodeId(ua.ObjectIds.StatusChangeNotification_Encoding_DefaultBinary)


class Malformed(ValueError):
    """Bytes that are no answer to a Publish or Republish request."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One NotificationMessage: `changes` are the bodies of its DataChangeNotifications.

    Without `changes` and `status` it is a keep-alive and `sequence` is that of the next message.
    `refused` counts acknowledgements that the server did not take.
    """

    subscription: int
    sequence: int
    changes: tuple[bytes, ...] = ()
    status: int | None = None
    refused: int = 0

    @property
    def is_keep_alive(self) -> bool:
        """True when the message carries nothing."""
        return not self.changes and self.status is None


def parse_publish(answer: bytes) -> Notification:
    """A PublishResponse as a `Notification`; Malformed, or UaStatusCodeError when it is a fault."""
    data = _after_header(answer, ua.ObjectIds.PublishResponse_Encoding_DefaultBinary)
    subscription, available = _unpack("<Ii", data)
    data.skip(4 * max(available, 0))
    data.skip(1)  # MoreNotifications: the next Publish request is under way anyway
    sequence, changes, status = _message(data)
    (results,) = _unpack("<i", data)
    refused = sum(_unpack("<I", data)[0] != 0 for _ in range(results))
    return Notification(subscription, sequence, changes, status, refused)


def parse_republish(answer: bytes, subscription: int) -> Notification:
    """A RepublishResponse as a `Notification` of this subscription."""
    data = _after_header(answer, ua.ObjectIds.RepublishResponse_Encoding_DefaultBinary)
    sequence, changes, status = _message(data)
    return Notification(subscription, sequence, changes, status)


def parse_history(answer: bytes) -> list[tuple[int, bytes, bytes]]:
    """A HistoryReadResponse: by node its StatusCode, continuation point and body of HistoryData."""
    data = _after_header(answer, ua.ObjectIds.HistoryReadResponse_Encoding_DefaultBinary)
    (count,) = _unpack("<i", data)
    found = []
    for _ in range(max(count, 0)):
        (status,) = _unpack("<I", data)
        point = _bytes(data)
        nodeid_from_binary(data)
        (encoding,) = _unpack("<B", data)
        found.append((status, point, _bytes(data) if encoding else b""))
    return found


def _bytes(data: Buffer) -> bytes:
    (length,) = _unpack("<i", data)
    return bytes(data.read(length)) if length > 0 else b""


def _after_header(answer: bytes, type_id: int) -> Buffer:
    data = Buffer(answer)
    found = nodeid_from_binary(data)
    header = from_binary(ua.ResponseHeader, data)
    header.ServiceResult.check()
    if found.Identifier != type_id:
        raise Malformed(f"an answer of type {found} instead of {type_id}")
    return data


def _message(data: Buffer) -> tuple[int, tuple[bytes, ...], int | None]:
    sequence, _published, parts = _unpack("<Iqi", data)
    changes: list[bytes] = []
    status: int | None = None
    for _ in range(parts):
        type_id = nodeid_from_binary(data)
        encoding, length = _unpack("<Bi", data)
        if encoding != 1 or length < 0:
            raise Malformed(f"a notification of type {type_id} is no byte string")
        body = bytes(data.read(length))
        if type_id.Identifier == _DATA_CHANGE.Identifier:
            changes.append(body)
        elif type_id.Identifier == _STATUS_CHANGE.Identifier:
            (status,) = struct.unpack_from("<I", body)
    return sequence, tuple(changes), status


def _unpack(layout: str, data: Buffer) -> tuple[int, ...]:
    return struct.unpack(layout, data.read(struct.calcsize(layout)))
