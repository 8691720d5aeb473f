"""A cluster comes back from the only node that is left, on an operator's order."""

import shutil
from collections.abc import Callable
from pathlib import Path

from support.cluster import Cluster, run_roost


def test_one_surviving_node_brings_the_cluster_back(
    start_cluster: Callable[..., Cluster],
) -> None:
    cluster = start_cluster()
    config = cluster.data / "n1" / "config.toml"
    with cluster.client("ada") as ada:
        ada.register().join("#kept")
        for number in range(5):
            ada.say("#kept", f"word {number}")

    running = run_roost("recover", "--config", str(config), "--yes")
    assert running.returncode == 2
    assert "n1" in running.stderr
    cluster.stop()
    for lost in ("n2", "n3"):
        shutil.rmtree(cluster.data / lost / "data")

    unconfirmed = run_roost("recover", "--config", str(config))
    assert unconfirmed.returncode == 2
    assert "nothing was changed: give --yes" in unconfirmed.stderr
    assert "not belong to the cluster any more: n2, n3." in unconfirmed.stdout

    done = run_roost("recover", "--config", str(config), "--yes")
    assert done.returncode == 0, done.stderr
    again = run_roost("recover", "--config", str(config), "--yes")
    assert again.returncode == 2
    assert "n1 is the only node of the cluster already" in again.stderr

    with Cluster(cluster.data, nodes=1) as alone, alone.client("bob") as bob:
        bob.register().join("#kept")
        history = bob.history("LATEST #kept * 10")
        said = [line.text for line in history if line.command == "PRIVMSG"]
        assert said == [f"word {number}" for number in range(5)]
    with Cluster(cluster.data, nodes=3) as grown, grown.client("cyd") as cyd:
        cyd.register().join("#kept")
        assert len(grown.status().nodes) == 3


def test_a_directory_without_a_log_is_named(tmp_path: Path) -> None:
    run_roost("init", "--data", str(tmp_path / "made"))
    config = tmp_path / "made" / "n1" / "config.toml"
    done = run_roost("recover", "--config", str(config), "--yes")
    assert done.returncode == 2
    assert "holds no log: there is nothing to bring back" in done.stderr
