"""How an outbox delivers, as the site file says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wire.test_site import small
from wire.site import examine, load


def test_a_host_of_somebody_else_is_followed(tmp_path: Path) -> None:
    text = '[outbox]\ndelivery = "sent"\nhost = "scada-1"\nwindow = "2 min"\n'
    outbox = load(small(tmp_path, text)).outbox
    assert (outbox.host, outbox.window_ms) == ("scada-1", 120_000)


@pytest.mark.parametrize("key", ['host = "scada-1"', 'window = "2 min"'])
def test_what_is_for_such_a_host_is_refused_for_our_own(tmp_path: Path, key: str) -> None:
    (problem,) = examine(small(tmp_path, f"[outbox]\n{key}\n")).problems
    assert f'{key.split()[0]} is for delivery = "sent"' in str(problem)
