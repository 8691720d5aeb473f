"""What came out: one table, one picture."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.systems import INSPIRCD, NGIRCD, ROOST
from benchmarks.workloads import Figures

Results = Mapping[str, Mapping[str, Sequence[Figures]]]
"""By workload and system: the figures of each run."""

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
    ("idle", "idle_bytes", "memory for each of them, all processes together", "bytes", 0),
    ("idle", "idle_cores", "processors that they keep busy while nobody speaks", "cores", 3),
)
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


def median(results: Results, workload: str, system: str, figure: str) -> float | None:
    """Give the median over the runs; None when it was not measured."""
    found = [run[figure] for run in results.get(workload, {}).get(system, ()) if figure in run]
    return statistics.median(found) if found else None


def faults(results: Results) -> list[str]:
    """Say what went wrong below the rate at which a system breaks."""
    found = []
    for workload, systems in results.items():
        for system, runs in systems.items():
            for run in runs:
                for name, figure in run.items():
                    if name.startswith(("lost", "disorder")) and figure:
                        found.append(f"{workload}, {system}: {name} {figure:.0f}")
    return found


def table(results: Results) -> str:
    """Write the table, in Markdown."""
    lines = [
        f"| | {ROOST} | {INSPIRCD} | {NGIRCD} | Roost : InspIRCd |",
        "|---|---:|---:|---:|---:|",
    ]
    for workload, figure, title, unit, digits in _ROWS:
        values = [median(results, workload, one, figure) for one in (ROOST, INSPIRCD, NGIRCD)]
        if values[0] is None:
            continue
        shown = [_write(value, unit, digits) for value in values]
        ratio = f"{values[0] / values[1]:.2f}" if values[1] else ""
        lines.append(f"| {title} | {' | '.join(shown)} | {ratio} |")
    lines += ["", f"| {ROOST} alone | |", "|---|---:|"]
    for workload, figure, title, unit, digits in _ALONE:
        value = median(results, workload, ROOST, figure)
        if value is not None:
            lines.append(f"| {title} | {_write(value, unit, digits)} |")
    return "\n".join(lines)


def _write(value: float | None, unit: str, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f} {unit}"


def generator_share(results: Results) -> str:
    """Say what the generator itself has cost."""
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
_BARS = (
    ("50,000/s, rooms of 100", "rooms-of-100", "cost_us@500"),
    ("200,000/s, rooms of 100", "rooms-of-100", "cost_us@2000"),
    ("400,000/s, rooms of 100", "rooms-of-100", "cost_us@4000"),
    ("790,000/s, rooms of 100", "rooms-of-100", "cost_us@7900"),
    ("32,000/s, rooms of 5", "rooms-of-5", "cost_us@8000"),
)


def picture(results: Results) -> str:
    """Draw the processor time per delivery: a group of bars for each rate, on one scale each."""
    width, left, bar, gap = 760, 190, 18, 22
    parts = []
    y = 56
    for title, workload, figure in _BARS:
        values = {one: median(results, workload, one, figure) for one in _COLOURS}
        known = {one: value for one, value in values.items() if value is not None}
        if not known:
            continue
        largest = max(known.values())
        middle = y + len(known) * bar / 2 + 4
        parts.append(f'<text x="{left - 12}" y="{middle}" text-anchor="end">{title}</text>')
        for one, value in known.items():
            length = value / largest * (width - left - 110)
            parts.append(
                f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 3}" rx="2"'
                f' fill="{_COLOURS[one]}"/>'
                f'<text x="{left + length + 6:.1f}" y="{y + 12}">{value:.1f} us</text>'
            )
            y += bar
        y += gap
    legend = "".join(
        f'<rect x="{left + index * 190}" y="30" width="10" height="10" fill="{colour}"/>'
        f'<text x="{left + index * 190 + 15}" y="39">{one}</text>'
        for index, (one, colour) in enumerate(_COLOURS.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}"'
        ' font-family="sans-serif" font-size="12" fill="#1e293b">'
        f'<rect width="{width}" height="{y}" fill="#ffffff"/>'
        f'<text x="{left}" y="18" font-size="14" font-weight="bold">'
        "Processor time per delivered message, all processes (less is better)</text>"
        f"{legend}{''.join(parts)}</svg>\n"
    )


def write(results: Results, page: Path, drawing: Path, preface: str) -> None:
    """Write the picture, and the table into the page, between the lines that say so."""
    drawing.write_text(picture(results))
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    middle = f"{preface}\n\n![Processor time per delivery]({drawing.name})\n\n{table(results)}\n"
    page.write_text(f"{before}{BEGIN}\n\n{middle}\n{END}{after}")
