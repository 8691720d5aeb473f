"""Presents the results in a table and a picture."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.systems import (
    EJABBERD,
    INSPIRCD,
    INSPIRCD_LARGE,
    NGIRCD,
    ROOST,
    ROOST_OF_7,
    ROOST_ON_ETCD,
)
from benchmarks.workload import Figures

Results = Mapping[str, Mapping[str, Sequence[Figures]]]
"""Workload -> system -> the figures of each run."""

BEGIN = "<!-- Made by `make bench`; what stands between these lines is written anew. -->"
END = "<!-- The end of what `make bench` writes. -->"

_ROWS = (
    # workload, figure, what it is, unit, digits
    (
        "rooms-of-100",
        "cost_us@500",
        "rooms of 100, 50,000 deliveries/s: processor time each",
        "us",
        1,
    ),
    ("rooms-of-100", "p50_ms@500", "... latency, half of them", "ms", 1),
    ("rooms-of-100", "p99_ms@500", "... latency, 99 of 100", "ms", 1),
    (
        "rooms-of-100",
        "cost_us@2000",
        "rooms of 100, 200,000 deliveries/s: processor time each",
        "us",
        2,
    ),
    ("rooms-of-100", "p99_ms@2000", "... latency, 99 of 100", "ms", 1),
    (
        "rooms-of-100",
        "cost_us@4000",
        "rooms of 100, 400,000 deliveries/s: processor time each",
        "us",
        2,
    ),
    ("rooms-of-100", "p99_ms@4000", "... latency, 99 of 100", "ms", 1),
    (
        "rooms-of-100",
        "cost_us@7900",
        "rooms of 100, 790,000 deliveries/s: processor time each",
        "us",
        2,
    ),
    ("rooms-of-100", "p99_ms@7900", "... latency, 99 of 100", "ms", 1),
    ("rooms-of-100", "sustained", "rooms of 100: the highest rate that was sustained", "/s", 0),
    ("rooms-of-5", "cost_us@2000", "rooms of 5, 8,000 deliveries/s: processor time each", "us", 1),
    ("rooms-of-5", "p99_ms@2000", "... latency, 99 of 100", "ms", 1),
    ("rooms-of-5", "cost_us@8000", "rooms of 5, 32,000 deliveries/s: processor time each", "us", 1),
    ("rooms-of-5", "p99_ms@8000", "... latency, 99 of 100", "ms", 1),
    ("idle", "join_s", "5,000 clients connect and join", "s", 1),
    ("idle", "join_cpu_s", "... processor time", "s", 1),
    ("idle", "idle_bytes", "memory for each of them, all processes together", "bytes", 0),
    ("idle", "idle_cores", "processors that they keep busy while nobody speaks", "cores", 3),
    ("tls", "cost_us@500", "by TLS, 50,000 deliveries/s: processor time each", "us", 1),
    ("tls", "p99_ms@500", "... latency, 99 of 100", "ms", 1),
    ("tls", "cost_us@2000", "by TLS, 200,000 deliveries/s: processor time each", "us", 2),
    ("tls", "p99_ms@2000", "... latency, 99 of 100", "ms", 1),
    ("tls-idle", "join_s", "5,000 clients connect by TLS and join", "s", 1),
    ("tls-idle", "join_cpu_s", "... processor time", "s", 1),
    ("tls-idle", "idle_bytes", "memory for each of them, all processes together", "bytes", 0),
)
_ARCHIVE = (
    ("cost_us@100x100", "rooms of 100, 10,000 deliveries/s: processor time each", "us", 1),
    ("p50_ms@100x100", "... latency, half of them", "ms", 1),
    ("p99_ms@100x100", "... 99 of 100", "ms", 1),
    ("cost_us@100x200", "rooms of 100, 20,000 deliveries/s: processor time each", "us", 1),
    ("p99_ms@100x200", "... latency, 99 of 100", "ms", 1),
    ("cost_us@100x500", "rooms of 100, 50,000 deliveries/s: processor time each", "us", 1),
    ("p99_ms@100x500", "... latency, 99 of 100", "ms", 1),
    ("cost_us@5x400", "rooms of 5, 1,600 deliveries/s: processor time each", "us", 1),
    ("p99_ms@5x400", "... latency, 99 of 100", "ms", 1),
    ("cost_us@5x2000", "rooms of 5, 8,000 deliveries/s: processor time each", "us", 1),
    ("p99_ms@5x2000", "... latency, 99 of 100", "ms", 1),
)
_COLUMNS = (ROOST, INSPIRCD, NGIRCD, EJABBERD)
_PROMISES = (
    (
        "what somebody was shown",
        {
            ROOST: "is synced to the disks of two of three nodes",
            INSPIRCD: "is on no disk",
            NGIRCD: "is on no disk",
            EJABBERD: "is synced to the disk of one database",
        },
    ),
    (
        "a server dies",
        {
            ROOST: "nobody notices",
            INSPIRCD: "its clients are disconnected",
            NGIRCD: "everybody is disconnected",
            EJABBERD: "its clients are disconnected, its rooms are gone until somebody joins",
        },
    ),
    (
        "between its processes",
        {ROOST: "mutual TLS", INSPIRCD: "unencrypted", NGIRCD: "", EJABBERD: "unencrypted"},
    ),
)
"""What is promised to users."""
_ALONE = (
    (
        "log",
        "behind_ms@10000",
        "10,000 messages/s that nobody hears, on disk at a majority: behind by",
        "ms",
        0,
    ),
    ("log", "commits_per_s@16000", "... the most, when more are sent", "/s", 0),
    ("history", "latest_ms@small", "CHATHISTORY LATEST 100 in a room of 2,000 messages", "ms", 2),
    ("history", "latest_ms@large", "the same in a room of 1,000,000", "ms", 2),
    ("history", "catch_up_per_s", "entries that a node that lost its disk takes over", "/s", 0),
    ("curves", "cost_us@alone", "rooms of 100 at 50,000 deliveries/s, alone", "us", 1),
    ("curves", "cost_us@history", "... with 200,000 messages of history", "us", 1),
    ("curves", "cost_us@idle", "... and 5,000 idle clients in 5,000 more rooms", "us", 1),
)

_ENGINES = (
    ("p50_ms@500", "rooms of 100, 50,000 deliveries/s: latency, half of them", "ms", 1),
    ("p99_ms@500", "... 99 of 100", "ms", 1),
    ("cost_us@500", "... processor time each, etcd included", "us", 1),
    ("behind_ms@10000", "10,000 messages/s that nobody hears: behind by", "ms", 0),
    ("commits_per_s@16000", "... the most, when more are sent", "/s", 0),
)
_NODES = (
    ("message_us", "3,000 messages/s in 150 rooms: processor time of a message", "us", 0),
    ("system_cores", "... of everything", "cores", 2),
    ("voter_cores", "... of a node that votes", "cores", 3),
    ("learner_cores", "... of a node that learns", "cores", 3),
    ("p99_ms", "... latency, 99 of 100", "ms", 1),
)
_LARGE = (
    ("connect_s", "10,000 clients connect", "s", 1),
    ("storm_joined_s", "all join one room at once: until everybody is in", "s", 1),
    ("storm_s", "... until everybody has seen all others", "s", 1),
    ("storm_cpu_s", "... processor time", "s", 1),
    ("message_ms", "a message to the 10,000, at 5 a second: processor time", "ms", 1),
    ("p50_ms", "... latency, half of them", "ms", 1),
    ("p99_ms", "... 99 of 100", "ms", 1),
    ("max_ms", "... the last one", "ms", 1),
    ("names_ms", "NAMES of the room", "ms", 1),
    ("names_cpu_ms", "... processor time", "ms", 1),
    ("kill_cut_off", "`kill -9` of a server meanwhile: clients disconnected", "", 0),
    ("kill_missing", "... deliveries that are missing", "", 0),
    ("kill_max_ms", "... latency of the last one that came", "ms", 0),
)
_PAIRS = (
    ("archive", _ARCHIVE, (EJABBERD, ROOST), "Roost : ejabberd"),
    ("engines", _ENGINES, (ROOST, ROOST_ON_ETCD), "etcd : nodes"),
    ("nodes", _NODES, (ROOST, ROOST_OF_7), "7 : 3"),
    ("large", _LARGE, (INSPIRCD_LARGE, ROOST), "Roost : InspIRCd"),
)
"""Tables of their own: workload, rows, the systems in their columns, and second : first."""


def median(results: Results, workload: str, system: str, figure: str) -> float | None:
    """Return the median of a figure over the runs; None if it was not measured."""
    found = [run[figure] for run in results.get(workload, {}).get(system, ()) if figure in run]
    return statistics.median(found) if found else None


def faults(results: Results) -> list[str]:
    """Return what went wrong at rates that every system should sustain."""
    found = []
    for workload, systems in results.items():
        for system, runs in systems.items():
            for run in runs:
                for name, figure in run.items():
                    if name.startswith(("lost", "disorder")) and figure:
                        found.append(f"{workload}, {system}: {name} {figure:.0f}")
    return found


def table(results: Results) -> str:
    """Return the table in Markdown."""
    columns = [one for one in _COLUMNS if any(one in systems for systems in results.values())]
    others = [one for one in (INSPIRCD, EJABBERD) if one in columns and ROOST in columns]
    ratios = [f"Roost : {one.rpartition('3 ')[2]}" for one in others]
    lines = [
        f"| | {' | '.join([*columns, *ratios])} |",
        f"|---|{'---:|' * (len(columns) + len(ratios))}",
    ]
    for what, promises in _PROMISES:
        shown = [*(promises[one] for one in columns), *("" for _ in ratios)]
        lines.append(f"| *{what}* | {' | '.join(shown)} |")
    for workload, figure, title, unit, digits in _ROWS:
        values = {one: median(results, workload, one, figure) for one in columns}
        if all(value is None for value in values.values()):
            continue
        shown = [_write(value, unit, digits) for value in values.values()]
        shown += [_ratio(values[ROOST], values[one]) for one in others]
        lines.append(f"| {title} | {' | '.join(shown)} |")
    alone = [
        f"| {title} | {_write(value, unit, digits)} |"
        for workload, figure, title, unit, digits in _ALONE
        if (value := median(results, workload, ROOST, figure)) is not None
    ]
    if alone:
        lines += ["", f"| {ROOST} alone | |", "|---|---:|", *alone]
    for workload, rows, systems, ratio in _PAIRS:
        if workload in results:
            lines += ["", f"| | {' | '.join(systems)} | {ratio} |", "|---|---:|---:|---:|"]
            lines += _pair(results, workload, rows, systems)
    return "\n".join(lines)


def _pair(
    results: Results,
    workload: str,
    rows: Sequence[tuple[str, str, str, int]],
    systems: tuple[str, str],
) -> list[str]:
    lines = []
    for figure, title, unit, digits in rows:
        values = [median(results, workload, system, figure) for system in systems]
        if any(value is not None for value in values):
            shown = " | ".join(_write(value, unit, digits) for value in values)
            lines.append(f"| {title} | {shown} | {_ratio(values[1], values[0])} |")
    return lines


def _ratio(value: float | None, other: float | None) -> str:
    return f"{value / other:.2f}" if value is not None and other else ""


def _write(value: float | None, unit: str, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f} {unit}".strip()


def generator_share(results: Results) -> str:
    """Return how much processor time the generator itself took."""
    shares = [
        run[name]
        for systems in results.values()
        for runs in systems.values()
        for run in runs
        for name in run
        if name.startswith("generator_cores")
    ]
    return f"{min(shares):.2f} to {max(shares):.2f} cores" if shares else "not measured"


_COLOURS = {ROOST: "#c2410c", INSPIRCD: "#475569", NGIRCD: "#94a3b8"}
_Bars = Sequence[tuple[str, str, str]]
"""Groups of bars: title, workload and figure."""
_COSTS: _Bars = (
    ("50,000/s, rooms of 100", "rooms-of-100", "cost_us@500"),
    ("200,000/s, rooms of 100", "rooms-of-100", "cost_us@2000"),
    ("400,000/s, rooms of 100", "rooms-of-100", "cost_us@4000"),
    ("790,000/s, rooms of 100", "rooms-of-100", "cost_us@7900"),
    ("8,000/s, rooms of 5", "rooms-of-5", "cost_us@2000"),
    ("32,000/s, rooms of 5", "rooms-of-5", "cost_us@8000"),
)
_LATENCIES: _Bars = tuple(
    (title, workload, figure.replace("cost_us", "p99_ms")) for title, workload, figure in _COSTS
)
_GROWTH: _Bars = (
    ("50,000/s, nothing else", "curves", "cost_us@alone"),
    ("+ 200,000 messages of history", "curves", "cost_us@history"),
    ("+ 5,000 idle clients and rooms", "curves", "cost_us@idle"),
)
_WIDTH, _LEFT, _BAR, _GAP = 760, 210, 17, 12


def picture(results: Results) -> str:
    """Draw processor time per delivery, latency, and cost as history and idle clients grow.

    Costs and latencies differ by powers of ten, so each group of bars has its own scale.
    """
    parts = [
        f'<rect x="{_LEFT + index * 180}" y="14" width="10" height="10" fill="{colour}"/>'
        f'<text x="{_LEFT + index * 180 + 15}" y="23">{one}</text>'
        for index, (one, colour) in enumerate(_COLOURS.items())
    ]
    y = 30
    for title, bars, unit, is_one_scale in (
        ("Processor time per delivered message, all processes together", _COSTS, "us", False),
        ("Latency of 99 deliveries of 100", _LATENCIES, "ms", False),
        ("What Roost's deliveries cost while other things grow", _GROWTH, "us", True),
    ):
        panel, y = _panel(results, title, bars, unit, y, is_one_scale=is_one_scale)
        parts += panel
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y + 8}"'
        ' font-family="sans-serif" font-size="12" fill="#1e293b">'
        f'<rect width="{_WIDTH}" height="{y + 8}" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _panel(
    results: Results, title: str, bars: _Bars, unit: str, y: int, *, is_one_scale: bool
) -> tuple[list[str], int]:
    """Draw groups of bars below `y`; return them and the y where they end."""
    groups = []
    for label, workload, figure in bars:
        medians = {one: median(results, workload, one, figure) for one in _COLOURS}
        values = {one: value for one, value in medians.items() if value is not None}
        if values:
            groups.append((label, values))
    if not groups:
        return [], y
    largest_of_all = max(value for _, values in groups for value in values.values())
    parts = [f'<text x="{_LEFT}" y="{y + 24}" font-size="14" font-weight="bold">{title}</text>']
    y += 36
    for label, values in groups:
        largest = largest_of_all if is_one_scale else max(values.values())
        middle = y + len(values) * _BAR / 2 + 3
        parts.append(f'<text x="{_LEFT - 10}" y="{middle}" text-anchor="end">{label}</text>')
        for one, value in values.items():
            length = value / largest * (_WIDTH - _LEFT - 90)
            parts.append(
                f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR - 3}" rx="2"'
                f' fill="{_COLOURS[one]}"/>'
                f'<text x="{_LEFT + length + 6:.1f}" y="{y + 11}">{value:.1f} {unit}</text>'
            )
            y += _BAR
        y += _GAP
    return parts, y + 6


def write(results: Results, page: Path, drawing: Path, preface: str) -> None:
    """Write the picture, and the table between the markers in the page."""
    drawing.write_text(picture(results))
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    shown = f"![Processor time and latency, side by side]({drawing.name})"
    middle = f"{preface}\n\n{shown}\n\n{table(results)}\n"
    page.write_text(f"{before}{BEGIN}\n\n{middle}\n{END}{after}")
