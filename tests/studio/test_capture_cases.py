"""The golden cases of the capture."""

from pathlib import Path

import pytest

from tests.studio.capture_case import CASES, Played, load

FILES = sorted(CASES.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_capture(path: Path) -> None:
    case = load(path)
    done = Played(case).play()
    for at, expected in enumerate(case["expect"]):
        found = done[at] if at < len(done) else {}
        files = found.get("files", {})
        found = found | {"files": {name: files.get(name) for name in expected.get("files", ())}}
        assert {key: found.get(key) for key in expected} == expected, f"{at}: {done[at:]}"
    assert len(done) == len(case["expect"]), done[len(case["expect"]) :]


def test_there_are_cases() -> None:
    assert len(FILES) >= 10
