"""How long a CSV of 10,000 tags takes to become a declaration; claimed is less than a second."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from wire.site import devices

HEADER = "name,address,type,unit,scale,low,high,deadband,every,on,doc\n"


def written(path: Path, tags: int) -> Path:
    """A CSV with this many tags, a third of each usual sort."""
    rows = []
    for number in range(tags):
        if number % 3 == 0:
            address = f"input {2 * (number % 32000)} float32 CDAB on=bus{number // 32000}"
            rows.append(
                f"value_{number},{address},float,kW,,0,100,0.1,1 s,,Power of load {number}."
            )
        elif number % 3 == 1:
            rows.append(f"count_{number},Loads/{number}/Count,int,,,0,,,,,Starts of load {number}.")
        else:
            rows.append(f"is_on_{number},ns=3;s=Load{number}.On,bool,,,,,,,,Load {number} runs.")
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def main() -> None:
    tags = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder) / "plant.csv", tags)
        times = []
        for _ in range(5):
            start = time.perf_counter()
            device = devices.read(path)
            times.append(time.perf_counter() - start)
            assert len(device.declaration.tags) == tags, device.problems
    print(f"{tags} tags: best {min(times):.3f} s, worst {max(times):.3f} s of {len(times)}")


if __name__ == "__main__":
    main()
