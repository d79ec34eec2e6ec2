"""What the pages are read with: blocks in order, names of files, and the outputs compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import pages
from tests.docs.pages import Reader, blocks, shows
from tests.servers import until

PAGE = """Save it as `a.csv`, not `b.toml`; no: `sub/c.toml`:

```toml
port = 14840
```
and
```sh
cat c.toml
false || echo "it is 17 here"
```
```text
port = 14840
...
it is … here
```
"""


def page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text)
    return path


def test_blocks_have_kind_text_line_and_the_name_nearest_before(tmp_path: Path) -> None:
    found = blocks(page(tmp_path, PAGE))
    assert [(one.kind, one.line, one.name) for one in found] == [
        ("toml", 3, "sub/c.toml"), ("sh", 7, ""), ("text", 11, ""),
    ]  # fmt: skip
    assert found[0].text == "port = 14840\n"


@pytest.mark.parametrize(
    ("wanted", "shown", "is_same"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\nb\n", "a  \nb\n", True),
        ("a\n", "a\nb\n", False),
        ("a\n...\n", "a\nb\nc\n", True),
        ("...\nc\n", "c\n", True),
        ("...\nc\n", "a\nd\n", False),
        ("a … c\n", "a b b c\n", True),
        ("a … c\n", "a b\nc\n", False),
        ("1.5 (x)\n", "1x5 (x)\n", False),
    ],
)
def test_outputs_are_compared(wanted: str, shown: str, is_same: bool) -> None:
    assert shows(wanted, shown) is is_same


def test_a_page_is_followed_on_ports_of_our_own(tmp_path: Path) -> None:
    text = PAGE.replace("sub/c.toml", "c.toml")
    Reader(page(tmp_path, text), tmp_path).follow(tmp_path)
    assert (tmp_path / "c.toml").read_text() != "port = 14840\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("```sh\nfalse\n```\n", "exit code 1"),
        ("```sh\necho yes\n```\n```text\nno\n```\n", "instead of"),
        ("```toml\na = 1\n```\n", "does not say how to save"),
        ("```sh\ncat\n```\n", "does not end"),
    ],
)
def test_a_page_that_is_not_so_fails(
    text: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "DEADLINE_S", 0.5)
    with pytest.raises(AssertionError, match=why):
        Reader(page(tmp_path, text), tmp_path).follow(tmp_path)


def test_what_a_page_starts_ends_with_it(tmp_path: Path) -> None:
    text = "```sh\nsleep 1000 &\necho $! > pid\n```\n"
    Reader(page(tmp_path, text), tmp_path).follow(tmp_path)
    stat = Path("/proc") / (tmp_path / "pid").read_text().strip() / "stat"

    def ended() -> bool:
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"

    until(ended, "what the page has started has ended")
