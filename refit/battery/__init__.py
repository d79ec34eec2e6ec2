"""`refit battery ...`: what belongs to the qualification of batteries."""

from __future__ import annotations

import typer

from refit.battery import (
    calibrate,
    capacity,
    certificate,
    dcir,
    diagnose,
    grade,
    match,
    partial,
    passport,
    screen,
    simulate,
)

app = typer.Typer(name="battery", help="Qualification of used batteries.", no_args_is_help=True)
app.add_typer(simulate.app)
app.add_typer(calibrate.app)
app.add_typer(capacity.app)
app.add_typer(certificate.app)
app.add_typer(dcir.app)
app.add_typer(diagnose.app)
app.add_typer(match.app)
app.add_typer(partial.app)
app.add_typer(passport.app)
app.add_typer(screen.app)
app.add_typer(grade.app)
