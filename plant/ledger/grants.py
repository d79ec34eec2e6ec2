"""Who may look at the views: accounts of PostgreSQL that see nothing else of the ledger."""

from __future__ import annotations

from sqlalchemy import Connection, text

from plant.ledger.facts import LedgerUnusable
from plant.ledger.schema import METADATA
from plant.ledger.views import VIEWS


def grant(connection: Connection, account: str) -> list[str]:
    """Let an account read the views; which tables it can read besides, which it should not.

    LedgerUnusable when there is no such account, or when the ledger is a file.
    """
    if connection.dialect.name != "postgresql":
        raise LedgerUnusable("a file has no accounts: whoever may read the file reads the views")
    known = text("SELECT count(*) FROM pg_roles WHERE rolname = :account")
    if not connection.scalar(known, {"account": account}):
        raise LedgerUnusable(
            f"the server has no account {account}: as its administrator, run"
            f" CREATE ROLE {account} LOGIN PASSWORD '...'"
        )
    quote = connection.dialect.identifier_preparer.quote_identifier
    schema = quote(connection.exec_driver_sql("SELECT current_schema()").scalar_one())
    names = ", ".join(view.name for view in VIEWS)
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {quote(account)}")
    connection.exec_driver_sql(f"GRANT SELECT ON {names} TO {quote(account)}")
    allowed = text("SELECT has_table_privilege(:account, :table, 'SELECT')")
    return [
        table
        for table in METADATA.tables
        if connection.scalar(allowed, {"account": account, "table": table})
    ]


def readers(connection: Connection) -> list[str]:
    """The accounts to which the views are granted."""
    if connection.dialect.name != "postgresql":
        return []
    granted = text(
        "SELECT DISTINCT grantee FROM information_schema.role_table_grants"
        " WHERE table_schema = current_schema() AND table_name = :view"
        " AND privilege_type = 'SELECT' AND grantee <> grantor"
    )
    return list(connection.scalars(granted, {"view": VIEWS[-1].name}))
