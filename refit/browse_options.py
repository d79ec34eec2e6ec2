"""The options of `refit browse`, in the groups in which its help shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

OUT, WHAT, OPCUA, MODBUS = "What to write", "What to look at", "OPC UA", "Modbus"

Url = Annotated[
    str,
    typer.Argument(
        help="opc.tcp://HOST:PORT/PATH, modbus://HOST:PORT?unit=1 or rtu:DEVICE?baud=9600&unit=1",
        metavar="URL",
    ),
]
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
ByPath = Annotated[
    bool,
    typer.Option(
        "--by-path", help="Addresses as paths below the root, not NodeIds.", rich_help_panel=OPCUA
    ),
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
Pki = Annotated[
    Path,
    typer.Option(
        help="Folder of certificates, own and trusted, when security asks for them; see"
        " `refit trust`.",
        metavar="FOLDER", rich_help_panel=OPCUA,
    ),
]  # fmt: skip
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
Ranges = Annotated[
    list[str] | None,
    typer.Option(
        "--range", help='Addresses from 0 on, such as "holding 0-999" or "0-199"; may be repeated.',
        metavar="RANGE", rich_help_panel=MODBUS, show_default="0-199",
    ),
]  # fmt: skip
Readings = Annotated[
    list[str] | None,
    typer.Option(
        "--as", help='How registers are read, such as float32 or "input 0-61 float32 CDAB"; the '
        "first that fits counts; may be repeated.",
        metavar="FORMAT", rich_help_panel=MODBUS, show_default="uint16",
    ),
]  # fmt: skip
Units = Annotated[
    str | None,
    typer.Option(
        help="See which of these unit identifiers answer, such as 1-10.", metavar="RANGE",
        rich_help_panel=MODBUS,
    ),
]  # fmt: skip
Pause = Annotated[
    str, typer.Option(help="Rest between two requests.", rich_help_panel=MODBUS, metavar="TIME")
]
Requests = Annotated[
    int, typer.Option(min=1, help="How many requests at most.", rich_help_panel=MODBUS)
]
Block = Annotated[
    int,
    typer.Option(
        min=1, max=125, help="Registers asked for at once; 16 times as many bits.",
        rich_help_panel=MODBUS,
    ),
]  # fmt: skip

# What each scheme understands beside what all do.
OF_OPCUA = (
    "path", "without", "regex", "types", "root", "depth", "by_path", "properties", "server",
    "security", "pki", "cert_file", "key_file", "user", "password_file", "password_env",
)  # fmt: skip
OF_MODBUS = ("ranges", "readings", "units", "pause", "requests", "block")
