"""All that is wrong with a site is said at once: file, line, key and what would be right."""

from __future__ import annotations

import copy
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from tests.wire.test_site import CSV, SMALL
from wire.site import Problem, SiteError, examine, load


def problems(folder: Path, text: str, **more: str) -> list[Problem]:
    """The problems of a site file with this text, beside other files."""
    (folder / "meter.csv").write_text(CSV)
    for name, content in more.items():
        (folder / f"{name}.toml").write_text(content)
    path = folder / "site.toml"
    path.write_text(text)
    with pytest.raises(SiteError) as caught:
        load(path)
    assert str(caught.value) == "\n".join(str(one) for one in caught.value.problems)
    return caught.value.problems


def only(found: list[Problem]) -> Problem:
    assert len(found) == 1, [str(one) for one in found]
    return found[0]


def with_line(after: str, line: str) -> str:
    """The small site with one line more, behind the line `after`."""
    assert SMALL.count(f"{after}\n") == 1
    return SMALL.replace(f"{after}\n", f"{after}\n{line}\n")


STUDIO = """
[[station]]
name = "studio-1"
kind = "studio"
agent = "pc-1"
opcua = { url = "opc.tcp://h" }
modbus = { url = "tcp://h" }
"""
LAST = len(SMALL.splitlines())

# (line added behind "after", its line, key, words of what, words of the hint)
WRONG_LINES = [
    ('name = "works"', "colour = 1", 3, "site.colour", "unknown key", "known are name, cells"),
    ('agent = "pc-1"', 'knid = "x"', 11, "station.meter-1.knid", "unknown key", "kind"),
    ('name = "works"', "[broker]\nprot = 1", 4, "broker.prot", "unknown key", "port"),
    ('name = "works"', '[broker]\npassword = "x"', 4, "broker.password", "stand", "password_file"),
    ('name = "works"', '[broker]\nport = "1"', 4, "broker.port", "whole number", "without quotes"),
    ('name = "works"', "[broker]\nport = 70000", 4, "broker.port", "at most 65535", ""),
    ('name = "works"', '[broker]\nurl = "mqqt://x"', 4, "broker.url", "mqqt", "did you mean mqtt"),
    ('name = "works"', '[broker]\nurl = "mqtt://x:y"', 4, "broker.url", "not a URL", "mqtts://"),
    ('name = "works"', '[broker]\nversion = "3.1"', 4, "broker.version", "3.1", "3.1.1"),
    ('name = "works"', '[broker]\nca_file = "x"', 3, "broker", "without TLS", "mqtts://"),
    ('name = "works"', '[broker]\nurl="mqtt://x"\nport=5', 3, "broker", "embedded", "into the url"),
    ('name = "works"', '[stroe]\nurl = "x"', 3, "stroe", "unknown key", "did you mean store"),
    ('name = "works"', '[store]\nurl = "sqlit:x"', 4, "store.url", "no database", "sqlite:"),
    ('name = "works"', '[outbox]\nage_max = "1 m"', 4, "outbox.age_max", "no unit", "min"),
    ('name = "works"', "[outbox]\nage_max = 5", 4, "outbox.age_max", "without a unit", '"5 ms"'),
    ('name = "works"', '[outbox]\nbytes_max = "1 GB"', 4, "outbox.bytes_max", "no unit", "GiB"),
    ('name = "works"', '[outbox]\ndelivery = "send"', 4, "outbox.delivery", "send", "mean sent"),
    ('name = "works"', "[historian]\nname = 5", 4, "historian.name", "a text, not 5", '"5"'),
    ('name = "works"', "[historian]\nhttp = true", 4, "historian.http", "number, not true", ""),
    ('agent = "pc-1"', "opcua = 5", 11, "station.meter-1.opcua", "a table, not 5", ""),
    ('agent = "pc-1"', "line = 1", 11, "station.meter-1.line", "a text, not 1", '"1"'),
    ('agent = "pc-1"', 'line = "a/b"', 11, "station.meter-1.line", "'/'", '"a-b"'),
]  # fmt: skip


@pytest.mark.parametrize(("after", "added", "line", "key", "what", "hint"), WRONG_LINES)
def test_a_wrong_line_is_named(
    tmp_path: Path, after: str, added: str, line: int, key: str, what: str, hint: str
) -> None:
    problem = only(problems(tmp_path, with_line(after, added)))
    assert (problem.file, problem.line, problem.key) == (tmp_path / "site.toml", line, key)
    assert what in problem.what
    assert hint in problem.hint


# (text replaced in the small site, by what, line, key, words of what, words of the hint)
WRONG_VALUES = [
    ('name = "works"', 'name = "a+b"', 2, "site.name", "'+'", '"a-b"'),
    ('name = "works"', 'name = ""', 2, "site.name", "empty", ""),
    ('name = "works"', 'name = " a"', 2, "site.name", "space", '"a"'),
    ('name = "works"', 'name = "STATE"', 2, "site.name", "word of the topics", "another"),
    ('name = "works"', "", 1, "site.name", "is missing", "name of the plant"),
    ('[site]\nname = "works"', "", 0, "site", "is missing", "[site]"),
    ('[[agent]]\nname = "pc-1"', "", 10, "station.meter-1.agent", 'named "pc-1"', "[[agent]]"),
    ('agent = "pc-1"', "", 7, "station.meter-1.agent", "is missing", "name of the agent"),
    ('kind = "device"', 'kind = "devise"', 9, "station.meter-1.kind", "no kind", "device"),
    ('tags = "meter.csv"', "", 7, "station.meter-1.tags", "is missing", ".csv"),
    ('tags = "meter.csv"', 'tags = "m.csv"', 11, "station.meter-1.tags", "no file", "relative to"),
    ('"500 ms"', '"fast"', 12, "station.meter-1.modbus.every", "not a duration", '"500 ms"'),
    ('"500 ms"', '"0 ms"', 12, "station.meter-1.modbus.every", "no time at all", "ms"),
    ("unit = 7", "unit = 256", 12, "station.meter-1.modbus.unit", "at most 255", ""),
    ("tcp://", "tpc://", 12, "station.meter-1.modbus.url", "tpc", "did you mean tcp"),
    ("tcp://10.0.0.6:1502", "rtu:/dev/x?bauds=1", 12, "station.meter-1.modbus.url", "s", "baud"),
    ("tcp://10.0.0.6:1502", "rtu:/dev/x?baud=1", 12, "station.meter-1.modbus.url", "baud", "9600"),
    ("{ url", "{ urll", 12, "station.meter-1.modbus.url", "is missing", "tcp://"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "key", "what", "hint"), WRONG_VALUES)
def test_a_wrong_value_is_named(
    tmp_path: Path, old: str, new: str, line: int, key: str, what: str, hint: str
) -> None:
    assert SMALL.count(old) == 1
    found = problems(tmp_path, SMALL.replace(old, new.ljust(old.count("\n"), "\n")))
    problem = only([one for one in found if one.key == key])
    assert (problem.line, problem.key) == (line, key)
    assert what in problem.what
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("text", "line", "what", "hint"),
    [
        ("[site]\nname = works\n", 2, "no TOML", "quotes"),
        ('[site]\nname = "works\n', 2, "no TOML", "close the quote"),
        ('[site]\nname\nx = "y"\n', 2, "no TOML", "KEY = VALUE"),
        ("[site]\nname =\n", 2, "no TOML", "value after ="),
        ("[site]\nx = True\n", 2, "no TOML", "write true"),
        ('[site]\nname = "a"\n[site]\nname = "b"\n', 3, "no TOML", ""),
        ('[site]\nname = "a"\n[[station', 3, "no TOML", ""),
    ],
)
def test_a_syntax_error_has_its_line(
    tmp_path: Path, text: str, line: int, what: str, hint: str
) -> None:
    problem = only(problems(tmp_path, text))
    assert problem.line == line
    assert what in problem.what
    assert hint in problem.hint


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    found = examine(tmp_path / "none.toml").problems
    assert "cannot be read" in only(list(found)).what
    (tmp_path / "latin.toml").write_bytes(b"[site]\nname = 'caf\xe9'\n")
    problem = only(list(examine(tmp_path / "latin.toml").problems))
    assert (problem.line, problem.hint) == (2, "save the file as UTF-8")


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / "meter.csv").write_text(CSV)
    (tmp_path / "site.toml").write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load(tmp_path / "site.toml").name == "works"


def test_names_are_given_once(tmp_path: Path) -> None:
    second = SMALL[SMALL.index("[[station]]") :]
    problem = only(problems(tmp_path, SMALL + second))
    assert (problem.line, problem.key) == (LAST + 2, "station.meter-1.name")
    assert "line 8" in problem.what
    agent = only(problems(tmp_path, SMALL + '[[agent]]\nname = "pc-1"\n'))
    assert (agent.line, agent.key) == (LAST + 2, "agent.pc-1.name")


def test_agents_and_stations_belong_together(tmp_path: Path) -> None:
    problem = only(problems(tmp_path, SMALL + '[[agent]]\nname = "idle"\n'))
    assert (problem.line, problem.what) == (LAST + 2, "serves no station")
    problem = only(problems(tmp_path, SMALL.replace('agent = "pc-1"', 'agent = "pc-2"')).copy()[1:])
    assert (problem.line, problem.hint) == (10, "did you mean pc-1?")


def test_a_list_of_tables_is_asked_for(tmp_path: Path) -> None:
    found = problems(tmp_path, SMALL.replace("[[station]]", "[station]"))
    assert [(one.line, one.hint) for one in found if one.key == "station"] == [
        (7, "write [[station]] above each")
    ]


def test_an_unknown_kind_says_which_are_known(tmp_path: Path) -> None:
    problem = only(problems(tmp_path, SMALL.replace('"device"', '"stduio"')))
    assert "did you mean studio" in problem.hint
    assert "battery, inspection, studio, device" in problem.hint


@pytest.mark.parametrize(
    ("at", "what", "hint"),
    [
        ('angel = "Table/Angel"', 'no tag "angel"', "did you mean angle?"),
        ('angle = ""', "must not be empty", "input 30"),
        ('angle = "inptu 3 float32"', "no Modbus table", "input"),
        ('angle = "input 3 flaot32"', "no format", "float32"),
        ('angle = "ns=3;DB10"', "no NodeId", "ns=3;s="),
        ('angle = "input 3 text/4"', "does not hold", ""),
        ('lamp_hours = "input 3 float32*4"', "no array", ""),
    ],
)
def test_a_wrong_address_of_one_machine_is_named(
    tmp_path: Path, at: str, what: str, hint: str
) -> None:
    problem = only(problems(tmp_path, SMALL + STUDIO + f"[station.at]\n{at}\n"))
    key = at.partition(" ")[0]
    assert (problem.line, problem.key) == (LAST + 9, f"station.studio-1.at.{key}")
    assert what in problem.what
    assert hint in problem.hint


def test_an_address_of_the_wrong_sort_needs_its_connection(tmp_path: Path) -> None:
    text = (
        SMALL + STUDIO.replace("modbus", "# modbus") + '[station.at]\nangle = "input 3 float32"\n'
    )
    found = {one.key: one for one in problems(tmp_path, text)}
    problem = found["station.studio-1.at.angle"]
    assert "is a Modbus register, angle is an OPC UA node" in problem.what
    assert "give the station modbus" in problem.hint


def test_two_tags_of_one_machine_are_not_at_one_address(tmp_path: Path) -> None:
    added = '[station.at]\nangle = "ns=3;i=7"\nvisit = "ns=3;i=7"\n'
    problem = only(problems(tmp_path, SMALL + STUDIO + added))
    assert problem.key == "station.studio-1.at.visit"
    assert "angle is at ns=3;i=7 too" in problem.what


def test_a_connection_that_the_tags_need_is_asked_for(tmp_path: Path) -> None:
    text = SMALL + '[[station]]\nname = "b"\nkind = "battery"\nagent = "pc-1"\n'
    text += '[station.modbus.bsm]\nurl = "tcp://h"\n[station.modbus.cycler]\nurl = "tcp://h"\n'
    found = {one.key: one for one in problems(tmp_path, text)}
    assert set(found) == {"station.b.opcua", "station.b.modbus.bms"}
    assert "opc.tcp://" in found["station.b.opcua"].hint
    assert "[station.modbus.bms]" in found["station.b.modbus.bms"].hint
    assert "'bsm'" in found["station.b.modbus.bms"].hint


def test_connections_that_nobody_uses_are_a_warning(tmp_path: Path) -> None:
    (tmp_path / "meter.csv").write_text(CSV)
    path = tmp_path / "site.toml"
    path.write_text(SMALL + 'opcua = { url = "opc.tcp://h" }\n')
    examined = examine(path)
    assert examined.site is not None
    assert [(one.line, one.key) for one in examined.warnings] == [(13, "station.meter-1.opcua")]
    named = SMALL.replace("modbus = {", "modbus.x = { url = 'tcp://h' }\nmodbus.'' = {")
    path.write_text(named)
    assert [one.key for one in examine(path).warnings] == ["station.meter-1.modbus.x"]


def test_warnings_name_what_will_be_needed(tmp_path: Path) -> None:
    (tmp_path / "meter.csv").write_text(CSV)
    path = tmp_path / "site.toml"
    secure = STUDIO.replace(
        '{ url = "opc.tcp://h" }', '{ url = "opc.tcp://h", user = "u", password_env = "P" }'
    )
    path.write_text(SMALL + secure + '[broker]\nusername = "u"\npassword_file = "none"\n')
    examined = examine(path)
    assert {one.key for one in examined.warnings} == {
        "broker.password_file", "station.studio-1.opcua.security",
    }  # fmt: skip


def test_includes_that_are_missing_go_round_or_repeat(tmp_path: Path) -> None:
    text = 'include = [\n  "gone.toml",\n  "round.toml",\n  "table.toml",\n]\n' + SMALL
    found = problems(
        tmp_path, text, round='include = ["site.toml"]\n', table='[site]\nname = "x"\n'
    )
    assert [(one.file.name, one.line, one.key) for one in found] == [
        ("site.toml", 2, "include"), ("round.toml", 1, "include"), ("table.toml", 1, "site"),
    ]  # fmt: skip
    assert "gone.toml cannot be read" in found[0].what
    assert "round.toml" in found[0].hint
    assert "includes itself" in found[1].what
    assert "site.toml, line 6" in found[2].what


def test_a_file_that_is_included_twice_is_named(tmp_path: Path) -> None:
    more = '[[agent]]\nname = "a"\n'
    found = problems(tmp_path, 'include = ["more.toml", "more.toml"]\n' + SMALL, more=more)
    assert any("is included already" in one.what for one in found)


def test_a_problem_in_an_included_file_has_that_file_and_line(tmp_path: Path) -> None:
    more = "# one\n" + SMALL[SMALL.index("[[station]]") :].replace("meter-1", "m-2")
    text = 'include = ["more.toml"]\n' + SMALL
    problem = only(problems(tmp_path, text, more=more.replace("unit = 7", "unti = 7")))
    assert (problem.file.name, problem.line) == ("more.toml", 7)
    assert problem.key == "station.m-2.modbus.unti"


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all tables, keys and elements."""
    found = [path] if path else []
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        found += [one for key, inner in items for one in paths(inner, (*path, key))]
    return found


VALUES = [5, -1, 1.5, True, "", "x", " + ", [], [1], ["a"], [{}], {}, {"x": 1}, {"url": {}},
          "\0", "é" * 300]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda one: repr(one)[:20])
def test_any_value_at_any_place_is_read_or_told(tmp_path: Path, value: Any) -> None:
    (tmp_path / "meter.csv").write_text(CSV)
    tables = '[broker]\nurl = "mqtt://h"\n[store]\nurl = "sqlite:x"\n[outbox]\nage_max = "1 d"\n'
    tables += '[[line]]\nname = "l"\n[[foreign]]\nname = "f"\nedge = "e"\ntags = "f.csv"\n'
    text = 'include = ["a.toml"]\n' + SMALL + tables + STUDIO
    original = tomllib.loads(text + '[station.at]\nangle = "A/B"\n')
    (tmp_path / "a.toml").write_text('[historian]\nname = "h"\n')
    for path in paths(original):
        changed = copy.deepcopy(original)
        table: Any = changed
        for step in path[:-1]:
            table = table[step]
        table[path[-1]] = value
        (tmp_path / "site.toml").write_text(tomli_w.dumps(changed))
        examined = examine(tmp_path / "site.toml")
        assert (examined.site is None) == bool(examined.problems)
        for problem in examined.problems:
            assert problem.what
            assert "Input should" not in problem.what, problem
            assert "pydantic" not in str(problem)


def test_everything_is_said_at_once(tmp_path: Path) -> None:
    text = (
        SMALL.replace("works", "wo#rks")
        .replace("500 ms", "500")
        .replace('"pc-1"\n\n', '"pc-9"\n\n')
    )
    text += '[broker]\nurl = "x"\nkeepalive = "15"\n'
    keys = [one.key for one in problems(tmp_path, text)]
    assert keys == [
        "site.name", "agent.pc-9.name", "station.meter-1.agent", "station.meter-1.modbus.every",
        "broker.url", "broker.keepalive",
    ]  # fmt: skip


@pytest.mark.alone
def test_a_plant_of_a_thousand_stations_is_checked_quickly(tmp_path: Path) -> None:
    (tmp_path / "meter.csv").write_text(CSV)
    station = SMALL[SMALL.index("[[station]]") :]
    stations = [station.replace("meter-1", f"meter-{number}") for number in range(1, 1001)]
    path = tmp_path / "site.toml"
    path.write_text(SMALL[: SMALL.index("[[station]]")] + "".join(stations))
    start = time.process_time()
    assert len(load(path).stations) == 1000
    assert time.process_time() - start < 10
