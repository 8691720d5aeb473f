"""A cluster whose processes have network namespaces of their own, which can go silent.

    root namespace:   bridge  10.213.S.254, where the clients are
                        |-- veth --> b1   10.213.S.100
                        |-- veth --> n1   10.213.S.1
                        |-- veth --> n2   10.213.S.2 ...

To silence a node, its end is taken off the bridge: packets are lost and no connection is closed.
This needs root and `ip` from iproute2. Everything is removed at the end.
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

from roost.cli.errors import UnreachableError
from roost.cli.status import Cluster as Status
from roost.cli.status import fetch_all
from roost.ops import clock
from support.cluster import PATIENCE_S, POLL_S, READY_S, ROOST, Cluster, run_roost

HOST_BITS = 24


def ip(*arguments: str) -> None:
    """Run `ip`; fail if it fails."""
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def _ip_if_there(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=False, capture_output=True)


def require_namespaces() -> None:
    """Skip the test if this process may not create network namespaces."""
    name = f"roost-try-{os.getpid()}"
    tried = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    if tried.returncode:
        pytest.skip(f"this needs root: {tried.stderr.decode().strip()}")
    ip("netns", "delete", name)


class NamespacedCluster(Cluster):
    """One balancer and its nodes; a context manager that leaves nothing behind."""

    def __init__(self, data: Path, *, nodes: int = 3) -> None:
        super().__init__(data, nodes=nodes)
        self._tag = f"r{os.getpid() % 100_000}"
        """Separates the names of parallel runs; a device name has at most 15 characters."""
        self._net = f"10.213.{os.getpid() % 250}"
        self._hosts = {f"n{number}": f"{self._net}.{number}" for number in range(1, nodes + 1)}
        self._hosts["b1"] = f"{self._net}.100"
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> tuple[str, int]:
        return self._hosts["b1"], 6667

    def status(self) -> Status:
        return fetch_all([f"http://{self._hosts['b1']}:8080"])

    def start(self) -> Self:
        try:
            self._make_networks()
            named = [f"--node={name}={self._hosts[name]}" for name in self._hosts if name != "b1"]
            made = run_roost(
                *("init", "--data", str(self.data), *named, f"--balancer=b1={self._hosts['b1']}")
            )
            assert made.returncode == 0, made.stderr
            self._spawn("b1", "balancer", "--http-host", self._hosts["b1"])
            for name in self._hosts:
                if name != "b1":
                    self._spawn(name, "node", "--is-founding")
            self.wait_whole_within(READY_S)
        except BaseException:
            self.stop()
            raise
        return self

    def wait_whole_within(self, seconds: float) -> None:
        """Wait until the balancer answers and all nodes are ready."""
        deadline = clock.monotonic() + seconds
        while True:
            with contextlib.suppress(UnreachableError):
                nodes = self.status().nodes
                if len(nodes) == self.size and all(node.state == "ready" for node in nodes):
                    return
            assert clock.monotonic() < deadline, self.log()[-6000:]
            time.sleep(POLL_S)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        start = clock.monotonic()
        for child in self._children:
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
            child.wait(PATIENCE_S)
        self._children.clear()
        for name in self._hosts:
            _ip_if_there("link", "delete", self._outer(name))
            _ip_if_there("netns", "delete", self._namespace(name))
        _ip_if_there("link", "delete", self._bridge)
        return clock.monotonic() - start

    def silence(self, name: str) -> None:
        """Drop all packets to and from a process."""
        ip("link", "set", self._outer(name), "nomaster")

    def unsilence(self, name: str) -> None:
        """Let the packets of a process pass again."""
        ip("link", "set", self._outer(name), "master", self._bridge)

    @property
    def _bridge(self) -> str:
        return f"{self._tag}br"

    def _namespace(self, name: str) -> str:
        return f"roost-{self._tag}-{name}"

    def _outer(self, name: str) -> str:
        return f"{self._tag}{name}"

    def _make_networks(self) -> None:
        ip("link", "add", self._bridge, "type", "bridge")
        ip("address", "add", f"{self._net}.254/{HOST_BITS}", "dev", self._bridge)
        ip("link", "set", self._bridge, "up")
        for name, host in self._hosts.items():
            space, outer = self._namespace(name), self._outer(name)
            ip("netns", "add", space)
            ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", space)
            ip("link", "set", outer, "master", self._bridge, "up")
            ip("-n", space, "address", "add", f"{host}/{HOST_BITS}", "dev", "eth0")
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "link", "set", "eth0", "up")

    def _spawn(self, name: str, *arguments: str) -> None:
        command, *flags = arguments
        config = self.data / name / "config.toml"
        with self._log_path.open("a", encoding="utf-8") as log:
            child = subprocess.Popen(
                [
                    *("ip", "netns", "exec", self._namespace(name)),
                    *(*ROOST, command, "--config", str(config), *flags),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._children.append(child)
