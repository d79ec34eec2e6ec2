"""The page docs/performance.md, made of nothing but the JSON files of the results."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import inspection_judging_table, studio_hour_table

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
Result = dict[str, Any]

HEAD = """\
# Performance
This page is made by `make bench` from the files in `benchmarks/results`; do not edit it.
Every figure is the median of repeated runs with fresh processes and files; the single runs, the
settings, the versions and what else the machine was doing stand in the JSON.

"""


def page(results: Path) -> str:
    """The page for the results that lie in a folder; a figure that was never taken says so."""
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in results.glob("*.json")}
    sections = (
        ("throughput", _throughput), ("latency", _latency), ("agent", _agent),
        ("start", _start), ("profile", _profile), ("sqlite_store", _store),
        ("influx_lines", _influx), ("load_csv", _csv), ("ledger", _ledger),
        ("dashboards", _dashboards), ("studio_page", _studio_page),
        ("studio_renderer", _renderer), ("studio_hour", studio_hour_table.table),
        ("judging", inspection_judging_table.table),
    )  # fmt: skip
    parts = [HEAD, _machine(found)]
    for name, section in sections:
        if name in found:
            parts.append(section(found[name]))
        else:
            parts.append(f"## {name}\nThis figure has not been taken yet.\n")
    return "\n".join(parts)


def _machine(found: dict[str, Result]) -> str:
    lines = ["## The machine"]
    for name, result in sorted(found.items()):
        machine, versions = result["machine"], result["versions"]
        lines.append(
            f"- {name}: {machine['cores']} cores, {machine['memory_gib']} GiB,"
            f" {machine['architecture']}, Python {versions['python']}, SQLite {versions['sqlite']};"
            f" a loop of a million additions takes {machine['python_loop_ms']} ms, 4 KiB are on"
            f" disk after {machine['fsync_ms']} ms; taken {machine['taken'][:10]} at a load average"
            f" of {result['load_average_before']}"
        )
    return "\n".join(lines) + "\n"


def _throughput(result: Result) -> str:
    settings = result["settings"]
    lines = [
        "## Values a second without loss",
        f"The load comes from {settings['generator']} on the same cores, each tag counting 1, 2, 3,"
        f" ... for {settings['seconds']:g} s. A rate is *held* when every value is stored exactly"
        " once, the generator kept its pace and the last value was stored within 2 s of being"
        " written. CPU-seconds are those from the first value to the last one stored, with all that"
        " a process does besides; *disk* is what all processes together had written to the disk,"
        " rewritten pages and logs included; *others* is what other work on this machine took.",
        "",
        f"**Ours holds {_best(result['ours'])}"
        + (f"; the plain chain {_best(result['plain'])}.**" if "plain" in result else ".**"),
        "",
        *_rates("Ours (agent, embedded broker, historian, embedded store)", result["ours"]),
    ]
    if "plain" in result:
        lines += [
            "",
            *_rates(
                "The plain chain (subscription, one JSON message a value, Mosquitto, batching"
                " client, InfluxDB 1.x)",
                result["plain"],
            ),
        ]
    else:
        lines += ["", f"The plain chain was not measured: {result['plain_missing']}."]
    return "\n".join(lines) + "\n"


def _best(chain: Result) -> str:
    """The highest rate that most runs held, and how much of the machine others had meanwhile."""
    held = chain["held_values_per_s"]
    others = [
        rate["median"]["cores_of_others"]
        for rate in chain["rates"]
        if rate["median"]["values_per_s"] == held
    ]
    told = f"{held:,.0f} values/s"
    return f"{told}, while other work took {others[0]:.1f} cores" if others else told


def _rates(title: str, chain: Result) -> Iterable[str]:
    parts = list(chain["rates"][0]["median"]["cpu_s_per_million"])
    head = ["tags", "values/s", "held", "lost", "doubled", "lag, s"]
    head += [f"{part}, CPU-s per million" for part in parts]
    head += ["disk, bytes a value", "agent, MiB", "others, cores"]
    rows = []
    for rate in chain["rates"]:
        median = rate["median"]
        row: list[Any] = [
            f"{median['tags']:,.0f}", f"{median['values_per_s']:,.0f}",
            f"{rate['held']} of {rate['of']}", _whole(median["account"]["lost"]),
            _whole(median["account"]["doubled"]), f"{median['lag_s']:.2f}",
        ]  # fmt: skip
        row += [f"{median['cpu_s_per_million'][part]:.1f}" for part in parts]
        row += [f"{sum(median['disk_bytes_per_value'].values()):.0f}"]
        row += [f"{median['peak_mib']['agent']:.0f}", f"{median['cores_of_others']:.2f}"]
        rows.append(row)
    return [f"### {title}", *_table(head, rows)]


def _latency(result: Result) -> str:
    rows = [("ours", one) for one in result["ours"]]
    rows += [("plain chain", one) for one in result.get("plain", [])]
    table = [
        [
            name, f"{one['values_per_s']:,.0f}", *(
                f"{one['median']['latency_ms'][key]:.0f}" for key in ("p50", "p95", "p99", "max")
            ), f"{one['median']['cores_of_others']:.2f}",
        ]
        for name, one in rows
    ]  # fmt: skip
    head = ["chain", "values/s", "p50", "p95", "p99", "max", "others, cores"]
    return (
        "## From the source timestamp to the disk\n"
        "Milliseconds from the time that the machine gave a value until the transaction that stores"
        " it is on disk, noted in the historian's own process when the commit returned (for the"
        " plain chain: when the database had answered the write). The server publishes every"
        f" {result['settings']['publishing_ms']} ms, which is up to that much of it. The aim is a"
        " p99 of at most 250 ms at 1,000 values/s.\n\n"
        + "\n".join(_table(head, table))
        + "\n"
    )  # fmt: skip


def _agent(result: Result) -> str:
    rows = []
    for one in result["ours"]:
        median = one["median"]
        rows.append([
            f"{one['tags']:,}", f"{median['first_value_s']:.2f}", f"{median['born_s']:.2f}",
            f"{median['cpu_to_first_value_s']:.2f}", f"{median['idle_mib']:.0f}",
            f"{100 * median['idle_cores']:.1f} %", f"{median['cores_of_others_before']:.2f}",
        ])  # fmt: skip
    head = [
        "tags", "first value leaves after, s", "birth, s", "CPU-s until then", "idle, MiB",
        "idle, of one core", "others, cores",
    ]  # fmt: skip
    return (
        "## Start-up and memory of an agent\n"
        "From the start of the process until its first value comes out of the broker, and the"
        " resident memory when nothing changes. The aims are 3 s and 120 MiB; under load see the"
        " column of the first table.\n\n" + "\n".join(_table(head, rows)) + "\n"
    )


def _start(result: Result) -> str:
    settings, starts = result["settings"], result["starts"]
    rows = [
        [what, f"{starts[step]['p50']:.2f}", f"{starts[step]['max']:.2f}"]
        for step, what in (
            ("session", "the machine answers CreateSession"),
            ("monitored", "it answers that the items are monitored"),
        )
    ]
    return (
        "## An agent that is killed and started again at once\n"
        f"{len(result['runs'])} times in a row, at {settings['tags'] * settings['hz']:,.0f}"
        f" values/s from {settings['generator']}, with an outbox that has the agent's past. Seconds"
        " from the start of the process, seen on the wire. A machine that keeps nothing for the"
        " agent loses what it says until then: a gap record covers it. The aim is 1 s. All of it"
        " is computing, so it takes as much longer as others take of the processors:"
        f" {result['cores_of_others_before']} cores at that time, the load average was"
        f" {result['load_average_after']} in the end.\n\n"
        + "\n".join(_table(["until", "median", "longest"], rows)) + "\n"
    )  # fmt: skip


def _profile(result: Result) -> str:
    load = result["load"]
    lines = [
        "## Where the time goes",
        f"Samples of a profiler ({result['settings']['samples_per_s']} a second) at"
        f" {load['values_per_s']:,.0f} values/s. *Ours*: time of libraries counts for the function"
        " of ours that calls them. *Innermost*: where the processor was.",
    ]
    for name in ("agent", "historian"):
        ours, inner = result[name]["ours"], result[name]["innermost"]
        pairs = zip(ours.items(), inner.items(), strict=False)
        rows = [
            [f"`{mine}`", f"{100 * a:.1f} %", f"`{theirs}`", f"{100 * b:.1f} %"]
            for (mine, a), (theirs, b) in pairs
        ]
        lines += ["", f"### {name}", *_table(["ours", "share", "innermost", "share"], rows)]
    return "\n".join(lines) + "\n"


def _store(result: Result) -> str:
    rows = [
        [
            one["way"], f"{one['values_a_commit']:,}", f"{one['median']['values_per_s']:,.0f}",
            f"{one['median']['cpu_s_per_million']:.1f}", _whole(one["median"]["inexact"]),
        ]
        for one in result["rates"]
    ]  # fmt: skip
    head = ["way", "values a commit", "values/s", "CPU-s per million values", "inexact"]
    return (
        "## The embedded store alone\n"
        "Three ways into the same table, all durable (`synchronous=FULL`). *Inexact* counts values"
        " that differ in any bit from what was written.\n\n" + "\n".join(_table(head, rows)) + "\n"
    )


def _influx(result: Result) -> str:
    ways = [
        [one["way"], _whole(one["median"]["values_per_cpu_s"]),
         f"{one['median']['bytes_a_value']:.1f}"]
        for one in result["encode"]
    ]  # fmt: skip
    writes = [
        [
            f"{one['values_a_write']:,}", _whole(one["median"]["values_per_s"]),
            f"{one['median']['cpu_s_per_million']:.1f}",
            f"{one['median']['server_cpu_s_per_million']:.1f}",
            f"{one['median']['cores_of_others']:.2f}",
        ]
        for one in result["write"]
    ]  # fmt: skip
    head = ["values a write", "values/s", "historian's store, CPU-s per million",
            "server, CPU-s per million", "others, cores"]  # fmt: skip
    return (
        "## The store at InfluxDB alone\n"
        f"{result['settings']['values']:,} values of 20 stations with 50 tags, those of a station"
        " at the same times, 50 a line. First the lines are only made:\n\n"
        + "\n".join(_table(["way", "values per CPU-s", "bytes a value"], ways))
        + "\n\nThen they are written into a real InfluxDB 1.8.10 by `/api/v2/write`, each write"
        " confirmed before the next begins, and read back to be compared. The server runs on the"
        " same cores.\n\n" + "\n".join(_table(head, writes)) + "\n"
    )


def _csv(result: Result) -> str:
    return (
        "## Reading a table of tags\n"
        f"A CSV of {result['settings']['tags']:,} tags becomes a declaration in"
        f" {result['median']['seconds']:.2f} s.\n"
    )


def _ledger(result: Result) -> str:
    names, settings = list(result["databases"]), result["settings"]
    found = [result["databases"][name]["median"] for name in names]

    def row(what: str, key: str, form: str) -> list[str]:
        return [what, *(format(one[key], form) for one in found)]

    rows = [
        row("records appended a second", "append_per_s", ",.0f"),
        row("`refit ledger verify`, s", "verify_s", ".1f"),
        row("of that our own process, CPU-s", "verify_cpu_s", ".1f"),
        row("records verified a second", "verify_per_s", ",.0f"),
        row("`refit ledger rebuild` (as a migration does), s", "rebuild_s", ".1f"),
        *([f"{query}, ms", *(f"{one['views_ms'][query]:.1f}" for one in found)]
          for query in found[0]["views_ms"]),
        row("others, cores", "cores_of_others", ".2f"),
    ]  # fmt: skip
    return (
        f"## A ledger of {settings['records']:,} records\n"
        f"{settings['vehicles_a_day']} vehicles a day through {settings['stations']} stations,"
        f" {settings['records_a_vehicle']} records each, appended {settings['records_a_commit']} a"
        " transaction that is on disk before the next begins. The queries read the views, for one"
        " day, one visit, or the end of the ledger. The server runs on the same cores, of which"
        f" others had used the last line's just before; runs of each: {settings['repeats']}.\n\n"
        + "\n".join(_table(["", *names], rows)) + "\n"
    )  # fmt: skip


def _dashboards(result: Result) -> str:
    rows = [
        [name, one["queries"], one["median_ms"], one["p95_ms"], one["slowest_ms"],
         one["slowest"].partition(" / ")[2]]
        for name, one in result["boards"].items()
    ]  # fmt: skip
    head = ["dashboard", "queries", "median, ms", "95 % within, ms", "slowest, ms", "which"]
    return (
        f"## {result['queries']} queries of Grafana's panels over a day\n"
        f"Every query of every panel of the demo's dashboards, over 24 hours of its line:"
        f" {result['values']:,} values in InfluxDB 1.8.10 and {result['records']:,} records in"
        f" PostgreSQL 15. {result['settings']['simulated_hours']} hours of it come from the models"
        " and are repeated. Sent one after the other as Grafana sends them; the servers run on the"
        f" same cores, while others used {result['cores_of_others']} of them. One run below"
        " 100 ms counts, else the median of three.\n\n" + "\n".join(_table(head, rows)) + "\n"
    )  # fmt: skip


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


def _whole(number: float) -> str:
    return f"{number:,.0f}"


def _studio_page(result: Result) -> str:
    settings, median = result["settings"], result["median"]
    rows = [
        [one["format"], str(one["quality"]), f"{one['kb']:.0f}", f"{one['psnr_db']:.1f}",
         f"{1000 * one['seconds']:.0f}"]
        for one in result["formats"]
    ]  # fmt: skip
    return (
        "## The page of a vehicle\n"
        f"{settings['frames']} frames of {settings['width']} x {settings['height']} (drawn, with"
        " noise: stand-ins for photographs), loaded by Chromium with an empty cache over a line of"
        f" {settings['bits_per_s'] / 1e6:g} Mbit/s, each answer {1000 * settings['delay_s']:g} ms"
        f" after its request. The first picture is there after {median['first_s']:.2f} s (aim: 0.5)"
        f" and the whole turn after {median['turn_s']:.2f} s (aim: 4). The turn has"
        f" {result['turn_mb']:.1f} MB in frames {settings['turn_width']} wide (WebP, quality"
        f" {settings['turn_quality']}); the pictures as delivered, all in all"
        f" {result['page_mb']:.0f} MB, are fetched when somebody zooms. The page was made in"
        f" {result['made_s']:.0f} s. The same frame by format:\n\n"
        + "\n".join(_table(["format", "quality", "kB", "PSNR, dB", "ms"], rows))
        + "\n"
    )


def _renderer(result: Result) -> str:
    settings, median = result["settings"], result["median"]
    rows = [
        [f"{wide} x {high}", f"{median[f'{high}p_s']:.2f}", f"{median[f'{high}p_cpu_s']:.2f}"]
        for wide, high in settings["sizes"]
    ]
    return (
        "## The simulated camera\n"
        f"A vehicle of {result['triangles']:,} triangles, {settings['samples']} x"
        f" {settings['samples']} samples a pixel, mean of {len(settings['angles'])} angles; a"
        f" vehicle is made once, in {median['vehicle_cpu_s']:.1f} s of processor time.\n\n"
        + "\n".join(_table(["size", "s a frame", "CPU-s a frame"], rows))
        + "\n"
    )
