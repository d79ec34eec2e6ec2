"""`refit studio ...`: what belongs to the turntable studio."""

from __future__ import annotations

import typer

from refit.studio import operator

app = typer.Typer(name="studio", help="The turntable photo studio.", no_args_is_help=True)
app.add_typer(operator.app)
