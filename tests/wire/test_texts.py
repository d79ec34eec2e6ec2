"""Texts for people: every one is translated, with what it stands for, and nothing else is there."""

from __future__ import annotations

import ast
import string
from datetime import UTC, datetime, timedelta, timezone

import pytest

from wire.texts import LANGUAGES, SOURCE, Texts, UnknownLanguage, catalogue
from wire.texts.collecting import collected, texts_in

FOREIGN = [one for one in LANGUAGES if one != SOURCE]


def forms(said: object) -> list[str]:
    return [str(one) for one in said] if isinstance(said, tuple | list) else [str(said or "")]


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_there_is_french_beside_english() -> None:
    assert LANGUAGES == ("en", "fr")


@pytest.mark.parametrize("language", FOREIGN)
def test_every_text_is_translated(language: str) -> None:
    """What `python -m wire.texts` would say: run it, and translate what it names."""
    known = catalogue(language)
    missing = {
        str(one.id)
        for one in collected()
        if one.id
        and not ((said := known.get(one.id)) and not said.fuzzy and all(forms(said.string)))
    }
    assert missing == set()


@pytest.mark.parametrize("language", FOREIGN)
def test_no_translation_is_of_a_text_that_is_gone(language: str) -> None:
    found = collected()
    assert {str(one.id) for one in catalogue(language) if one.id and one.id not in found} == set()


@pytest.mark.parametrize("language", FOREIGN)
def test_a_translation_has_the_values_of_its_text(language: str) -> None:
    for one in catalogue(language):
        if one.id:
            wanted = {frozenset(fields(text)) for text in forms(one.id)}
            assert {frozenset(fields(text)) for text in forms(one.string)} == wanted, one.id


def test_a_text_is_said_in_its_language() -> None:
    assert Texts("fr").say("Exterior") == "Extérieur"
    assert Texts("en").say("Exterior") == "Exterior"
    assert Texts("fr").say("Vehicle {name}", name="<v>") == "Véhicule <v>"
    assert Texts("fr").say("nobody has translated {this}", this="x") == "nobody has translated x"


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        ("en", 0, "0 pictures"), ("en", 1, "1 picture"), ("en", 1234, "1,234 pictures"),
        ("fr", 0, "0 photo"), ("fr", 1, "1 photo"), ("fr", 1234, "1\u202f234 photos"),
    ],
)  # fmt: skip
def test_numbers_have_their_form(language: str, number: int, said: str) -> None:
    assert Texts(language).count(number, "{number} picture", "{number} pictures") == said


def test_a_moment_says_its_zone() -> None:
    noon = datetime(2026, 11, 25, 12, 5, tzinfo=UTC)
    assert Texts("fr").moment(noon) == "25 novembre 2026, 12:05 UTC"
    paris = noon.astimezone(timezone(timedelta(hours=1)))
    assert Texts("en").moment(paris) == "25 November 2026, 13:05 UTC+01:00"


def test_an_unknown_language_is_told() -> None:
    with pytest.raises(UnknownLanguage, match='no texts in "de": write en, fr'):
        Texts("de")


def test_texts_are_found_wherever_they_stand() -> None:
    code = 'A = phrase("a")\nf"{texts.say("b", x=1)} {texts.count(n, "c", "d")}" + texts.say(name)'
    assert list(
        texts_in(ast.parse(code.replace('say("b"', "say('b'").replace('"c", "d"', "'c', 'd'")))
    )
