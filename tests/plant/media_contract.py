"""What every media store must do. A test module makes a class of it with a `store` fixture."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plant.media.store import MediaStore, Partial, Stored, WrongContent, WrongOffset

START_MS = 1_790_000_000_000
FRESH = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.differing_executors,  # one contract, several stores
    ],
)


class Clock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


def name_of(content: bytes) -> str:
    """The name of a file in a media store."""
    return hashlib.sha256(content).hexdigest()


def put(store: MediaStore, content: bytes, type: str = "image/jpeg") -> str:
    """Upload a file in one chunk; its name."""
    name = name_of(content)
    store.append(name, len(content), 0, content)
    store.complete(name, len(content), type)
    return name


def whole(store: MediaStore, name: str, *span: int) -> bytes:
    """What is read of a file."""
    return b"".join(store.read(name, *span))


class MediaContract:
    """A base of test classes with the fixtures `store` (empty) and `clock` (the store's)."""

    def test_what_is_put_is_there(self, store: MediaStore, clock: Clock) -> None:
        name = name_of(b"picture")
        assert store.head(name) is None and store.claim(name) is None
        assert store.received(name, 7) == 0
        assert store.append(name, 7, 0, b"pict") == 4
        assert store.head(name) is None, "a file that is not whole is not there"
        assert store.received(name, 7) == 4
        assert list(store.partials()) == [Partial(name, 7, 4, START_MS)]
        clock.ms += 5
        assert store.append(name, 7, 4, b"ure") == 7
        assert store.head(name) is None, "nor is one that is not verified"
        stored = Stored(name, 7, "image/jpeg", START_MS + 5)
        assert store.complete(name, 7, "image/jpeg") == stored
        assert store.head(name) == stored
        assert list(store.stored()) == [stored] and list(store.partials()) == []
        assert whole(store, name) == b"picture"

    def test_an_empty_file_is_a_file(self, store: MediaStore) -> None:
        name = name_of(b"")
        assert store.complete(name, 0, "text/plain").bytes == 0
        assert whole(store, name) == b""

    def test_a_range_ends_before_its_end(self, store: MediaStore) -> None:
        name = put(store, b"0123456789")
        assert whole(store, name, 3) == b"3456789"
        assert whole(store, name, 3, 6) == b"345"
        assert whole(store, name, 10) == b""

    def test_what_is_not_there_cannot_be_read(self, store: MediaStore) -> None:
        with pytest.raises(LookupError):
            whole(store, name_of(b"nothing"))

    @pytest.mark.parametrize("offset", [0, 3, 5, 100])
    def test_a_chunk_at_another_place_is_refused(self, store: MediaStore, offset: int) -> None:
        name = name_of(b"picture")
        store.append(name, 7, 0, b"pict")
        with pytest.raises(WrongOffset) as refused:
            store.append(name, 7, offset, b"x")
        assert refused.value.received == store.received(name, 7) == 4
        with pytest.raises(WrongOffset):
            store.append(name, 7, 4, b"more than was said")
        with pytest.raises(WrongOffset):
            store.complete(name, 7, "image/jpeg")
        assert store.received(name, 7) == 4

    def test_another_content_is_thrown_away(self, store: MediaStore) -> None:
        name = name_of(b"picture")
        store.append(name, 7, 0, b"pictuRe")
        with pytest.raises(WrongContent):
            store.complete(name, 7, "image/jpeg")
        assert store.head(name) is None and store.received(name, 7) == 0
        assert list(store.stored()) == list(store.partials()) == []
        assert put(store, b"picture") == name

    def test_who_says_another_length_disturbs_nobody(self, store: MediaStore) -> None:
        name = name_of(b"picture")
        store.append(name, 7, 0, b"pict")
        store.append(name, 2, 0, b"pi")
        with pytest.raises(WrongContent):
            store.complete(name, 2, "image/jpeg")
        assert store.append(name, 7, 4, b"ure") == 7
        assert store.complete(name, 7, "image/jpeg").bytes == 7

    def test_a_file_that_is_there_stays_as_it_is(self, store: MediaStore, clock: Clock) -> None:
        name = put(store, b"picture")
        clock.ms += 1000
        assert store.append(name, 7, 0, b"PICTURE") == 7
        assert store.complete(name, 7, "text/plain").type == "image/jpeg"
        assert whole(store, name) == b"picture" and list(store.partials()) == []

    def test_an_unknown_type_is_only_bytes(self, store: MediaStore) -> None:
        name = put(store, b"<script>", "text/html")
        found = store.head(name)
        assert found is not None and found.type == "application/octet-stream"

    def test_only_what_nobody_claimed_since_is_deleted(
        self, store: MediaStore, clock: Clock
    ) -> None:
        name = put(store, b"picture")
        assert not store.delete(name, START_MS)
        clock.ms += 1000
        claimed = store.claim(name)
        assert claimed is not None and claimed.since_ms == START_MS + 1000
        assert not store.delete(name, START_MS + 1000), "it was claimed"
        assert store.delete(name, START_MS + 1001)
        assert store.head(name) is None and not store.delete(name, START_MS + 1001)
        assert put(store, b"picture") == name, "it may come again"

    def test_only_an_upload_that_stands_still_is_abandoned(
        self, store: MediaStore, clock: Clock
    ) -> None:
        name = name_of(b"picture")
        store.append(name, 7, 0, b"p")
        clock.ms += 1000
        store.append(name, 7, 1, b"i")
        assert not store.abandon(name, 7, START_MS + 1000)
        assert store.abandon(name, 7, START_MS + 1001)
        assert list(store.partials()) == []
        assert not store.abandon(name, 7, START_MS + 1001)

    @pytest.mark.parametrize(
        "name", ["", "..", "../x", "A" * 64, "a" * 63, "a" * 65, "a" * 64 + "\n"]
    )
    def test_a_name_that_is_no_hash_is_no_place(self, store: MediaStore, name: str) -> None:
        for ask in (
            lambda: store.head(name),
            lambda: store.claim(name),
            lambda: store.received(name, 1),
            lambda: store.append(name, 1, 0, b"x"),
            lambda: store.complete(name, 1, "image/jpeg"),
            lambda: whole(store, name),
            lambda: store.delete(name, 1 << 60),
            lambda: store.abandon(name, 1, 1 << 60),
        ):
            with pytest.raises(ValueError):
                ask()

    @FRESH
    @given(content=st.binary(max_size=300), data=st.data())
    def test_any_chunks_with_any_repeats_make_the_file(
        self, store: MediaStore, content: bytes, data: st.DataObject
    ) -> None:
        name, total, offset = name_of(content), len(content), 0
        store.delete(name, 1 << 60)
        store.abandon(name, total, 1 << 60)
        while offset < total:
            size = data.draw(st.integers(1, total - offset))
            wrong = data.draw(st.integers(0, total + 1))
            if wrong != offset:
                with pytest.raises(WrongOffset) as refused:
                    store.append(name, total, wrong, content[wrong : wrong + size] or b"x")
                assert refused.value.received == offset
            offset = store.append(name, total, offset, content[offset : offset + size])
            assert store.received(name, total) == offset
        assert store.complete(name, total, "image/png").bytes == total
        assert whole(store, name) == content

    def test_many_senders_of_one_file_make_it_together(self, store: MediaStore) -> None:
        content = bytes(range(256)) * 40
        name, total = name_of(content), len(content)

        def send(_: Any) -> Stored:
            offset = store.received(name, total)
            while offset < total:
                try:
                    offset = store.append(name, total, offset, content[offset : offset + 500])
                except WrongOffset as error:
                    offset = error.received
            return store.complete(name, total, "image/png")

        with ThreadPoolExecutor(4) as senders:
            found = list(senders.map(send, range(4)))
        assert {one.sha256 for one in found} == {name}
        assert whole(store, name) == content
        assert list(store.partials()) == [] and len(list(store.stored())) == 1
