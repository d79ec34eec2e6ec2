"""Bounds for the library's decoder: what a few bytes may make it do.

A Null has no bytes, so a server that says "an array of 2,000,000,000 Nulls" in five bytes would
keep the agent busy for minutes and take its memory: such an array is refused. So is one whose
dimensions say that it has more than ELEMENTS_MAX elements, which the library would make up. And a
text of -4 bytes would be read backwards, so that a list of them never comes to an end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asyncua import ua
from asyncua.ua import ua_binary

ELEMENTS_MAX = 65_536


class NullArray:
    """How the library packs and unpacks an array of Nulls."""

    @staticmethod
    def unpack_array(data: Any, length: int) -> tuple[None, ...]:
        """() of an empty array; UaError of any other."""
        if length:
            raise ua.UaError(f"an array of {length} Nulls")
        return ()

    @staticmethod
    def pack_array(array: Sequence[Any] | None) -> bytes:
        """Its length alone."""
        return ua_binary.Primitives.Int32.pack(-1 if array is None else len(array))


def text_forwards(data: Any) -> bytes | None:
    """The bytes of a String or ByteString, None for -1; UaError of any other negative length."""
    length = ua_binary.Primitives.Int32.unpack(data)
    if length < -1:
        raise ua.UaError(f"a text of {length} bytes")
    return None if length == -1 else bytes(data.read(length))


def bound_decoder() -> None:
    """From now on, in the whole process."""
    bytes_of = type(ua_binary.Primitives.ByteString)  # a String reads its bytes by this, too
    bytes_of.unpack = staticmethod(text_forwards)  # type: ignore[method-assign]
    ua_binary.Primitives1.Null = NullArray  # type: ignore[attr-defined]
    ua_binary.MAX_RESHAPE_ELEMENTS = ELEMENTS_MAX
