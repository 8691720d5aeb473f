"""The etcd cluster of `roost up --log etcd`: three members on this machine, for trying it.

It listens on loopback, without encryption. Its ports are kept in a file, because a member's peers
remember where it was.
"""

import importlib.util
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from roost.cli.errors import UsageError
from roost.cli.ports import choose_ports

MEMBERS = ("e1", "e2", "e3")
FOLDER = "etcd"
PORTS_FILE = "ports.json"
LOOPBACK = "127.0.0.1"
HEARTBEAT_MS = 20
ELECTION_MS = 200
"""A dead leader is replaced within 0.4 s; etcd's defaults are 5 times as long."""
QUOTA_BYTES = 8 * 1024**3
"""The largest that etcd suggests."""
SNAPSHOT_COUNT = 5000
"""Requests between etcd's own snapshots; it keeps them in memory. A batch can have 512 KiB."""


class LocalEtcd:
    """Three members, which keep their data in a folder of the cluster's directory."""

    def __init__(self, directory: Path) -> None:
        """Choose ports, or read those chosen before.

        Raises:
            UsageError: a program or a library is missing, or the directory cannot be used.
        """
        program = shutil.which("etcd")
        if program is None:
            raise UsageError(
                "--log etcd needs the program etcd, 3.4 or newer; "
                "on Debian it is in the package etcd-server"
            )
        if importlib.util.find_spec("grpc") is None:
            raise UsageError("--log etcd needs libraries: pip install 'roost[etcd]'")
        self._program = program
        self._folder = directory / FOLDER
        try:
            self._folder.mkdir(exist_ok=True)
            self._ports = self._load_ports()
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot use {self._folder}: {error}") from error

    @property
    def endpoints(self) -> tuple[str, ...]:
        """HOST:PORT of each member, for nodes."""
        return tuple(f"{LOOPBACK}:{self._ports[name][0]}" for name in MEMBERS)

    def command_line(self, name: str) -> Sequence[str]:
        """Return how to start a member, so that it ends with its parent."""
        client, peer = (f"http://{LOOPBACK}:{port}" for port in self._ports[name])
        peers = (f"{one}=http://{LOOPBACK}:{self._ports[one][1]}" for one in MEMBERS)
        options = {
            "name": name,
            "data-dir": str(self._folder / name),
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": ",".join(peers),
            "initial-cluster-token": "roost",
            "heartbeat-interval": str(HEARTBEAT_MS),
            "election-timeout": str(ELECTION_MS),
            "quota-backend-bytes": str(QUOTA_BYTES),
            "snapshot-count": str(SNAPSHOT_COUNT),
            "logger": "zap",
            "log-level": "error",
        }
        guard = shutil.which("setpriv")
        prefix = [] if guard is None else [guard, "--pdeathsig", "TERM"]
        words = (word for key, value in options.items() for word in (f"--{key}", value))
        return [*prefix, self._program, *words]

    def _load_ports(self) -> dict[str, tuple[int, int]]:
        file = self._folder / PORTS_FILE
        if file.exists():
            known = json.loads(file.read_text())
            return {name: (int(known[name][0]), int(known[name][1])) for name in MEMBERS}
        chosen = choose_ports([(LOOPBACK, 0, "--log")] * (2 * len(MEMBERS)))
        ports = {
            name: (chosen[2 * number], chosen[2 * number + 1])
            for number, name in enumerate(MEMBERS)
        }
        file.write_text(json.dumps(ports) + "\n")
        return ports
