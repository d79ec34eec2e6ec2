"""Texts for people, in their language: catalogues of gettext that are read as they are.

A text stands in the code in English: in `texts.say("...")` and `texts.count(n, "...", "...")`, or
marked by `phrase("...")` where it is only looked up later. `LANGUAGE.po` beside this file has the
others; `python -m wire.texts` adds what is new in the code, for a person to translate.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

FOLDER = Path(__file__).parent
SOURCE = "en"
LANGUAGES = (SOURCE, *sorted(path.stem for path in FOLDER.glob("*.po")))


class UnknownLanguage(ValueError):
    """There is no catalogue for a language; the message names those that there are."""


def phrase(text: str) -> str:
    """Mark a text that is translated where it is used."""
    return text


@cache
def catalogue(language: str) -> Catalog:
    """The translations of a language; UnknownLanguage when there are none."""
    if language not in LANGUAGES:
        raise UnknownLanguage(f'there are no texts in "{language}": write {", ".join(LANGUAGES)}')
    if language == SOURCE:
        return Catalog(SOURCE)
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


class Texts:
    """Says things in one language. `{name}` in a text stands for a value that is given."""

    def __init__(self, language: str) -> None:
        self._catalogue = catalogue(language)
        self.language, self.locale = language, Locale.parse(language)

    def say(self, text: str, **values: object) -> str:
        """A text; that of the code where it is not translated."""
        return self._said(text, 0, text).format(**values)

    def count(self, number: int, one: str, many: str, **values: object) -> str:
        """A text about a number of things, which stands for `{number}`."""
        form = int(self.locale.plural_form(number) != "one")
        text = self._said(one, form, one if form == 0 else many)
        return text.format(number=self.number(number), **values)

    def number(self, value: float, decimals: int = 0) -> str:
        """A number with its thousands and decimals as the language writes them."""
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return str(format_decimal(value, format=pattern, locale=self.locale))

    def moment(self, when: datetime) -> str:
        """A day and a time to the minute, with the zone that `when` has."""
        said = format_datetime(when, "d MMMM y, HH:mm", tzinfo=when.tzinfo, locale=self.locale)
        offset = f"{when:%z}"
        zone = "" if offset in ("", "+0000") else f"{offset[:3]}:{offset[3:]}"
        return f"{said} UTC{zone}" if offset else str(said)

    def day(self, when: date, *, short: bool = False) -> str:
        """A day as the language writes it, with the name of its month or, shorter, a part of it."""
        return str(format_date(when, "d MMM y" if short else "d MMMM y", locale=self.locale))

    def _said(self, key: str, form: int, otherwise: str) -> str:
        message = self._catalogue.get(key)
        if message is None or message.fuzzy or not message.string:
            return otherwise
        if isinstance(message.string, str):
            return message.string
        return message.string[form] or otherwise
