"""What a database says when it cannot, in the words of somebody who has to put it right."""

from __future__ import annotations

import re
import sqlite3

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from plant.kept import is_damage
from plant.ledger.facts import LedgerError, LedgerUnavailable, LedgerUnusable

BUSY_S = 10.0  # how long to wait for another writer
DAMAGED = (
    "end the historian, keep the file, and restore the last backup; the agents send again what was"
    " not confirmed"
)
# A connection that is refused has no SQLSTATE in the client, only the server's words.
REFUSED = (
    (
        r'database "[^"]*" does not exist',
        "there is no database {database}: as the server's administrator, run"
        " CREATE DATABASE {database} OWNER {user}",
    ),
    (
        r"password authentication failed|no password supplied|role \"[^\"]*\" does not exist",
        "the server does not let the account {user} in: give its password by password_file or"
        " password_env in [ledger], or make the account with CREATE ROLE {user} LOGIN PASSWORD ...",
    ),
    (
        r"no pg_hba.conf entry",
        "the server's pg_hba.conf has no line for the account {user} and the database {database}"
        " from this machine",
    ),
    (
        r"permission denied for database",
        "the account {user} may not use the database {database}: as its owner, run"
        " GRANT CONNECT ON DATABASE {database} TO {user}",
    ),
    (
        r"certificate verify failed|SSL error: certificate|server does not support SSL",
        "the connection cannot be made safe: look at sslmode and ca_file in [ledger]",
    ),
)
STATES: dict[str, tuple[type[LedgerError], str]] = {
    "42501": (
        LedgerUnusable,
        "the account {user} has not the right to do this; the writer of the ledger has to own the"
        " database: ALTER DATABASE {database} OWNER TO {user}",
    ),
    "25006": (LedgerUnavailable, "the server takes no changes, it may be a standby"),
    "55P03": (LedgerUnavailable, f"another writer has had the ledger for {BUSY_S:g} s"),
}


def trouble(error: DBAPIError | sqlite3.Error, name: str, url: URL) -> LedgerError:
    """The error of the ledger for an error of its database."""
    original = error.orig if isinstance(error, DBAPIError) else error
    said = " ".join(str(original).split())
    if original is not None and is_damage(original):
        return LedgerUnavailable(f"{name}: {said}: {DAMAGED}")
    state = getattr(original, "sqlstate", None)
    words = {"user": url.username, "database": url.database}
    if state in STATES:
        kind, advice = STATES[state]
        return kind(f"{name}: {advice.format(**words)} ({said})")
    if state is None and url.drivername.startswith("postgresql"):
        for pattern, advice in REFUSED:
            if re.search(pattern, said):
                return LedgerUnusable(f"{name}: {advice.format(**words)} ({said})")
    return LedgerUnavailable(f"{name}: {said}")
