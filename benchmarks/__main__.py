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
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from benchmarks import report
from benchmarks.ejabberd import ejabberd
from benchmarks.ejabberd import versions as ejabberd_versions
from benchmarks.generator import LoadError, compile_generator
from benchmarks.processes import StartError
from benchmarks.systems import (
    EJABBERD,
    INSPIRCD,
    INSPIRCD_LARGE,
    NGIRCD,
    ROOST,
    ROOST_OF_7,
    ROOST_ON_ETCD,
    System,
    inspircd,
    inspircd_large,
    ngircd,
    roost,
    roost_of_7,
    roost_on_etcd,
    version_of,
)
from benchmarks.workload import QUICK, Figures, Scale, Workload
from benchmarks.workloads import WORKLOADS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
DRAWING = ROOT / "docs" / "benchmarks.svg"
_HALT_POLL = Path("/sys/module/haltpoll/parameters/guest_halt_poll_ns")
_HALT_POLL_NS = 200_000

SYSTEMS: dict[str, Callable[[Path], contextlib.AbstractContextManager[System]]] = {
    ROOST: roost,
    ROOST_OF_7: roost_of_7,
    ROOST_ON_ETCD: roost_on_etcd,
    INSPIRCD: inspircd,
    INSPIRCD_LARGE: inspircd_large,
    NGIRCD: ngircd,
    EJABBERD: ejabberd,
}


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
            ejabberd_versions(),
        ]
    )
    today = dt.datetime.now(dt.UTC).date()
    return (
        f"{today}: {os.cpu_count()} cores ({model}), Linux {platform.release()}; {versions}. "
        f"Medians of {runs} runs; {awake}; the generator itself took "
        f"{report.generator_share(results)}."
    )


def _run(workload: Workload, system: str, program: Path, scale: Scale) -> Figures:
    with tempfile.TemporaryDirectory(prefix="roost-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # ngIRCd reads its configuration as another user
        with SYSTEMS[system](folder) as running:
            return workload.run(program, running, scale)


def _measure(
    workloads: list[Workload], systems: list[str], runs: int, keep: Path | None, scale: Scale
) -> dict[str, dict[str, list[Figures]]]:
    """Measure, and write the figures to `keep` after each run, beside those of other workloads."""
    kept = _read(keep) if keep is not None and keep.exists() else {}
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
                    figures = _run(workload, system, program, scale)
                    rounded = {name: round(figure, 3) for name, figure in figures.items()}
                    print(f"  {json.dumps(rounded)}", flush=True)
                    results.setdefault(workload.name, {}).setdefault(system, []).append(figures)
                    if keep is not None:
                        keep.write_text(json.dumps({**kept, **results}, indent=1) + "\n")
    return results


def _read(file: Path) -> dict[str, dict[str, list[Figures]]]:
    found: dict[str, dict[str, list[Figures]]] = json.loads(file.read_text())
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    names = [workload.name for workload in WORKLOADS]
    parser.add_argument("--only", nargs="+", choices=names, help="run only these workloads")
    parser.add_argument(
        "--systems", nargs="+", choices=list(SYSTEMS), help="run only these systems"
    )
    parser.add_argument("--runs", type=int, default=3, help="how often to run each (default: 3)")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="run each once with a twentieth of the clients, to see that all works",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FILE",
        help="write every run's figures to this file, and keep other workloads' that are in it",
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write the report from this file; run nothing"
    )
    return parser.parse_args()


def main() -> int:
    """Run the benchmarks and write the report."""
    arguments = _arguments()
    workloads = [one for one in WORKLOADS if not arguments.only or one.name in arguments.only]
    systems = arguments.systems or list(SYSTEMS)
    scale = QUICK if arguments.quick else Scale()
    runs = 1 if arguments.quick else arguments.runs
    try:
        with cores_kept_awake() as awake:
            if arguments.report:
                results = _read(arguments.report)
                runs = max(len(one) for systems in results.values() for one in systems.values())
            else:
                results = _measure(workloads, systems, runs, arguments.keep, scale)
    except (LoadError, StartError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(report.table(results))
    is_complete = all(
        system in results.get(workload.name, {})
        for workload in WORKLOADS
        for system in workload.systems
    )
    if scale.is_full and (is_complete or arguments.report):
        report.write(results, PAGE, DRAWING, _preface(awake, runs, results))
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
