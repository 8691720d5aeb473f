"""A real cluster of processes that tests start, watch, kill and stop."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from roost.cli.errors import UnreachableError
from roost.cli.status import Cluster as Status
from roost.cli.status import Node, fetch_all, find_urls
from roost.ops import clock
from support.irc_client import IrcClient

READY_S = 30.0
"""Several times the 5 s of an idle machine, for a busy one."""
PATIENCE_S = 20.0
POLL_S = 0.05
ROOST = (sys.executable, "-m", "roost.cli")


def run_roost(*arguments: str, timeout_s: float = READY_S) -> subprocess.CompletedProcess[str]:
    """Run `roost` and wait until it ends."""
    return subprocess.run(
        [*ROOST, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        stdin=subprocess.DEVNULL,
    )


class Cluster:
    """A `roost up` on a data directory; a context manager that stops all processes."""

    def __init__(
        self,
        data: Path,
        *,
        nodes: int = 3,
        arguments: Sequence[str] = (),
        program: Sequence[str] = ROOST,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`program` is the command `roost`; `environment` is added to this process's own."""
        self.data = data
        self._program = program
        self._environment = {**os.environ, **(environment or {})}
        self.size = nodes
        self.ready_line = ""
        self.output: list[str] = []
        self._log_path = data.with_name(f"{data.name}.log")
        self._arguments = ("--nodes", str(nodes), "--port", "0", "--http-port", "0", *arguments)
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._is_ready = threading.Event()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            print(f"--- the last lines of {self._log_path}:\n{self.log()[-6000:]}")
        self.stop()

    @property
    def pid(self) -> int:
        """The process id of the supervisor."""
        assert self._process is not None
        return self._process.pid

    @property
    def address(self) -> tuple[str, int]:
        """Where clients connect, from the ready line."""
        return self.addresses[0]

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where clients connect, one address per balancer."""
        found = re.findall(r"([0-9.]+):(\d+)", self.ready_line)
        return [(host, int(port)) for host, port in found]

    @property
    def tls_address(self) -> tuple[str, int]:
        """Where clients connect by TLS."""
        (found,) = re.findall(r"^  TLS +([0-9.]+):(\d+)", "\n".join(self.output), re.MULTILINE)
        return found[0], int(found[1])

    @property
    def http_url(self) -> str:
        """The HTTP address of the first balancer."""
        (found,) = re.findall(r"^  status +(http://[^/]+)/", "\n".join(self.output), re.MULTILINE)
        return str(found)

    @property
    def authority(self) -> Path:
        """The certificate authority that clients must trust."""
        return self.data / "authority" / "ca.pem"

    def start(self) -> Self:
        """Start the cluster and wait until it reports that it is ready."""
        self.start_nowait()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def start_nowait(self) -> None:
        """Start it."""
        self._is_ready.clear()
        self.output = []
        with self._log_path.open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [*self._program, "up", "--data", str(self.data), *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
                env=self._environment,
            )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def wait_ready(self) -> None:
        """Wait for the ready line."""
        if not self._is_ready.wait(READY_S) or not self.ready_line:
            raise AssertionError(f"not ready; {self.output}\n{self.log()[-6000:]}")

    def stop(self, number: signal.Signals = signal.SIGINT) -> float:
        """Stop the cluster as Ctrl-C does; return how many seconds it took."""
        process = self._process
        if process is None:
            return 0.0
        start = clock.monotonic()
        if process.poll() is None:
            process.send_signal(number)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE_S)
            raise AssertionError(f"the cluster did not stop:\n{self.log()[-6000:]}") from None
        finally:
            assert self._reader is not None
            self._reader.join(PATIENCE_S)
            assert process.stdout is not None
            process.stdout.close()
            self._process = None
        return clock.monotonic() - start

    def kill_supervisor(self) -> None:
        """Kill `roost up` itself with SIGKILL."""
        self.stop(signal.SIGKILL)

    def log(self) -> str:
        """Return what the processes have logged so far."""
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    def status(self) -> Status:
        """Return what `roost status` shows."""
        return fetch_all(find_urls(self.data, None))

    def node(self, name: str) -> Node:
        """Return the status of a node."""
        return next(node for node in self.status().nodes if node.name == name)

    def leader(self) -> str:
        """Return the name of the leader."""

        def find(status: Status) -> str:
            return next(node.name for node in status.nodes if node.leader)

        return self.wait_for(find, "leader")

    def wait_for(
        self, condition: Callable[[Status], object], what: str, patience_s: float = PATIENCE_S
    ) -> str:
        """Wait until a condition on the status holds; return its value as text."""
        deadline = clock.monotonic() + patience_s
        while True:
            status = None
            try:
                status = self.status()
                value = condition(status)
            except (UnreachableError, StopIteration, IndexError):
                value = None
            if value:
                return str(value)
            if clock.monotonic() > deadline:
                raise AssertionError(f"no {what}: {status}\n{self.log()[-4000:]}")
            time.sleep(POLL_S)

    def wait_whole(self) -> None:
        """Wait until all nodes are ready and have applied the same entries."""

        def is_whole(status: Status) -> bool:
            positions = {node.applied for node in status.nodes}
            return (
                len(status.nodes) == self.size
                and all(node.state == "ready" for node in status.nodes)
                and len(positions) == 1
            )

        self.wait_for(is_whole, "whole cluster")

    def wait_ready_nodes(self) -> None:
        """Wait until all nodes are ready, while clients may still talk."""

        def is_ready(status: Status) -> bool:
            return len(status.nodes) == self.size and all(
                node.state == "ready" for node in status.nodes
            )

        self.wait_for(is_ready, "ready cluster")

    def kill(self, name: str) -> int:
        """Kill a node with SIGKILL; return its process id."""
        pid = self.node(name).pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_balancer(self, name: str) -> int:
        """Kill a balancer with SIGKILL; return its process id."""
        pid = next(found.pid for found in self.status().balancers if found.name == name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_back(self, name: str, old_pid: int) -> None:
        """Wait until a killed node is running and ready again."""

        def is_back(status: Status) -> bool:
            node = next(node for node in status.nodes if node.name == name)
            return node.pid not in {0, old_pid} and node.state == "ready"

        self.wait_for(is_back, f"ready {name}")

    def client(self, nick: str) -> IrcClient:
        """Connect a client without registering it."""
        return IrcClient(self.address, nick)

    def client_on_new_node(self, nick: str) -> tuple[IrcClient, str]:
        """Register a client; return it and the name of the node that serves it."""
        before = {node.name: node.sessions for node in self.status().nodes}
        client = self.client(nick).register()

        def more(status: Status) -> str:
            grown = [node.name for node in status.nodes if node.sessions > before[node.name]]
            return grown[0] if len(grown) == 1 else ""

        try:
            return client, self.wait_for(more, f"node that serves {nick}")
        except BaseException:
            client.close()
            raise

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.output.append(line.rstrip("\n"))
            if line.startswith("Roost is ready"):
                self.ready_line = line.strip()
            if line.startswith("  Ctrl-C"):
                self._is_ready.set()
        self._is_ready.set()
