"""Processes: started, ended, and what they use, from /proc."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

START_S_MAX = 60.0
STOP_S_MAX = 10.0


class StartError(Exception):
    """Something did not come up."""


@contextlib.contextmanager
def running(command: Sequence[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process while the context lasts; what it says goes to `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=log.parent
        )
        try:
            yield process
        finally:
            end(process)


def end(process: "subprocess.Popen[bytes] | subprocess.Popen[str]") -> None:
    """End a process, by force if it does not obey."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def family(process: int) -> list[int]:
    """Give a process and all that it has started, directly or not."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The name, in parentheses, may hold anything.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [process]
    for one in found:
        found.extend(children.get(one, ()))
    return found


def processor_seconds(processes: Iterable[int]) -> float:
    """Give the time that processes have spent on processors, to the nanosecond.

    What the kernel does for them while they run is part of it: on loopback, that is the whole way
    of a packet to the receiver's socket.
    """
    total = 0
    for process in processes:
        for task in Path(f"/proc/{process}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total += int(task.read_text().split()[0])
    return total / 1e9


def memory_bytes(processes: Iterable[int]) -> int:
    """Give the memory that processes use, what they share divided among them."""
    total = 0
    for process in processes:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def wait_until(is_there: Callable[[], bool], what: str, seconds_max: float = START_S_MAX) -> None:
    """Wait for a condition.

    Raises:
        StartError: it did not come true.
    """
    deadline = time.monotonic() + seconds_max
    while not is_there():
        if time.monotonic() > deadline:
            raise StartError(f"{what}: not within {seconds_max:.0f} s")
        time.sleep(0.02)
