"""`python -m refit.reference`: write the pages of docs/reference that are out of date."""

from __future__ import annotations

from refit.reference import write

for path in write():
    print(path)
