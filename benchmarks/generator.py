"""Compiles and controls the load generator, `load.c`."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.processes import end, processor_seconds
from benchmarks.systems import System

SOURCE = Path(__file__).with_name("load.c")
WARM_UP_S = 1.0


class LoadError(Exception):
    """The system under test failed."""


class Talk(msgspec.Struct, frozen=True):
    """The results of one run at a given rate."""

    rate: float
    """The requested rate, in messages per second."""
    expected: int
    delivered: int
    missing: int
    gaps: int
    """Deliveries that came before an earlier one."""
    repeats: int
    """Deliveries that came twice or late."""
    unsent: int
    """Messages that the system did not read."""
    p50_ms: float
    p99_ms: float
    max_ms: float
    send_seconds: float
    seconds: float
    own_seconds: float
    """The generator's processor time."""
    system_seconds: float = 0.0
    """The system's processor time while `measured` deliveries were made."""
    measured: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every delivery came once and in order."""
        return not (self.missing or self.gaps or self.repeats or self.unsent)

    @property
    def cost_us(self) -> float:
        """The system's processor time per delivery, in microseconds."""
        return self.system_seconds / self.measured * 1e6 if self.measured else float("nan")


class Generator:
    """A running generator whose clients are connected and in their rooms."""

    def __init__(self, system: System, process: "subprocess.Popen[str]", clients: int) -> None:
        self._system = system
        self._process = process
        self.clients = clients
        self.join_seconds = float(self._event("joined")["seconds"])

    def talk(self, rate: float, seconds: float, warm_up: float = WARM_UP_S) -> Talk:
        """Send messages at a rate (per second), and return the results."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"talk {rate} {seconds} {warm_up}\n")
        self._process.stdin.flush()
        processes = self._system.processes
        already = self._event("measuring")["delivered"]
        before = processor_seconds(processes)
        done = self._event("done")
        spent = processor_seconds(processes) - before
        del done["event"]
        measured = done["delivered"] - already
        return Talk(rate=rate, system_seconds=spent, measured=measured, **done)

    def _event(self, name: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise LoadError(f"{self._system.name}: the generator has stopped")
        event: dict[str, Any] = json.loads(line)
        assert event["event"] == name, f"{event} instead of {name}"
        return event


def compile_generator(folder: Path) -> Path:
    """Compile the generator and return its path."""
    program = folder / "load"
    subprocess.run(["gcc", "-O2", "-o", program, SOURCE], check=True)
    return program


@contextlib.contextmanager
def connected(
    program: Path,
    system: System,
    clients: int,
    rooms: int,
    *,
    prefix: str = "x",
    is_gathering: bool = False,
) -> Iterator[Generator]:
    """Keep clients connected and in rooms while the context lasts."""
    numbers = (system.port, clients, rooms, system.backlog)
    command = [str(program), *map(str, numbers), prefix]
    with subprocess.Popen(
        command + ["gather"] * is_gathering,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        try:
            yield Generator(system, process, clients)
        finally:
            end(process)
