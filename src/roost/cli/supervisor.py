"""Keeps child processes running, and stops them in order.

Children share the supervisor's standard error or its log file, where each writes whole lines that
begin with its name. They are not in its process group: Ctrl-C reaches only the supervisor, which
then stops them one by one. If the supervisor dies, the kernel ends them (`die_with_parent`).
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

RESTART_S = 1.0
"""Long enough that a process that keeps dying does not keep the machine busy."""
_PR_SET_PDEATHSIG = 1

_logger = structlog.get_logger(__name__)


@dataclass
class Child:
    """One process that is kept running."""

    name: str
    command: Callable[[], Sequence[str]]
    """Returns the command line for the next start."""
    process: asyncio.subprocess.Process | None = None
    exit_codes: list[int] = field(default_factory=list)
    """The exit codes of past runs; negative for a signal."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it is to stop and not to be restarted."""
    released: asyncio.Event | None = None
    """It is not started before this is set; None to start it at once."""

    @property
    def pid(self) -> int | None:
        """The id of the running process."""
        return self.process.pid if self.process and self.process.returncode is None else None


class Supervisor:
    """Starts children, and restarts those that die."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        is_restarting: bool,
        restart_s: float = RESTART_S,
        output: int | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """`output` is the file for what the children write; by default, standard error.

        `tell` is given a sentence for people when a child has died.
        """
        self.children = tuple(children)
        self._output = output
        self._tell = tell
        self._is_restarting = is_restarting
        self._restart_s = restart_s

    async def run(self) -> None:
        """Keep the children running until none is left to restart."""
        async with asyncio.TaskGroup() as tasks:
            for child in self.children:
                tasks.create_task(self._keep(child))

    async def stop(self, child: Child, patience_s: float) -> bool:
        """Ask a child to stop, and wait; return whether it has stopped."""
        child.stopping.set()
        if child.released is not None:
            child.released.set()
        return await self._signal(child, signal.SIGTERM, patience_s)

    async def kill_leftovers(self) -> None:
        """Kill the children that still run."""
        for child in self.children:
            child.stopping.set()
            if child.pid is not None:
                _logger.warning("process-killed", child=child.name, pid=child.pid)
        for child in self.children:
            await self._signal(child, signal.SIGKILL, 1.0)

    def kill_nowait(self) -> None:
        """Kill all children without waiting."""
        for child in self.children:
            child.stopping.set()
            if child.process is not None and child.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    child.process.kill()

    async def _keep(self, child: Child) -> None:
        if child.released is not None:
            await child.released.wait()
            if child.stopping.is_set():
                return
        while True:
            await self._run_once(child)
            if child.stopping.is_set():
                return
            cause = describe_exit(child.exit_codes[-1])
            if not self._is_restarting:
                _logger.error("process-died", child=child.name, cause=cause)
                return
            wait_s = self._restart_s
            if self._tell is not None:
                self._tell(f"{child.name} has ended ({cause}) and is started again.")
            _logger.error("process-died", child=child.name, cause=cause, restart_in_s=wait_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.stopping.wait(), wait_s)
                return

    async def _run_once(self, child: Child) -> None:
        output = sys.stderr.fileno() if self._output is None else self._output
        child.process = await asyncio.create_subprocess_exec(
            *child.command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        _logger.info("process-started", child=child.name, pid=child.process.pid)
        if child.stopping.is_set():
            child.process.terminate()
        child.exit_codes.append(await child.process.wait())

    async def _signal(self, child: Child, number: signal.Signals, patience_s: float) -> bool:
        process = child.process
        if process is None or process.returncode is not None:
            return True
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), patience_s)
        except TimeoutError:
            return False
        return True


def describe_exit(code: int) -> str:
    """Describe how a process ended."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def die_with_parent(parent: int) -> None:
    """Have the kernel send this process SIGTERM when process `parent` ends.

    The child itself calls this first of all. On other systems than Linux it does nothing.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(0)
