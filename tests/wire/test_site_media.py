"""The media store in a site file: what fits together, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wire.test_site import small
from wire.site import MediaConfig, examine, load
from wire.site.problems import Wrong


def test_without_a_table_there_is_none(tmp_path: Path) -> None:
    media = load(small(tmp_path)).media
    assert not media.enabled and not media.embedded
    assert media.folder == tmp_path / "var/media"


def test_an_embedded_one_is_on_the_loopback(tmp_path: Path) -> None:
    text = '[media]\nurl = "embedded"\nport = 9999\nfolder = "pictures"\nchunk = "1 MiB"\n'
    media = load(small(tmp_path, text)).media
    assert media.embedded and media.is_local and not media.tls
    assert media.base_url == "http://127.0.0.1:9999"
    assert media.address == "127.0.0.1"
    assert (media.folder, media.chunk_bytes) == (tmp_path / "pictures", 1 << 20)


def test_one_for_the_plant_has_certificates_and_tokens(tmp_path: Path) -> None:
    text = (
        '[media]\nurl = "https://media.example"\nca_file = "ca.pem"\ncert_file = "c.pem"\n'
        'key_file = "k.pem"\ntoken_file = "token"\ntokens_file = "tokens"\norphans_after = "7 d"\n'
    )
    path = small(tmp_path, text)
    media = load(path).media
    assert media.tls and not media.is_local and media.address == ""
    assert (media.host, media.port, media.base_url) == (
        "media.example", 443, "https://media.example",
    )  # fmt: skip
    assert media.tokens_file == tmp_path / "tokens"
    odd = {one.what for one in examine(path).warnings}
    assert "token is not on this machine" in odd and "tokens is not on this machine" in odd


@pytest.mark.parametrize(("scheme", "warned"), [("http", True), ("https", False)])
def test_tokens_in_the_clear_are_warned_of(tmp_path: Path, scheme: str, warned: bool) -> None:
    text = f'[media]\nurl = "{scheme}://media.example"\ntokens_file = "tokens"\n'
    found = [str(one) for one in examine(small(tmp_path, text)).warnings]
    assert any("media.url: sends tokens" in one for one in found) is warned


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('url = "ftp://h"', "does not begin with http:// or https://"),
        ('url = "https://h/files"', "has a path"),
        ('url = "http://h:1"\nport = 2', "port belongs to the embedded media store"),
        ('url = "http://h"\nca_file = "ca.pem"', "certificates and a url without TLS"),
        ('url = "https://h"\ncert_file = "c.pem"', "one of cert_file and key_file"),
        ('token_file = "t"\ntoken_env = "T"', "token_file and token_env"),
        ('chunk = "64 MiB"', "write 1 KiB to 16 MiB"),
        ("uploads_max = 0", "at least 1"),
        ('orphans_after = "1 d"', '"2 d" at least'),
        ('token = "secret"', "does not stand in a site file"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, text: str, what: str) -> None:
    problems = examine(small(tmp_path, f"[media]\n{text}\n")).problems
    assert any(what in str(one) for one in problems), problems


def test_a_token_is_read_when_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MediaConfig().token() is None
    file = MediaConfig.model_validate({"token_file": tmp_path / "token"})
    with pytest.raises(Wrong, match="cannot be read"):
        file.token()
    (tmp_path / "token").write_text("from-a-file\n")
    assert file.token() == "from-a-file"
    other = MediaConfig.model_validate({"token_env": "REFIT_TOKEN"})
    with pytest.raises(Wrong, match="no REFIT_TOKEN"):
        other.token()
    monkeypatch.setenv("REFIT_TOKEN", "from-the-environment")
    assert other.token() == "from-the-environment"
