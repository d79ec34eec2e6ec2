"""`refit quality ...`: the independent quality control."""

from __future__ import annotations

import typer

from refit.quality import checks, sample, spc

app = typer.Typer(name="quality", help="The independent quality control.", no_args_is_help=True)
app.add_typer(sample.app)
app.add_typer(spc.app)
app.add_typer(checks.app)
