"""What is wrong with a running site, and since when: gathered, judged, shown in one screen."""

from refit.status.command import app

__all__ = ["app"]
