"""The part [store] of a site file: SQLite, InfluxDB 1 to 3, VictoriaMetrics."""

from __future__ import annotations

from pathlib import Path

import pytest

from wire.site import Site, SiteError, StoreConfig, load
from wire.site.problems import Wrong

INFLUX = 'url = "influxdb://h/refit"\n'


def loaded(folder: Path, store: str) -> Site:
    """A site with this text as its [store]."""
    file = folder / "site.toml"
    file.write_text(f'[site]\nname = "works"\n[store]\n{store}')
    return load(file)


def test_a_store_at_a_server(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    told = loaded(
        tmp_path, INFLUX + 'version = "2"\norg = "works"\ntoken_file = "token"\nkeep = "30 d"'
    ).store
    assert told.is_influx and not told.tls
    assert (told.address, told.database, told.org) == ("http://h:8086", "refit", "works")
    assert told.token() == "secret" and told.password() is None
    assert (told.kept_ms, told.means_kept_ms) == (30 * 86_400_000, 730 * 86_400_000)
    assert told.dead_letters_file == tmp_path / "var" / "samples.dead.db"


def test_a_store_with_tls_and_a_user(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    told = loaded(
        tmp_path,
        'url = "influxdbs://[::1]:9999/a%20b"\nversion = "1"\nuser = "refit"\nca_file = "ca.pem"\n'
        'dead_letters = "dead/letters.db"',
    ).store
    assert told.tls and told.address == "https://[::1]:9999" and told.database == "a b"
    assert told.dead_letters_file == tmp_path / "dead" / "letters.db"


def test_dead_letters_of_a_file_lie_beside_it(tmp_path: Path) -> None:
    told = loaded(tmp_path, 'url = "sqlite:var/a.db"').store
    assert told.dead_letters_file == tmp_path / "var" / "a.dead.db"


@pytest.mark.parametrize(
    ("store", "words"),
    [
        (INFLUX, ("store: does not say which InfluxDB", 'version = "1"')),
        (INFLUX + 'version = "4"', ("store.version: must not be \"4\"", "known are 1, 1.8")),
        (INFLUX + 'version = "2"', ("names no organisation", "org")),
        (INFLUX + 'version = "1"\norg = "o"', ('org is nothing that version "1" knows', "user")),
        (INFLUX + 'version = "1"\ntoken_env = "T"', ("token_env is nothing", "user")),
        (INFLUX + 'version = "3"\nuser = "u"', ("user is nothing", "token_file")),
        (INFLUX + 'version = "3"\ntoken = "t"', ("a token does not stand", "token_file")),
        (INFLUX + 'version = "1"\npassword = "p"', ("a password does not stand", "password_env")),
        (INFLUX + 'version = "1"\npassword_env = "P"', ("has a password and no user", "user")),
        (
            INFLUX + 'version = "3"\ntoken_env = "P"\ntoken_file = "p"',
            ("has token_file and token_env", "one of the two"),
        ),
        (INFLUX + 'version = "1"\nca_file = "c"', ("without TLS", "influxdbs://")),
        (INFLUX + 'version = "1"\nkeep = "1 d"', ("less than two days", "2 d")),
        ('url = "influxdb://h"\nversion = "1"', ("store.url: ", "names no database", "/refit")),
        ('url = "influxdb://h/a/b"\nversion = "1"', ("names no database", "/refit")),
        ('url = "influxdb://u:p@h/a"\nversion = "1"', ("a password does not", "password_file")),
        ('url = "influx://h/a"\nversion = "1"', ("did you mean influxdb",)),
        ('url = "sqlite:a"\nversion = "1"', ("version belongs to InfluxDB", "influxdb://")),
        ('url = "sqlite:a"\nkeep_means = "9 d"', ("keep_means belongs to InfluxDB", "influxdb:")),
        ('url = "sqlite:a"\nkeep = "1 h"', ("less than two days", "2 d")),
        ('url = "postgres:a"', ("no database that is known", "sqlite:")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, store: str, words: tuple[str, ...]) -> None:
    with pytest.raises(SiteError) as caught:
        loaded(tmp_path, store)
    assert len(caught.value.problems) == 1
    for word in words:
        assert word in str(caught.value)


def test_a_secret_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = StoreConfig(
        url="influxdb://h/a", version="3", token_env="REFIT_TOKEN", dead_letters=tmp_path / "d"
    )
    with pytest.raises(Wrong, match="REFIT_TOKEN"):
        told.token()
    monkeypatch.setenv("REFIT_TOKEN", "secret")
    assert told.token() == "secret"
    named = told.model_copy(update={"token_env": None, "token_file": tmp_path / "none"})
    with pytest.raises(Wrong, match="cannot be read"):
        named.token()


@pytest.mark.parametrize(("version", "settle_s"), [("1", 0.0), ("victoria", 15.0)])
def test_a_store_that_forgets_says_for_how_long(
    tmp_path: Path, version: str, settle_s: float
) -> None:
    assert loaded(tmp_path, INFLUX + f'version = "{version}"').store.settle_s == settle_s
