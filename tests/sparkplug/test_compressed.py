"""Compressed payloads of legacy edge nodes: understood, and no bomb."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.sparkplug.plant import T0, foreign, foreign_birth, host, received, rows, to_host
from wire.sparkplug import schema_pb2 as schema
from wire.sparkplug.codec import Metric, metric
from wire.sparkplug.compressed import BYTES_MAX, UUID, opened
from wire.sparkplug.datatypes import Datatype, Undecodable
from wire.sparkplug.effects import Publish
from wire.topics import Verb

SPEED = metric("speed", Datatype.INT32, -3, T0)


def packed(
    one: Publish, by: Callable[[bytes], bytes], seq: int | None = None, algorithm: str = ""
) -> Publish:
    """The message as a legacy edge node compresses it."""
    outer = schema.Payload(uuid=UUID, body=by(one.payload), timestamp=T0)
    if seq is not None:
        outer.seq = seq
    if algorithm:
        outer.metrics.add(name="algorithm", datatype=Datatype.STRING, string_value=algorithm)
    return Publish(one.topic, outer.SerializeToString())


@pytest.mark.parametrize(("by", "name"), [(gzip.compress, "GZIP"), (zlib.compress, "DEFLATE")])
def test_births_and_data_are_understood(by: Callable[[bytes], bytes], name: str) -> None:
    made = host()
    to_host(made, packed(foreign_birth(SPEED), by, algorithm=name))
    data = foreign(Verb.NDATA, 1, metric("speed", Datatype.INT32, -4, T0 + 5), at=T0 + 5)
    (found,) = received(to_host(made, packed(data, by, algorithm=name), T0 + 6))
    assert rows(found.samples, found.device.names) == [("speed", T0 + 5, 0, -4)]


def test_the_outer_sequence_number_counts_where_the_inner_has_none() -> None:
    made = host()
    to_host(made, foreign_birth(SPEED))
    bare = Metric(name="speed", timestamp=T0 + 5, datatype=Datatype.INT32, place="int_value", raw=7)
    (found,) = received(
        to_host(made, packed(foreign(Verb.NDATA, None, bare), zlib.compress, seq=1), T0 + 6)
    )
    assert found.samples.row(0) == 7


def test_a_bomb_is_no_payload() -> None:
    bomb = schema.Payload(uuid=UUID, body=zlib.compress(bytes(BYTES_MAX + 1)))
    assert len(bomb.body) < 20_000
    with pytest.raises(Undecodable, match="decompressed"):
        opened(bomb)
    made = host()
    to_host(made, foreign_birth(SPEED))
    one = Publish(foreign(Verb.NDATA, 1).topic, bomb.SerializeToString())
    assert to_host(made, one) == [] and made.counts["undecodable payload"] == 1


@given(some.binary(max_size=200))
def test_no_body_brings_it_down(body: bytes) -> None:
    message = schema.Payload(uuid=UUID, body=body)
    with suppress(Undecodable):
        opened(message)


def test_what_is_cut_off_is_no_payload() -> None:
    with pytest.raises(Undecodable, match="cut off"):
        opened(schema.Payload(uuid=UUID, body=gzip.compress(bytes(500))[:-9]))
