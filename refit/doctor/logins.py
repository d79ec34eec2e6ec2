"""Do store and ledger let us in: a server that answers may still refuse the account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from refit.doctor.verdicts import Finding, Level
from wire.site import Site


def store(found: Site) -> Iterator[Finding]:
    """Ask InfluxDB what every account may ask. A database that is missing will be made."""
    from plant.stores.influx.client import Client
    from plant.stores.influx.deliver import Missing
    from plant.stores.store import StoreUnavailable

    if found.store.version == "victoria":
        return  # it has no accounts of its own, and does not know the question
    what, advice = "store: account", "look at user, password_file or token_file in [store]"
    try:
        with closing(Client(found.store)) as client:
            client.ask(["SHOW DATABASES"])
    except Missing:
        pass
    except (StoreUnavailable, ValueError, KeyError) as error:
        yield Finding(Level.FAIL, what, str(error), advice)
        return
    yield Finding(Level.OK, what, "is let in")


def ledger(found: Site) -> Iterator[Finding]:
    """Log in to PostgreSQL; nothing is made there."""
    from plant.ledger.engine import Database
    from plant.ledger.facts import LedgerError

    what, config = "ledger: account", found.ledger
    try:
        base = Database(config.url, create=False, password=config.password, tls=config.tls)
        with closing(base), base.reading():
            pass
    except (LedgerError, ValueError, OSError) as error:
        yield Finding(Level.FAIL, what, str(error))
        return
    yield Finding(Level.OK, what, "is let in")
