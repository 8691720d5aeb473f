"""`roost chat --local`: finds a cluster on this machine, or starts one."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from roost.cli.cluster import DEFAULT_DATA
from roost.cli.errors import CommandError
from roost.cli.status import Cluster, RunFile, fetch_all, read_run_file
from roost.ops import clock

READY_S = 60.0
"""Several times the 5 s of an idle machine, for a busy one."""
END_S = 10.0
POLL_S = 0.1
LOG = "chat-up.log"


class LocalCluster:
    """The cluster of a data directory."""

    def __init__(self, data: Path | None) -> None:
        self._data = data or DEFAULT_DATA
        self._process: subprocess.Popen[bytes] | None = None
        self.addresses: tuple[str, ...] = ()
        """Where clients connect; empty until `ensure` has returned."""

    def ensure(self) -> None:
        """Find the running cluster, or start one and wait until it is ready.

        Raises:
            CommandError: it does not start.
        """
        found = self._running()
        if found is None:
            _tell("Starting Roost on this machine ...")
            self._start()
            found = self._wait()
        self.addresses = found.addresses

    def end(self) -> None:
        """Stop the cluster if it was started here and nobody else is connected."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        if self._sessions():
            _tell(
                "Roost keeps running, because other clients are connected. "
                f"To stop it: kill -INT {process.pid}"
            )
            return
        _tell("Stopping Roost ...")
        process.send_signal(signal.SIGINT)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _status(self) -> Cluster | None:
        run_file = read_run_file(self._data)
        if run_file is None:
            return None
        try:
            return fetch_all(run_file.urls)
        except CommandError:
            return None

    def _running(self) -> RunFile | None:
        return read_run_file(self._data) if self._status() is not None else None

    def _sessions(self) -> int:
        """Return the number of clients. Wait a moment for one that has just left."""
        deadline = clock.monotonic() + 1.0
        while True:
            status = self._status()
            sessions = sum(balancer.sessions for balancer in status.balancers) if status else 0
            if not sessions or clock.monotonic() > deadline:
                return sessions
            time.sleep(POLL_S)

    def _start(self) -> None:
        log = self._data.with_name(f"{self._data.name}-{LOG}")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "roost.cli", "up", "--data", str(self._data)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches only the client.
                start_new_session=True,
                env=os.environ,
            )
        self._log = log

    def _wait(self) -> RunFile:
        assert self._process is not None
        deadline = clock.monotonic() + READY_S
        while clock.monotonic() < deadline:
            time.sleep(POLL_S)
            if self._process.poll() is not None:
                last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
                raise CommandError(
                    f"Roost did not start: {last[0] if last else 'it gave no reason'}"
                )
            status = self._status()
            found = read_run_file(self._data)
            if found is not None and status is not None and _is_ready(status):
                return found
        self._process.send_signal(signal.SIGINT)
        raise CommandError(f"Roost was not ready after {READY_S:.0f} s; see {self._log}")


def _tell(text: str) -> None:
    """Print a line, unless the terminal has vanished."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def _is_ready(status: Cluster) -> bool:
    ready = [node for node in status.nodes if node.state == "ready"]
    return bool(ready) and len(ready) == len(status.nodes) and any(node.leader for node in ready)
