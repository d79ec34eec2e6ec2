"""The rule set and the language that a command asks for; it ends with 2 when there is none."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stations.inspection.judging.rule_set import RuleSet
    from wire.texts import Texts

RulesName = Annotated[
    str | None,
    typer.Option(
        "--rules", help="Name of a rule set, or the path of one; default: the newest.",
        metavar="NAME",
    ),
]  # fmt: skip
Language = Annotated[str, typer.Option("--lang", help="Language of the table: fr or en.")]


def ended(command: str, problems: Iterable[str], code: int = 2) -> typer.Exit:
    """Tell problems, a line each; what to raise then."""
    for one in problems:
        typer.echo(f"refit inspection {command}: {one}", err=True)
    return typer.Exit(code)


def rules_of(command: str, name: str | None) -> RuleSet:
    """The rule set of this name or path."""
    from stations.inspection.judging.rule_set import WrongRuleSet
    from wire.rule_sets import NEWEST, UnknownRuleSet, rule_set, rule_set_of

    try:
        if name is not None and name.endswith(".toml"):
            return rule_set_of(Path(name))
        return rule_set(name or NEWEST)
    except (UnknownRuleSet, WrongRuleSet) as error:
        raise ended(command, str(error.args[0]).splitlines()) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ended(command, [f"--rules {name}: {error}"]) from error


def texts_of(command: str, language: str) -> Texts:
    """The texts of a language."""
    from wire.texts import Texts, UnknownLanguage

    try:
        return Texts(language)
    except UnknownLanguage as error:
        raise ended(command, [f"--lang: {error}"]) from error
