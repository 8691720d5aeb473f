"""Encodes the chat state without stopping the event loop: a forked child does it.

    event loop -- fork --> child: encodes its copy of the memory, writes it to a file in memory
        ^                                                        |
        +-- SnapshotMade -- thread: waits for the child, reads <-+

The kernel copies the table of pages (5 ms at 100,000 users, 30 ms at 500,000), and a page when one
of the two processes writes to it. The child sees the state as it was at the fork. It does as little
as possible. It lets go of all sockets at once, since a neighbour notices a node's death by them. It
ends with the node, and it is the first that the kernel kills if memory runs out. A small state is
encoded right away, which costs less than a fork.
"""

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import tempfile
import threading
import warnings
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from roost.chat.ids import Position
from roost.chat.snapshot import encode_state
from roost.chat.state import State
from roost.node.engine.effects import MakeSnapshot
from roost.node.engine.inputs import SnapshotFailed, SnapshotMade

SMALL_OBJECTS_MAX = 10_000
"""Users, sessions, rooms and accounts that are encoded in 5 ms."""
CHILD_S_MAX = 120.0
"""When a child that has not finished is killed: a hundred times what 500,000 users take."""
NICENESS = 5
"""How much the child gives way to the nodes and balancers on its machine."""
_KILLED_FIRST = b"1000"
"""The highest score; see proc_pid_oom_score_adj(5)."""
_PR_SET_PDEATHSIG = 1
"""From prctl.h; see PR_SET_PDEATHSIG(2const)."""


class _Child:
    """A child that encodes, until it is reaped."""

    def __init__(self, pid: int, file: int, position: Position) -> None:
        self.pid = pid
        self.file = file
        self.position = position
        self._is_reaped = False
        self._lock = threading.Lock()

    def wait(self) -> int:
        """Block until it ends; return its status as `os.waitstatus_to_exitcode` does."""
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        # Only now may its number be given to another process.
        with self._lock:
            self._is_reaped = True
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self) -> None:
        """Kill it unless it has ended."""
        with self._lock:
            if not self._is_reaped:
                os.kill(self.pid, signal.SIGKILL)


class SnapshotMaker:
    """Obeys `MakeSnapshot`, one at a time."""

    def __init__(
        self,
        tell: Callable[[SnapshotMade | SnapshotFailed], None],
        *,
        small_objects_max: int = SMALL_OBJECTS_MAX,
        child_s_max: float = CHILD_S_MAX,
        encode: Callable[[State], bytes] = encode_state,
    ) -> None:
        """`tell` is called on the loop's thread."""
        self._tell = tell
        self._small_objects_max = small_objects_max
        self._child_s_max = child_s_max
        self._encode = encode
        self._loop = asyncio.get_running_loop()
        self._child: _Child | None = None
        self._thread: threading.Thread | None = None
        self._timer: asyncio.TimerHandle | None = None
        # Loaded before the fork: in the child another thread could hold the loader's lock for ever.
        self._die_with_parent = _prepare_die_with_parent()

    def make(self, effect: MakeSnapshot) -> None:
        """Begin to make a snapshot of the state as it is now."""
        assert self._child is None, "one snapshot at a time"
        if effect.is_in_place or _objects(effect.state) <= self._small_objects_max:
            made = SnapshotMade(effect.position, self._encode(effect.state))
            self._loop.call_soon(self._tell, made)
            return
        try:
            self._fork(effect)
        except OSError as error:
            failed = SnapshotFailed(effect.position, f"cannot fork: {error}")
            self._loop.call_soon(self._tell, failed)

    def close(self) -> None:
        """Kill the child; nothing is told any more."""
        child, self._child = self._child, None
        if self._timer is not None:
            self._timer.cancel()
        if child is not None:
            child.kill()
        if self._thread is not None:
            self._thread.join()

    def _fork(self, effect: MakeSnapshot) -> None:
        file = _memory_file()
        parent = os.getpid()
        try:
            with warnings.catch_warnings():
                # Newer versions of Python warn of threads that may hold locks: see `_be_child`.
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
        except OSError:
            os.close(file)
            raise
        if pid == 0:
            self._be_child(effect.state, file, parent)
        child = self._child = _Child(pid, file, effect.position)
        self._timer = self._loop.call_later(self._child_s_max, child.kill)
        name = "snapshot"
        self._thread = threading.Thread(target=self._collect, args=(child,), name=name, daemon=True)
        self._thread.start()

    def _be_child(self, state: State, file: int, parent: int) -> NoReturn:
        """Encode and end. Locks of other threads stay locked here: use nothing that has any."""
        status = 1
        with contextlib.suppress(BaseException):
            gc.disable()
            os.closerange(0, file)
            os.closerange(file + 1, os.sysconf("SC_OPEN_MAX"))
            self._die_with_parent()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                # Meant for the node, which ends its child itself.
                signal.signal(number, signal.SIG_IGN)
            if os.getppid() == parent:
                _give_way()
                _write_all(file, self._encode(state))
                status = 0
        os._exit(status)

    def _collect(self, child: _Child) -> None:
        """Wait for the child and read what it wrote; runs on a thread of its own."""
        status = child.wait()
        outcome: SnapshotMade | SnapshotFailed
        try:
            if status == 0:
                outcome = SnapshotMade(child.position, _read_all(child.file))
            else:
                how = f"ended with status {status}" if status > 0 else f"was killed ({-status})"
                outcome = SnapshotFailed(child.position, f"the process that encodes {how}")
        except OSError as error:
            outcome = SnapshotFailed(child.position, f"cannot read what was encoded: {error}")
        finally:
            os.close(child.file)
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(partial(self._end, child, outcome))

    def _end(self, child: _Child, outcome: SnapshotMade | SnapshotFailed) -> None:
        if self._child is not child:
            return
        self._child = None
        if self._timer is not None:
            self._timer.cancel()
        self._tell(outcome)


def _objects(state: State) -> int:
    return len(state.users) + len(state.sessions) + len(state.rooms) + len(state.accounts)


def _memory_file() -> int:
    """Return a new file that only this process and its child have."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("roost-snapshot")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _prepare_die_with_parent() -> Callable[[], object]:
    try:
        prctl = ctypes.CDLL(None).prctl
    except AttributeError:  # not Linux: the child ends when it has encoded
        return lambda: None
    return partial(prctl, _PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _give_way() -> None:
    """Have the kernel prefer the others, when it schedules and when it lacks memory."""
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    with contextlib.suppress(OSError):
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(score, _KILLED_FIRST)
        os.close(score)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _read_all(file: int) -> bytes:
    """Read a whole file. A single read makes the bytes without holding Python's lock."""
    size = os.fstat(file).st_size
    parts = []
    offset = 0
    while offset < size and (part := os.pread(file, size - offset, offset)):
        parts.append(part)
        offset += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
