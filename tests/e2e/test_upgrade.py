"""A cluster of the release before is upgraded node by node, while people talk."""

import json
import os
import signal
import subprocess
from pathlib import Path

from support.background_load import BackgroundLoad
from support.cluster import ROOST, Cluster
from support.releases import TALES, Installation, read_history, unpack

PAUSE_MS_MAX = 2000.0
NODES = ("n1", "n2", "n3")


def formats(cluster: Cluster) -> list[int]:
    files = [cluster.data / node / "data" / "identity.json" for node in NODES]
    return [json.loads(file.read_bytes())["format"] for file in files]


def wait_format(cluster: Cluster, version: int) -> None:
    cluster.wait_for(lambda _: formats(cluster) == [version] * 3, f"version {version}")


def restart(cluster: Cluster, name: str) -> None:
    """Restart a node as an administrator does; it starts with what is installed now."""
    pid = cluster.node(name).pid
    os.kill(pid, signal.SIGTERM)
    cluster.wait_back(name, pid)


def as_written(directory: Path) -> dict[str, bytes]:
    """Return the contents of all files but the lock, which names the last process."""
    files = [file for file in sorted(directory.rglob("*")) if file.name != "lock"]
    return {str(file): file.read_bytes() for file in files if file.is_file()}


def test_a_cluster_is_upgraded_node_by_node_under_load(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "installation")
    installation.install(1)
    data = unpack(1, "data", tmp_path) / "data"
    expected = json.loads((data / "expected.json").read_bytes())["history"]
    with Cluster(data, environment=installation.environment) as cluster:
        with BackgroundLoad(cluster, clients=40, rooms=4, rate=40.0) as load:
            installation.install(0)
            for name in NODES:
                assert formats(cluster) == [1, 1, 1]
                with load.measured(f"upgrade of {name}", pause_ms_max=PAUSE_MS_MAX):
                    restart(cluster, name)
                    load.wait_said(10)
            # Balancers are of the old release still, and serve people on all nodes.
            wait_format(cluster, 2)
            load.wait_said(10)
        assert '"event": "version", "version": 2' in cluster.log()
        assert read_history(cluster) == expected
        assert [text for *_, name, text in expected if name == "alice"] == TALES[132:]
    # There is no way back now: the old release refuses the data, and leaves it as it is.
    installation.install(1)
    before = as_written(data / "n1" / "data")
    assert any(name.endswith(".segment") for name in before), "the log has moved"
    refused = subprocess.run(
        [*ROOST, "node", "--config", str(data / "n1" / "config.toml")],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
        env={**os.environ, **installation.environment},
    )
    assert refused.returncode != 0
    assert "(format 2), but" in refused.stderr
    assert as_written(data / "n1" / "data") == before
