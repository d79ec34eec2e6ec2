"""The table of the studio's hour in docs/performance.md."""

from __future__ import annotations

from typing import Any

HEAD = (
    "course", "vehicles", "turned again", "longest wait for software, s",
    "last picture to AcquisitionDone, s", "AcquisitionDone to ResultReady, median and longest, s",
    "longest cycle, s", "CPU-s a vehicle", "peak memory, MiB", "MB a vehicle", "others, cores",
)  # fmt: skip


def table(result: dict[str, Any]) -> str:
    """A section of the page."""
    rows = []
    for run in result["runs"]:
        again = f"{run['turned_again']}"
        if run["one_bad_in"]:
            again += f" ({run['bad_pictures']} bad pictures of {run['pictures']})"
        rows.append([
            run["course"] + ("" if run["all_complete"] else ", not all complete"),
            run["vehicles"], again, f"{run['waited_for_software_s_max']:.1f}",
            f"{run['acquired_s_max']:.1f}",
            f"{run['result_s_median']:.1f}, {run['result_s_max']:.1f}",
            f"{run['cycle_s_max']:.0f}", f"{run['cpu_s_per_vehicle']:.1f}",
            f"{run['memory_mib_max']}", f"{run['mb_per_vehicle']:.1f}",
            f"{run['cores_of_others']:.2f}",
        ])  # fmt: skip
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    made = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
    return (
        "## An hour of the studio\n"
        "Ten vehicles an hour, a takt of 360 s: 36 pictures of the spin and 30 others of"
        f" {result['settings']['size']} each, drawn before and delivered as files. The controller's"
        " time is virtual, and real while a vehicle waits for software; judging, masking,"
        " encoding, signing, film, manifest, record and the files' way to the agent's outgoing"
        " folder are real. The pictures of a vehicle come within a second or two instead of four"
        " minutes, so the wait after the last one is that for judging nearly all of them. *Wait*"
        " is all that the vehicle stands for a command: start, acquisition done, the operator's"
        " answer (given at once) where a picture is bad, release. A turn that is repeated takes 91"
        " s of the takt. *Memory* is that of a process that has agent, cameras and controller in"
        " it. Aims: 60 s to the result, 5 s to AcquisitionDone, 500 MB.\n\n"
        f"{made}\n"
    )
