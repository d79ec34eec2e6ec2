"""Coverage-guided fuzzing of one decoder: `python -m tests.fuzz TARGET --seconds 600`.

What breaks it is printed as hexadecimal digits: put it into `cases.toml`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["wire", "stations", "edge", "plant", "pymodbus"]):
    from tests.fuzz.targets import TARGETS, target

INPUT_MAX = 16_384
MEMORY_MIB = 768
HANG_S = 10


def main() -> None:
    """Run until the time is over (exit code 0) or something gives."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", choices=[one.name for one in TARGETS], metavar="TARGET",
                        help=", ".join(one.name for one in TARGETS))  # fmt: skip
    parser.add_argument("--seconds", type=int, default=60, help="how long")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    given = parser.parse_args()
    chosen = target(given.target)

    def one(data: bytes) -> None:
        try:
            chosen.try_out(data)
        except Exception:
            print(f"{chosen.name} gave way to {data.hex()}", file=sys.stderr)
            raise

    with tempfile.TemporaryDirectory(prefix="refit-fuzz-") as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number, seed in enumerate(chosen.seeds()):
            (corpus / str(number)).write_bytes(seed)
        atheris.Setup(
            [
                sys.argv[0], str(corpus), f"-max_total_time={given.seconds}",
                f"-max_len={INPUT_MAX}", f"-rss_limit_mb={MEMORY_MIB}", f"-timeout={HANG_S}",
                f"-artifact_prefix={folder}/", f"-seed={given.seed}",
            ],
            one,
        )  # fmt: skip
        atheris.Fuzz()


if __name__ == "__main__":
    main()
