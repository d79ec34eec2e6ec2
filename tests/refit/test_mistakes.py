"""What a person gets wrong is told in one line that says what would be right: never a traceback."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from refit.main import app
from tests.wire.test_site import small


def run(*words: str, text: str = "") -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words), input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_what_the_system_refuses_is_a_line(tmp_path: Path) -> None:
    site, file = small(tmp_path), tmp_path / "file"
    file.touch()
    code, out, err = run("dashboards", "--site", str(site), "--to", str(file / "below"))
    assert (code, out) == (1, "")
    assert err == f"refit dashboards: {file}/below/dashboards: Not a directory\n"


def test_an_agent_whose_folder_or_port_is_not_to_be_had(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    site = small(tmp_path, '[outbox]\nfolder = "file/below"\n')
    code, _, err = run("agent", "--site", str(site), "--name", "pc-1")
    assert code == 1, "a service tries that again"
    assert "cannot be made (Not a directory)" in err
    assert "name another folder in [outbox]" in err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        site.write_text(
            small(tmp_path).read_text().replace('name = "pc-1"', f'name = "pc-1"\nhttp = {port}')
        )
        code, _, err = run("agent", "--site", str(site), "--name", "pc-1")
    assert code == 1
    assert f"port {port} of 127.0.0.1 for /metrics: Address already in use" in err


def test_a_check_takes_its_site_like_other_commands(tmp_path: Path) -> None:
    site = str(small(tmp_path))
    assert run("check", "--site", site) == run("check", site)
    code, _, err = run("check", site, "--json")
    assert (code, err) == (2, "refit check: --station and --json are for --live\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--to", "day.xlsx"), 'no format has the ending ".xlsx": write .csv or .parquet'),
        (("--until", "day.csv"), "a file is named by --to"),
        (("--to", "2026-11-02"), "write --until 2026-11-02 for the end of the range"),
    ],
)
def test_an_export_that_was_meant_otherwise(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    code, out, err = run("export", "--site", str(small(tmp_path)), *words)
    assert (code, out) == (2, "")
    assert told in err


def test_the_help_says_how_parquet_is_installed() -> None:
    assert 'pip install "refit[parquet]"' in run("export", "--help")[1]


def test_help_flows_within_the_terminal() -> None:
    words = " ".join(run("agent", "--help")[1].split())
    assert "stays there until the historian has confirmed it." in words
    assert "the\n" not in run("agent", "--help")[1].replace(" ", "")


def test_logs_of_a_command_are_not_what_it_gives_out(tmp_path: Path) -> None:
    program = """
import sys, structlog
from pathlib import Path
from refit.sites import open_site
open_site(Path(sys.argv[1]))
structlog.get_logger("store").debug("the store is there")
structlog.get_logger("store").warning("the store is slow")
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(small(tmp_path))], capture_output=True, text=True
    )
    assert done.stdout == ""
    assert "slow" in done.stderr and "there" not in done.stderr
