"""PostgreSQL, the ledger's server: a cluster of its own in a folder, on a free port."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg

from tests.conftest import missing
from tests.servers.ports import accepts, free_port, until

PLACES = "/usr/lib/postgresql"
OWNER = "refit"
SLOW_S = 60.0


class Postgres:
    """A server that trusts nobody without a password; `url` of a database is that of its owner.

    Commits are safe against the death of the server's processes; `fsync` makes them safe against
    that of the machine too, which takes a test longer. PostgreSQL does not run as root, so there it
    runs as the user `postgres`, in a folder of its own: that of the test is closed to others.
    """

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self.port = free_port()
        self._is_root = os.geteuid() == 0
        self.folder = Path(
            tempfile.mkdtemp(prefix="postgres-", dir=None if self._is_root else folder)
        )
        self.password = "only-for-tests"
        self._bin = _programs()
        self._settings = [
            f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=",
            f"fsync={'on' if fsync else 'off'}", "max_connections=40", "shared_buffers=32MB",
        ]  # fmt: skip
        self._names = itertools.count(1)
        self._shared = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Postgres:
        """Run it until `stop`; returns when it answers. The first time, the cluster is made."""
        data = self.folder / "data"
        if not data.exists():
            secret = self.put("password", self.password)
            self._run("initdb", "-D", str(data), "-U", "admin", f"--pwfile={secret}",
                "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync")  # fmt: skip
        settings = [word for one in self._settings for word in ("-c", one)]
        with (self.folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                [*_as_owner(), self._bin / "postgres", "-D", data, *settings],
                stdout=output, stderr=subprocess.STDOUT, cwd=self.folder,
            )  # fmt: skip
        until(self._answers, "PostgreSQL answers", SLOW_S)
        return self

    def put(self, name: str, text: str) -> Path:
        """A file of the server's own, in its folder."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        if self._is_root:
            for one in (self.folder, path):
                shutil.chown(one, "postgres", "postgres")
        return path

    def configure(self, *settings: str) -> None:
        """Settings `name=value` for the next start."""
        self._settings += settings

    def stop(self, *, kill: bool = False) -> None:
        """End it, or kill all of its processes at once, as a machine that loses its power does."""
        self._end(signal.SIGKILL if kill else signal.SIGINT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        main = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        for process in (main, *(_children(main) if number == signal.SIGKILL else ())):
            _kill(process, number)
        self._process.wait(SLOW_S)
        until(lambda: not accepts(self.port), "PostgreSQL has ended", SLOW_S)
        self._process = None

    def database(self) -> str:
        """The url of a new, empty database; its owner is no superuser."""
        name = f"test_{next(self._names)}"
        with self.connect("postgres", "admin") as connection:
            if (
                connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).rowcount
                == 0
            ):
                connection.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{self.password}'".encode())
            connection.execute(f"CREATE DATABASE {name} OWNER {OWNER}".encode())
        return self.url(name)

    def emptied(self) -> str:
        """The url of one database that tests have in turn, empty: a new one costs 8 MB of disk."""
        if not self._shared:
            self._shared = self.database()
        else:
            name = self._shared.rpartition("/")[2]
            with self.connect("postgres", "admin") as connection:
                connection.execute(f"ALTER DATABASE {name} RESET ALL".encode())
            with self.connect(name, "admin") as connection:
                connection.execute(f"DROP OWNED BY {OWNER} CASCADE".encode())
        return self._shared

    def url(self, database: str, user: str = OWNER) -> str:
        """The url of a database, as a site file has it: without the password."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def connect(
        self, database: str, user: str = OWNER, password: str | None = None
    ) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the tests' own, on which every statement is a transaction."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=database, user=user, autocommit=True,
            password=password or self.password, connect_timeout=5,
        )  # fmt: skip

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        try:
            self.connect("postgres", "admin").close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *words: str) -> None:
        ran = subprocess.run(
            [*_as_owner(), self._bin / program, *words],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def __enter__(self) -> Postgres:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGQUIT)  # at once: nobody needs its data any more
        if self._is_root:
            shutil.rmtree(self.folder)


def _programs() -> Path:
    found = sorted(Path(PLACES).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        missing("PostgreSQL", "apt-get install postgresql")
    return found[-1].parent


def _as_owner() -> list[str]:
    """The words before a program that must not run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]


def _children(process: int) -> list[int]:
    said = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(word) for word in said.split()]


def _kill(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
