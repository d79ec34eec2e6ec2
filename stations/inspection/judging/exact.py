"""Numbers as they were delivered: compared as fractions, written with the digits they need."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction

DIGITS_MAX = 40  # of a delivered number, before and after its point: no bench gives more
DECIMALS_MAX = 60  # of a printed one


def is_plain(value: Decimal) -> bool:
    """Whether a number is finite and short enough to be reckoned with."""
    if not value.is_finite():
        return False
    exponent = value.as_tuple().exponent
    return (
        len(value.as_tuple().digits) <= DIGITS_MAX
        and isinstance(exponent, int)
        and abs(exponent) <= DIGITS_MAX
    )


def text(value: Fraction, decimals: int = 2, beside: Fraction | None = None) -> str:
    """A number rounded to some decimals; never rounded on to or across `beside`.

    A number that differs from the limit beside it gets as many decimals as show that it does, and
    on which side.
    """
    for places in range(decimals, DECIMALS_MAX + 1):
        rounded = _rounded(value, places)
        if beside is None or _sign(value - beside) == _sign(Fraction(rounded) - beside):
            return _plain(rounded)
    towards = ROUND_CEILING if beside is not None and value > beside else ROUND_FLOOR
    return _plain(_rounded(value, DECIMALS_MAX, towards))


def _sign(value: Fraction) -> int:
    return (value > 0) - (value < 0)


def _rounded(value: Fraction, places: int, how: str | None = None) -> Decimal:
    scaled = value * 10**places
    if how == ROUND_CEILING:
        whole = -(-scaled.numerator // scaled.denominator)
    elif how == ROUND_FLOOR:
        whole = scaled.numerator // scaled.denominator
    else:
        whole = round(scaled)
    return Decimal(whole).scaleb(-places) if abs(whole) < 10**27 else _long(whole, places)


def _long(whole: int, places: int) -> Decimal:
    digits = str(abs(whole))
    return Decimal((int(whole < 0), tuple(map(int, digits)), -places))


def _plain(value: Decimal) -> str:
    """Without an exponent, and without zeros that say nothing."""
    written = f"{value:f}"
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return "0" if written == "-0" else written
