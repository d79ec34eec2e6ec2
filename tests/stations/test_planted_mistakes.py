"""mypy finds what a hurried engineer writes wrong in a declaration and in its rules."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from stations import kinds

ROOT = Path(kinds.__file__).parent.parent

RIGHT = '''"""A station with one of everything, and a rule."""

from stations.declare import Node, Station, Tag
from stations.judge import Now


class Oven(Station):
    """Dries the paint."""

    heat = Tag(float, Node("Heat"), unit="degC", low=0, high=250, doc="Heat of the air.")
    speed = Tag(float, Node("Speed"), unit="m/min", low=0, doc="Speed of the belt.")
    load = Tag(float, Node("Load"), unit="kg", doc="Weight on the belt.")
    recipe = Tag(str, Node("Recipe"), doc="Name of the recipe.")
    door = Tag(bool, Node("Door"), doc="The door is closed.")
    count = Tag(int, Node("Count"), low=0, doc="Bodies dried.")


def rule(now: Now) -> str:
    """What the oven does."""
    hot = now[Oven.heat].value > 100
    named = now[Oven.recipe].value + str(now[Oven.count].value)
    shut = str(now[Oven.door].value).upper()
    return f"{hot} {named} {shut}"
'''

MISTAKES = {
    "misspelled keyword": ("low=0, high=250", "lo=0, high=250"),
    "wrong limit type": ('m/min", low=0', 'm/min", low="0"'),
    "missing doc": (', doc="Weight on the belt."', ""),
    "wrong kind of address": ('Node("Recipe")', '"Recipe"'),
    "misspelled tag in a rule": ("now[Oven.heat]", "now[Oven.heet]"),
    "str + int in a rule": ("str(now[Oven.count].value)", "now[Oven.count].value"),
    "bool.upper() in a rule": ("str(now[Oven.door].value).upper()", "now[Oven.door].value.upper()"),
}


def mypy(*files: Path) -> tuple[dict[tuple[str, int], str], str]:
    """What mypy says about these files: (name, line) -> message, and all of its output."""
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-pretty", *map(str, files)],
        cwd=ROOT, env={"MYPYPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    found = re.findall(r"^(?:.*/)?(\w+)\.py:(\d+): error: (.*)$", run.stdout, re.MULTILINE)
    errors = {(name, int(line)): message for name, line, message in found}
    return errors, run.stdout + run.stderr


@pytest.mark.timeout(300)
def test_mypy_finds_all_seven_mistakes_and_none_in_the_right_file(tmp_path: Path) -> None:
    wrong = RIGHT
    for old, new in MISTAKES.values():
        assert wrong.count(old) == 1
        wrong = wrong.replace(old, new)
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(wrong)
    errors, output = mypy(tmp_path / "right.py", tmp_path / "wrong.py")
    lines = wrong.splitlines()
    planted = {
        kind: next(
            number
            for number, (line, right) in enumerate(zip(lines, RIGHT.splitlines(), strict=True), 1)
            if line != right and old not in line and (new in line if new else "Load" in line)
        )
        for kind, (old, new) in MISTAKES.items()
    }
    assert len(set(planted.values())) == 7
    assert {("wrong", line) for line in planted.values()} == set(errors), output
    said = {kind: errors["wrong", line] for kind, line in planted.items()}
    assert 'Unexpected keyword argument "lo"' in said["misspelled keyword"]
    assert 'has incompatible type "str"' in said["wrong limit type"]
    assert 'Missing named argument "doc"' in said["missing doc"]
    assert 'expected "Node | Register"' in said["wrong kind of address"]
    assert 'has no attribute "heet"' in said["misspelled tag in a rule"]
    assert 'Unsupported operand types for + ("str" and "int")' in said["str + int in a rule"]
    assert '"bool" has no attribute "upper"' in said["bool.upper() in a rule"]
