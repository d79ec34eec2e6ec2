"""`refit studio ...`: what belongs to the turntable studio."""

from __future__ import annotations

import typer

from refit.studio import check, export, operator, page, plan, render

app = typer.Typer(name="studio", help="The turntable photo studio.", no_args_is_help=True)
app.add_typer(operator.app)
app.add_typer(check.app)
app.add_typer(page.app)
app.add_typer(export.app)
app.add_typer(render.app)
app.add_typer(plan.app)
