"""Days and calendar months: how long a letter holds."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta


def months_later(day: date, months: int) -> date:
    """The same day of a later month; its last day where there is no such day."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def days_later(day: date, days: int) -> date:
    """Some days later."""
    return day + timedelta(days=days)
