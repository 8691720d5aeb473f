"""The members of a cluster's local etcd, as processes."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from roost.cli.local_etcd import FOLDER, MEMBERS, PORTS_FILE
from roost.ops import clock

PATIENCE_S = 20.0
POLL_S = 0.05


class RealEtcd:
    """What `roost up --log etcd` has started for a data directory."""

    def __init__(self, data: Path) -> None:
        self._folder = data / FOLDER
        self._ports = json.loads((self._folder / PORTS_FILE).read_text())
        self._addresses = {f"127.0.0.1:{self._ports[name][0]}": name for name in MEMBERS}

    def pid(self, member: str) -> int:
        """Return the process id of a running member; 0 if there is none."""
        place = str(self._folder / member).encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if words[0].endswith(b"etcd") and place in words:
                    return int(entry.name)
        return 0

    def leader(self) -> str:
        """Return the name of the member that leads."""
        deadline = clock.monotonic() + PATIENCE_S
        while clock.monotonic() < deadline:
            text = self.run("endpoint", "status", "-w", "json")
            for one in json.loads(text or "[]"):
                status = one["Status"]
                if status.get("leader") == status["header"]["member_id"]:
                    return self._addresses[one["Endpoint"]]
            time.sleep(POLL_S)
        raise AssertionError("etcd has no leader")

    def send(self, member: str, number: signal.Signals) -> int:
        """Send a signal to a member; return its process id."""
        pid = self.pid(member)
        assert pid, f"{member} does not run"
        os.kill(pid, number)
        return pid

    def wait_back(self, member: str, old_pid: int) -> None:
        """Wait until a killed member runs again and answers."""
        deadline = clock.monotonic() + PATIENCE_S
        while clock.monotonic() < deadline:
            if self.pid(member) not in {0, old_pid} and self.run("endpoint", "status"):
                return
            time.sleep(POLL_S)
        raise AssertionError(f"{member} does not come back")

    def back_up(self, file: Path) -> None:
        """Save etcd's data."""
        # Only one member can be named for this.
        endpoint = next(iter(self._addresses))
        self._control("--endpoints", endpoint, "snapshot", "save", str(file))

    def restore(self, file: Path) -> None:
        """Replace the data of all members, which do not run, by what was saved."""
        peers = {name: f"http://127.0.0.1:{self._ports[name][1]}" for name in MEMBERS}
        for name, peer in peers.items():
            shutil.rmtree(self._folder / name)
            self._control(
                *("snapshot", "restore", str(file), "--name", name),
                *("--data-dir", str(self._folder / name)),
                *("--initial-cluster", ",".join(f"{one}={at}" for one, at in peers.items())),
                *("--initial-cluster-token", "roost", "--initial-advertise-peer-urls", peer),
            )

    def _control(self, *arguments: str) -> None:
        environment = {**os.environ, "ETCDCTL_API": "3"}
        subprocess.run(["etcdctl", *arguments], check=True, capture_output=True, env=environment)

    def run(self, *arguments: str) -> str:
        """Run etcdctl for all members; return its output, or nothing if it fails."""
        done = subprocess.run(
            ["etcdctl", "--endpoints", ",".join(self._addresses), *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "ETCDCTL_API": "3"},
        )
        return done.stdout if done.returncode == 0 else ""
