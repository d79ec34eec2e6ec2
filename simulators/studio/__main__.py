"""`python -m simulators.studio --folder FOLDER --port 0`: the cameras of one studio."""

from __future__ import annotations

import argparse
import os
import signal
import threading
from pathlib import Path

from simulators.studio.process import Cameras, CameraServer, Setting


def main() -> None:
    """Serve until a signal; says `ready PORT` first."""
    parser = argparse.ArgumentParser(prog="simulators.studio", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where pictures of triggers are delivered")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--size", default="960x540", help="width x height in pixels")
    parser.add_argument("--write-s", type=float, default=0.2, help="how long a file takes to write")
    parser.add_argument("--scale", type=float, default=0.25, help="of panorama and underbody")
    parser.add_argument(
        "--vehicles", default="", help="seeds such as 7,10: no others come, and again and again"
    )
    parser.add_argument("--nice", type=int, default=0, help="give way to others: 0 to 19")
    asked = parser.parse_args()
    os.nice(asked.nice)
    seeds = tuple(int(one) for one in asked.vehicles.split(",") if one)
    wide, high = (int(side) for side in asked.size.split("x"))
    cameras = Cameras(Setting(asked.folder, wide, high, asked.write_s, asked.scale, seeds))
    server = CameraServer(cameras, asked.port)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    cameras.start()
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    print(f"ready {server.port}", flush=True)
    stop.wait()
    server.shutdown()
    serving.join()
    server.server_close()
    cameras.stop()


if __name__ == "__main__":
    main()
