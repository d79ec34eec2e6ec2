"""The options of `refit browse`, in the groups in which its help shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

OUT, WHAT, OPCUA = "What to write", "What to look at", "OPC UA"

Url = Annotated[str, typer.Argument(help="opc.tcp://HOST:PORT/PATH", metavar="URL")]
To = Annotated[
    Path | None,
    typer.Option(
        help="Write there instead of standard output.", metavar="FILE", rich_help_panel=OUT
    ),
]
Skips = Annotated[
    Path | None,
    typer.Option(
        help="Write what is left out, and why, as a CSV.", metavar="FILE", rich_help_panel=OUT
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Replace files that are there.", rich_help_panel=OUT)
]
Paths = Annotated[
    list[str] | None,
    typer.Option(
        help="Only what lies there, such as Line3/** or */Speed; may be repeated.",
        metavar="GLOB", rich_help_panel=WHAT,
    ),
]  # fmt: skip
Without = Annotated[
    list[str] | None,
    typer.Option(
        help="Nothing that lies there; may be repeated.", metavar="GLOB", rich_help_panel=WHAT
    ),
]
Regex = Annotated[
    str,
    typer.Option(
        help="Only paths in which this regular expression is found.", rich_help_panel=WHAT
    ),
]
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type", help="Only bool, int, float or text; may be repeated.", metavar="TYPE",
        rich_help_panel=WHAT,
    ),
]  # fmt: skip
Root = Annotated[
    str,
    typer.Option(
        help="Where to begin: a NodeId or a path below Objects.", metavar="NODE",
        rich_help_panel=OPCUA,
    ),
]  # fmt: skip
Depth = Annotated[
    int | None, typer.Option(min=1, help="How many steps down at most.", rich_help_panel=OPCUA)
]
Properties = Annotated[
    bool, typer.Option("--properties", help="Properties of objects too.", rich_help_panel=OPCUA)
]
Server = Annotated[
    bool,
    typer.Option("--server", help="The server's own diagnostics too.", rich_help_panel=OPCUA),
]
Security = Annotated[
    str,
    typer.Option(
        help='"None", or policy and mode such as "Basic256Sha256,SignAndEncrypt".',
        rich_help_panel=OPCUA,
    ),
]
CertFile = Annotated[
    Path | None, typer.Option(help="Own certificate.", metavar="FILE", rich_help_panel=OPCUA)
]
KeyFile = Annotated[
    Path | None,
    typer.Option(help="Key of the own certificate.", metavar="FILE", rich_help_panel=OPCUA),
]
User = Annotated[str | None, typer.Option(help="Account at the server.", rich_help_panel=OPCUA)]
PasswordFile = Annotated[
    Path | None,
    typer.Option(help="File whose text is the password.", metavar="FILE", rich_help_panel=OPCUA),
]
PasswordEnv = Annotated[
    str | None,
    typer.Option(
        help="Environment variable with the password.", metavar="NAME", rich_help_panel=OPCUA
    ),
]
