"""Run the benchmarks and write the report (`make bench`); see docs/benchmarks.md."""

import argparse
import contextlib
import datetime as dt
import json
import os
import platform
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from benchmarks import report
from benchmarks.generator import LoadError, compile_generator
from benchmarks.processes import StartError
from benchmarks.systems import SYSTEMS, version_of
from benchmarks.workloads import WORKLOADS, Figures, Workload

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
DRAWING = ROOT / "docs" / "benchmarks.svg"
_HALT_POLL = Path("/sys/module/haltpoll/parameters/guest_halt_poll_ns")
_HALT_POLL_NS = 200_000


@contextlib.contextmanager
def cores_kept_awake() -> Iterator[str]:
    """Keep idle virtual cores polling for a moment before they sleep, if the kernel allows it.

    Waking a virtual core takes the host tens of microseconds, which would be charged to one system
    or the other at random. Yield a description of what was done.
    """
    try:
        before = _HALT_POLL.read_text()
        _HALT_POLL.write_text(str(_HALT_POLL_NS))
    except OSError:
        yield "idle cores sleep (the kernel does not let us change that)"
        return
    try:
        yield f"idle cores poll for {_HALT_POLL_NS // 1000} us before they sleep"
    finally:
        _HALT_POLL.write_text(before)


def _preface(awake: str, runs: int, results: report.Results) -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    versions = ", ".join(
        [
            f"Python {platform.python_version()}",
            version_of("inspircd"),
            version_of("haproxy").partition(" - ")[0],
            version_of("ngircd").partition("-")[0],
        ]
    )
    today = dt.datetime.now(dt.UTC).date()
    return (
        f"{today}: {os.cpu_count()} cores ({model}), Linux {platform.release()}; {versions}. "
        f"Medians of {runs} runs; {awake}; the generator itself took "
        f"{report.generator_share(results)}."
    )


def _run(workload: Workload, system: str, program: Path) -> Figures:
    with tempfile.TemporaryDirectory(prefix="roost-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # ngIRCd reads its configuration as another user
        with SYSTEMS[system](folder) as running:
            return workload.run(program, running)


def _measure(
    workloads: list[Workload], systems: list[str], runs: int, keep: Path | None
) -> report.Results:
    results: dict[str, dict[str, list[Figures]]] = {}
    with tempfile.TemporaryDirectory(prefix="roost-bench-") as folder:
        program = compile_generator(Path(folder))
        for workload in workloads:
            for number in range(runs if workload.is_repeated else 1):
                # Take turns, so that compared systems are measured within the same minutes.
                for system in workload.systems:
                    if system not in systems:
                        continue
                    print(f"{workload.title}: {system}, run {number + 1}", flush=True)
                    figures = _run(workload, system, program)
                    rounded = {name: round(figure, 3) for name, figure in figures.items()}
                    print(f"  {json.dumps(rounded)}", flush=True)
                    results.setdefault(workload.name, {}).setdefault(system, []).append(figures)
                    if keep is not None:
                        keep.write_text(json.dumps(results, indent=1) + "\n")
    return results


def main() -> int:
    """Run the benchmarks and write the report."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    names = [workload.name for workload in WORKLOADS]
    parser.add_argument("--only", nargs="+", choices=names, help="run only these workloads")
    parser.add_argument(
        "--systems", nargs="+", choices=list(SYSTEMS), help="run only these systems"
    )
    parser.add_argument("--runs", type=int, default=3, help="how often to run each (default: 3)")
    parser.add_argument("--keep", type=Path, help="file for every run's figures, in JSON")
    arguments = parser.parse_args()
    workloads = [one for one in WORKLOADS if not arguments.only or one.name in arguments.only]
    systems = arguments.systems or list(SYSTEMS)
    try:
        with cores_kept_awake() as awake:
            results = _measure(workloads, systems, arguments.runs, arguments.keep)
    except (LoadError, StartError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(report.table(results))
    is_complete = len(workloads) == len(WORKLOADS) and len(systems) == len(SYSTEMS)
    if is_complete:
        report.write(results, PAGE, DRAWING, _preface(awake, arguments.runs, results))
        print(f"Wrote {PAGE.relative_to(ROOT)} and {DRAWING.relative_to(ROOT)}.")
    else:
        print("Not everything was measured, so the report was not written.")
    found = report.faults(results)
    for fault in found:
        print(f"bench: {fault}", file=sys.stderr)
    return 1 if found else 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt  # so that every context ends what it started


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
