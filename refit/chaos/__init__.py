"""`refit chaos`: does a plant lose anything when its parts are killed, frozen, or lied to?

`trial.py` puts `faults/` on a plant (`chaos_plant.py`), `account.py` counts at the end.
"""

from refit.chaos.command import app

__all__ = ["app"]
