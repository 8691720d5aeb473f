"""Machines that join a running cluster with a token, as processes of their own on this machine."""

import contextlib
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from support.cluster import PATIENCE_S, ROOST, Cluster, run_roost

HOST = "127.0.0.1"


class Machine:
    """One machine, on which a node runs or not."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._log_path = folder.with_name(f"{folder.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    def join(self, token: str) -> None:
        """Run `roost join`, which becomes the node."""
        self._start("join", token, "--data", str(self.folder))

    def start(self) -> None:
        """Start the node again, if it does not run."""
        if self._process is None or self._process.poll() is not None:
            self._start("node", "--config", str(self.folder / "config.toml"))

    def kill(self) -> None:
        """Kill the node with SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(PATIENCE_S)

    def stop(self) -> None:
        """Stop the node, if it runs, as an init system does."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop: {self.log()[-3000:]}") from None

    def log(self) -> str:
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    def _start(self, *arguments: str) -> None:
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*ROOST, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


class Machines:
    """The machines beside a cluster; a context manager that stops all of them."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._folder = folder
        self._all: dict[str, Machine] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for machine in self._all.values():
            if error is not None:
                print(f"--- the last lines of {machine.name}:\n{machine.log()[-3000:]}")
                machine.kill()
        for machine in self._all.values():
            machine.stop()

    @property
    def names(self) -> list[str]:
        """The names of all nodes that the cluster shows."""
        return [node.name for node in self._cluster.status().nodes]

    def __getitem__(self, name: str) -> Machine:
        return self._all[name]

    def token(self, name: str, *flags: str) -> str:
        """Return a token for a node of this name."""
        data = str(self._cluster.data)
        made = run_roost("members", "add", f"{name}={HOST}", "--data", data, *flags)
        assert made.returncode == 0, made.stderr
        (token,) = re.findall(r"^roost join (\S+)$", made.stdout, re.MULTILINE)
        return str(token)

    def join(self, name: str, token: str = "") -> Machine:
        """Let a new machine join, with a token that there is already or with a new one."""
        machine = self._all[name] = Machine(name, self._folder / f"{name}-{len(self._all)}")
        machine.join(token or self.token(name))
        return machine

    @contextlib.contextmanager
    def adopt(self, name: str, folder: Path) -> Iterator[Machine]:
        """Run the node whose files are in a directory."""
        machine = self._all[name] = Machine(name, folder)
        machine.start()
        yield machine

    def remove(self, name: str) -> None:
        """Remove a node from the cluster."""
        removed = run_roost("members", "remove", name, "--data", str(self._cluster.data))
        assert removed.returncode == 0, removed.stderr

    def kill(self, name: str) -> None:
        """Kill a node, wherever it runs; one of `roost up` is started again by that."""
        if name in self._all:
            self._all[name].kill()
        else:
            self._cluster.kill(name)

    def start(self, name: str) -> None:
        """Start a node again, unless `roost up` does that or it runs."""
        if name in self._all:
            self._all[name].start()

    def wait_nodes(self, *names: str) -> None:
        """Wait until exactly these nodes are there and ready."""
        wanted = sorted(names)
        self._cluster.wait_for(
            lambda status: (
                [node.name for node in status.nodes] == wanted
                and sorted(status.members) == wanted
                and all(node.state == "ready" for node in status.nodes)
            ),
            f"ready {', '.join(wanted)}",
            40.0,
        )
