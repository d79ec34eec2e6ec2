"""What a site file says of the ledger's database, and what it must not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wire.test_site import small
from wire.site import LedgerConfig, SiteError, load, write_copy

SERVER = "postgresql://refit@db.example:5433/records"


def ledger(folder: Path, *lines: str) -> LedgerConfig:
    return load(small(folder, "\n".join(["[ledger]", *lines, ""]))).ledger


def test_a_file_needs_nothing_more(tmp_path: Path) -> None:
    config = ledger(tmp_path, 'url = "sqlite:records.db"')
    assert (config.path, config.head, config.tls) == (tmp_path / "records.db", None, {})


def test_a_server_has_a_password_and_a_place_for_the_head(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("pass word\n")
    config = ledger(tmp_path, f'url = "{SERVER}"', 'password_file = "secret"')
    assert (config.url, config.path) == (SERVER, None)
    assert config.password() == "pass word"
    assert config.head == tmp_path / "var/ledger.head"
    assert config.tls == {"sslmode": "prefer"}
    moved = ledger(tmp_path, f'url = "{SERVER}"', 'head = "elsewhere/head"')
    assert moved.head == tmp_path / "elsewhere/head"


def test_a_copy_has_its_own_head_and_the_same_password(tmp_path: Path) -> None:
    lines = f'[ledger]\nurl = "{SERVER}"\npassword_file = "secret"\n'
    copy = write_copy(small(tmp_path, lines), tmp_path / "copy/site.toml").ledger
    assert copy.head == tmp_path / "copy/var/ledger.head"
    assert copy.password_file == tmp_path / "secret"


@pytest.mark.parametrize(
    ("lines", "sslmode"),
    [
        (['ca_file = "ca.pem"'], "verify-full"),
        (['ca_file = "ca.pem"', 'sslmode = "verify-ca"'], "verify-ca"),
        (['sslmode = "require"'], "require"),
    ],
)
def test_the_connection_is_as_safe_as_is_asked(
    tmp_path: Path, lines: list[str], sslmode: str
) -> None:
    tls = ledger(tmp_path, f'url = "{SERVER}"', *lines).tls
    assert tls["sslmode"] == sslmode
    assert tls.get("sslrootcert", str(tmp_path / "ca.pem")) == str(tmp_path / "ca.pem")


@pytest.mark.parametrize(
    ("lines", "what", "hint"),
    [
        (['url = "postgresql://refit:secret@h/d"'], "password does not stand", "password_file"),
        (['url = "postgresql://h/d"'], "names no account", "USER@HOST"),
        (['url = "postgresql://refit@h"'], "names no database", "DATABASE"),
        (['url = "postgresql://refit@h/a/b"'], "names no database", "DATABASE"),
        (['url = "postgresql://refit@h/d?sslmode=require"'], "more than a database", "sslmode"),
        (['url = "postgresql://refit@:5432/d"'], "names no host", "postgresql://USER"),
        (['url = "postgresql://refit@h:0/d"'], "port 0", ""),
        (['url = "postgres://refit@h/d"'], "no database that is known", "did you mean postgresql"),
        (['url = "mysql://refit@h/d"'], "no database that is known", "sqlite:var/ledger.db"),
        (['url = "sqlite://x"'], "no database that is known", "sqlite:var/ledger.db"),
        (['url = "sqlite:"'], "names no file", "sqlite:var/ledger.db"),
        (['url = "ledger.db"'], "no database that is known", "sqlite:var/ledger.db"),
        (['password = "x"'], "does not stand in a site file", "password_env"),
        (['sslmode = "require"'], "a file has no use for", "remove sslmode"),
        (['password_env = "X"'], "a file has no use for", "remove password_env"),
        ([f'url = "{SERVER}"', 'sslmode = "allow"'], 'must not be "allow"', "known are disable"),
        (
            [f'url = "{SERVER}"', 'ca_file = "x"', 'sslmode = "prefer"'],
            "ca_file and sslmode",
            "verify-full",
        ),
        (
            [f'url = "{SERVER}"', 'password_file = "x"', 'password_env = "X"'],
            "has password_file and password_env",
            "one of the two",
        ),
    ],
)
def test_what_cannot_be_is_said_with_what_would_be_right(
    tmp_path: Path, lines: list[str], what: str, hint: str
) -> None:
    with pytest.raises(SiteError) as caught:
        ledger(tmp_path, *lines)
    (problem,) = caught.value.problems
    assert problem.key.startswith("ledger")
    assert problem.line > 0
    assert what in problem.what
    assert hint in problem.hint
    assert "secret" not in str(problem)
