"""Child processes: started, watched, ended."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from refit.processes import PORTS, Ended, Processes, free_ports, listens


def test_free_ports_are_free_and_different() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = free_ports(20)
        assert len(set(ports)) == 20
        assert all(port in PORTS and not listens(port) for port in ports)
        assert listens(taken.getsockname()[1])


def test_a_process_that_ends_is_named_with_what_it_said(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        child = processes.start("checker", "check", tmp_path / "nothing.toml")
        assert child.wait(30) == 2
        with pytest.raises(Ended, match=r"(?s)checker ended with code 2.*nothing\.toml"):
            processes.check()


def test_what_never_comes_is_a_timeout_that_says_where_to_look(tmp_path: Path) -> None:
    with (
        Processes(tmp_path) as processes,
        pytest.raises(TimeoutError, match=f"the moon did not come.*{tmp_path}"),
    ):
        processes.wait_for("the moon", lambda: False, 0.0)
