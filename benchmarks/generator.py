"""Compiles and controls the load generator in `load`."""

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.processes import end, processor_seconds
from benchmarks.systems import System

SOURCES = Path(__file__).with_name("load")
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
    """Messages that the system did not read, or whose senders were cut off before."""
    cut_off: int
    """Clients that were disconnected until now."""
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


class Storm(msgspec.Struct, frozen=True):
    """The results of all clients joining at once."""

    joined: int
    """Clients that were told that they are in their room, and who else is."""
    expected: int
    """The least that the next may be: two that join at once may both see the other."""
    seen: int
    """How many times somebody saw somebody join, itself included."""
    joined_seconds: float
    """Until everybody was in."""
    seconds: float
    """Until everybody had seen all others who came later."""
    own_seconds: float
    """The generator's processor time."""
    system_seconds: float = 0.0
    """The system's processor time."""


class Generator:
    """A running generator whose clients are connected and in their rooms."""

    def __init__(self, system: System, process: "subprocess.Popen[str]", clients: int) -> None:
        self._system = system
        self._process = process
        self.clients = clients
        self.join_seconds = float(self._event("joined")["seconds"])

    def talk(
        self,
        rate: float,
        seconds: float,
        warm_up: float = WARM_UP_S,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Talk:
        """Send messages at a rate (per second), and return the results.

        `meanwhile` is called once the warm-up is over.
        """
        self._order(f"talk {rate} {seconds} {warm_up}")
        processes = self._system.processes
        already = self._event("measuring")["delivered"]
        before = processor_seconds(processes)
        meanwhile()
        done = self._event("done")
        spent = processor_seconds(processes) - before
        del done["event"]
        measured = done["delivered"] - already
        return Talk(rate=rate, system_seconds=spent, measured=measured, **done)

    def storm(self) -> Storm:
        """Have all clients, which were connected apart, join their rooms at once."""
        processes = self._system.processes
        before = processor_seconds(processes)
        self._order("join")
        done = self._event("stormed")
        spent = processor_seconds(processes) - before
        del done["event"]
        return Storm(system_seconds=spent, **done)

    def _order(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _event(self, name: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise LoadError(f"{self._system.name}: the generator has stopped")
        event: dict[str, Any] = json.loads(line)
        assert event["event"] == name, f"{event} instead of {name}"
        return event


def compile_generator(folder: Path) -> Path:
    """Compile the generator and return its path.

    Raises:
        LoadError: it cannot be compiled; the text says why.
    """
    program = folder / "load"
    sources = sorted(map(str, SOURCES.glob("*.c")))
    command = ["gcc", "-O2", "-o", str(program), *sources, "-lssl", "-lcrypto"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadError(f"the load generator needs gcc and libssl-dev:\n{done.stderr}")
    return program


@contextlib.contextmanager
def connected(
    program: Path,
    system: System,
    clients: int,
    rooms: int,
    *options: str,
    prefix: str = "x",
    is_tls: bool = False,
) -> Iterator[Generator]:
    """Keep clients connected and in rooms while the context lasts.

    `options` are "gather", "apart" and "lossy", which `load.c` explains.
    """
    numbers = (system.tls_port if is_tls else system.port, clients, rooms, system.backlog)
    words = [*options, *(["tls"] if is_tls else []), *(["xmpp"] if system.is_xmpp else [])]
    with subprocess.Popen(
        [str(program), *map(str, numbers), prefix, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        try:
            yield Generator(system, process, clients)
        finally:
            end(process)
