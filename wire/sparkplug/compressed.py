"""Payloads inside payloads: some edge nodes compress, although Sparkplug does not say how.

What Tahu and its JavaScript library do: the uuid says so, `body` holds the compressed bytes of the
real payload, and a metric `algorithm` says GZIP or DEFLATE.
"""

from __future__ import annotations

import zlib

from wire.sparkplug import schema_pb2 as schema
from wire.sparkplug.codec import parse
from wire.sparkplug.datatypes import Undecodable

UUID = "SPBV1.0_COMPRESSED"
BYTES_MAX = 8 << 20  # after decompression: a few bytes can stand for a machine's whole memory
EITHER = 32 + zlib.MAX_WBITS  # zlib tells the two formats by their first bytes


def opened(message: schema.Payload, bytes_max: int = BYTES_MAX) -> schema.Payload:
    """The real payload; the message itself when it is not compressed. Raises Undecodable."""
    if message.uuid != UUID or not message.HasField("body"):
        return message
    inner = parse(_decompressed(message.body, bytes_max))
    if not inner.HasField("seq") and message.HasField("seq"):
        inner.seq = message.seq
    if not inner.HasField("timestamp") and message.HasField("timestamp"):
        inner.timestamp = message.timestamp
    return inner


def _decompressed(body: bytes, bytes_max: int) -> bytes:
    unpacker = zlib.decompressobj(EITHER)
    try:
        data = unpacker.decompress(body, bytes_max)
    except zlib.error as error:
        raise Undecodable(f"{len(body)} bytes are not compressed by GZIP or DEFLATE") from error
    if not unpacker.eof:
        raise Undecodable(f"{len(body)} bytes are cut off, or more than {bytes_max} decompressed")
    return data
