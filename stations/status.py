"""The OPC UA StatusCodes (OPC 10000-4, 7.39; OPC 10000-6, annex A.2) that are given or read here.

A StatusCode is an unsigned 32-bit number from the source to the store. Its two top bits are the
severity: 00 Good, 01 Uncertain, 10 Bad.
"""

from __future__ import annotations

GOOD = 0x0000_0000
UNCERTAIN = 0x4000_0000
UNCERTAIN_LAST_USABLE_VALUE = 0x4090_0000
BAD = 0x8000_0000
BAD_INTERNAL_ERROR = 0x8002_0000
BAD_ENCODING_LIMITS_EXCEEDED = 0x8008_0000
BAD_TIMEOUT = 0x800A_0000
BAD_NODE_ID_UNKNOWN = 0x8034_0000
BAD_NO_COMMUNICATION = 0x8031_0000
BAD_WAITING_FOR_INITIAL_DATA = 0x8032_0000
BAD_OUT_OF_RANGE = 0x803C_0000
BAD_NOT_READABLE = 0x803A_0000
BAD_NOT_SUPPORTED = 0x803D_0000
BAD_TYPE_MISMATCH = 0x8074_0000
BAD_DEVICE_FAILURE = 0x808B_0000
BAD_NOT_CONNECTED = 0x808A_0000
BAD_SENSOR_FAILURE = 0x808C_0000
BAD_NO_DATA = 0x809B_0000
BAD_RESOURCE_UNAVAILABLE = 0x8004_0000

SEVERITY = 0xC000_0000
# InfoType DataValue (0x400) with the Overflow bit (0x80): the server's queue lost samples.
OVERFLOW = 0x0000_0480

# Sparkplug 3.0, "Quality" property: 0 bad, 192 good, 500 stale.
QUALITY_BAD, QUALITY_GOOD, QUALITY_STALE = 0, 192, 500


def is_good(status: int) -> bool:
    """True when the severity of a StatusCode is Good."""
    return status & SEVERITY == GOOD


def is_bad(status: int) -> bool:
    """True when the severity of a StatusCode is Bad (or the reserved 11)."""
    return status & BAD != 0


def quality(status: int) -> int:
    """The Sparkplug Quality (0, 192 or 500) of a StatusCode; Uncertain is told as stale."""
    if is_bad(status):
        return QUALITY_BAD
    return QUALITY_GOOD if is_good(status) else QUALITY_STALE
