"""Starts and ends processes, and reads from /proc what they use."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

START_S_MAX = 60.0
STOP_S_MAX = 10.0


class StartError(Exception):
    """A system did not start."""


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process while the context lasts; append its output to `log`."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            env=environment,
            user=user,
        )
        try:
            yield process
        finally:
            end(process)


def end(process: "subprocess.Popen[bytes] | subprocess.Popen[str]") -> None:
    """Stop a process; kill it if it does not stop in time."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def family(process: int) -> list[int]:
    """Return the ids of a process and of all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The name, in parentheses, may contain anything.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [process]
    for one in found:
        found.extend(children.get(one, ()))
    return found


def processor_seconds(processes: Iterable[int]) -> float:
    """Return the processor time of processes in seconds, precise to the nanosecond.

    It includes the kernel's work for them: on loopback, the whole way of a packet to the receiver's
    socket.
    """
    total = 0
    for process in processes:
        for task in Path(f"/proc/{process}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total += int(task.read_text().split()[0])
    return total / 1e9


def memory_bytes(processes: Iterable[int]) -> int:
    """Return the memory of processes. Each counts its proportional part of shared memory."""
    total = 0
    for process in processes:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def wait_until(is_there: Callable[[], bool], what: str, seconds_max: float = START_S_MAX) -> None:
    """Wait until a condition holds.

    Raises:
        StartError: it does not hold in time.
    """
    deadline = time.monotonic() + seconds_max
    while not is_there():
        if time.monotonic() > deadline:
            raise StartError(f"{what}: not ready within {seconds_max:.0f} s")
        time.sleep(0.02)
