"""`refit watch` when there is nothing to watch."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from refit.main import app
from tests.servers import free_port
from tests.servers.garbage import garbage


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--site", "site.toml"), "write `http = 9101` below [historian]"),
        ((), "give --site FILE or --url"),
        (("--site", "site.toml", "--url", "http://h"), "give --site FILE or --url"),
        (("--url", "ftp://x"), "is no address of a historian"),
        (("--url", "http://h:no"), "is no address of a historian"),
        (("--url", "h", "--sort", "colour"), "known are station, tag"),
        (("--site", "none.toml"), "none.toml"),
    ],
)
def test_what_it_cannot_begin_with_is_said(
    more: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site.toml").write_text('[site]\nname = "works"\n')
    done = CliRunner().invoke(app, ["watch", *more])
    assert done.exit_code == 2
    assert told in done.stderr


def test_who_does_not_answer_is_said() -> None:
    port = free_port()
    done = CliRunner().invoke(app, ["watch", "--url", f"127.0.0.1:{port}", "--once"])
    assert done.exit_code == 1
    assert f"no answer from http://127.0.0.1:{port}: Connection refused" in done.stderr


def test_who_speaks_no_http_is_said() -> None:
    with garbage() as port:
        done = CliRunner().invoke(app, ["watch", "--url", f"127.0.0.1:{port}", "--once"])
    assert done.exit_code == 1
    assert f"no answer from http://127.0.0.1:{port}: SSH-2.0" in done.stderr
