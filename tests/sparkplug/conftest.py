"""A machine that does other work beside must not fail a property test by its deadline."""

from hypothesis import settings

settings.register_profile("without deadline", deadline=None)
settings.load_profile("without deadline")
