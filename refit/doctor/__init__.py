"""`refit doctor`: is this machine fit for Refit, and can it reach what the site file names?

`probes.py` looks at the world, `verdicts.py` says what that means and what to do about it.
"""

from refit.doctor.command import app

__all__ = ["app"]
