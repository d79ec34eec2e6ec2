"""`refit inspection ...`: what belongs to the roadworthiness inspection."""

from __future__ import annotations

import typer

from refit.inspection import correct, judge, operator, report, rules, session, verify

app = typer.Typer(name="inspection", help="The roadworthiness inspection.", no_args_is_help=True)
app.add_typer(judge.app)
app.add_typer(rules.app)
app.add_typer(report.app)
app.add_typer(verify.app)
app.add_typer(correct.app)
app.add_typer(session.app)
app.add_typer(operator.app)
