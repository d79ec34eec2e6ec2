"""Grafana's published TypeScript types (@grafana/schema), asked about a dashboard by tsc."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import missing
from tests.servers import CACHE

NODE = Path(__file__).parents[1] / "node"
PACKAGE = NODE / "package.json"
MODULES = CACHE / f"node-{hashlib.sha256(PACKAGE.read_bytes()).hexdigest()[:12]}" / "node_modules"
TYPES = MODULES / "@grafana" / "schema" / "dist" / "types"


def problems(boards: Mapping[str, str], folder: Path) -> list[str]:
    """What tsc says against some dashboards, one line each; [] when they are as Grafana says."""
    node = shutil.which("node")
    if node is None or not TYPES.is_dir():
        missing("@grafana/schema", "tests/servers/install.sh")
    shutil.copy(NODE / "grafana.ts", folder / "grafana.ts")
    options = {
        "strict": True, "noEmit": True, "skipLibCheck": True, "module": "esnext",
        "moduleResolution": "bundler", "target": "es2022", "types": [],
        "paths": {"grafana/*": [f"{TYPES}/*"]},
    }  # fmt: skip
    for name, text in boards.items():
        source = "import type { Dashboard } from './grafana';\nexport const one: Dashboard =\n"
        (folder / f"{name}.ts").write_text(source + text, encoding="utf-8")
    files = [f"{name}.ts" for name in boards]
    config = {"compilerOptions": options, "files": files}
    (folder / "tsconfig.json").write_text(json.dumps(config), encoding="utf-8")
    program = MODULES / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [str(node), str(program), "--pretty", "false", "-p", "."],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    found = done.stdout.splitlines()
    assert (done.returncode == 0) == (not found), done.stdout + done.stderr
    return found
