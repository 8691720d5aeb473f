"""Nodes that hold the history of the last days ask a neighbour for the rest."""

import os

import pytest

from roost.node.engine import historian, holding
from roost.node.engine.holding import DAY_MS
from roost.node.engine.spread import GONE_TEXT
from support.simulation.cluster import Faults, SimulatedCluster
from support.simulation.unanswered import is_unreachable

SEEDS = int(os.environ.get("ROOST_SIMULATION_SEEDS", "1"))
FIRST_SEED = int(os.environ.get("ROOST_SIMULATION_FIRST_SEED", "1"))
SEEDS_HERE = range(FIRST_SEED, FIRST_SEED + SEEDS)
SHORT = 2_000 / DAY_MS
"""Two seconds."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let as much happen in seconds as does in days."""
    monkeypatch.setattr(holding, "TRIM_INTERVAL_S", 0.3)
    monkeypatch.setattr(holding, "BLOCK", 20)
    monkeypatch.setattr(historian, "WRITE_INTERVAL_S", 0.2)


def starts(cluster: SimulatedCluster) -> dict[str, int]:
    return {name: node.history_disk.held.position for name, node in cluster.nodes.items()}


def oldest_ms(cluster: SimulatedCluster, name: str) -> int:
    disk = cluster.nodes[name].history_disk
    return min(row.time_ms for row in disk.rows_from(disk.held.position).values())


@pytest.mark.parametrize("seed", SEEDS_HERE)
def test_what_a_node_dropped_is_answered_by_a_neighbour(seed: int) -> None:
    cluster = SimulatedCluster(seed, history_days={"n2": SHORT, "n3": SHORT}, pace=10.0)
    cluster.wait_ready()
    cluster.start_people()
    cluster.world.run(8.0)
    cluster.settle()
    assert starts(cluster)["n1"] == 1
    assert starts(cluster)["n2"] > 20
    assert starts(cluster)["n3"] > 20
    received = [line for client in cluster.clients for line in client.received]
    assert not any(map(is_unreachable, received))


@pytest.mark.parametrize("seed", SEEDS_HERE)
@pytest.mark.parametrize("days", [{"n3": SHORT}, {"n2": SHORT, "n3": SHORT}])
def test_clients_get_one_answer_whoever_dies(seed: int, days: dict[str, float]) -> None:
    # What only one node holds is gone with its disk.
    disk_losses = 0.1 if len(days) == 1 else 0.0
    faults = Faults(
        crashes=0.6, partitions=0.2, freezes=0.3, disk_losses=disk_losses, loss=0.005, moves=1.0
    )
    cluster = SimulatedCluster(
        seed,
        faults=faults,
        history_days=days,
        pace=10.0,
        snapshot_entries=60,
        retained_entries=40,
    )
    cluster.wait_ready()
    cluster.start_people()
    cluster.world.run(2.0)
    cluster.start_faults()
    cluster.world.run(12.0)
    cluster.stop_faults()
    cluster.settle()


@pytest.mark.parametrize("seed", SEEDS_HERE)
def test_an_empty_node_begins_at_once_and_fetches_the_last_days_later(seed: int) -> None:
    cluster = SimulatedCluster(
        seed,
        history_days={"n3": 1.5 * SHORT},
        pace=20.0,
        snapshot_entries=60,
        retained_entries=40,
    )
    cluster.wait_ready()
    cluster.start_people()
    cluster.world.run(5.0)
    cluster.kill("n3", down_s=0.5, is_disk_lost=True)
    cluster.world.run(0.6)
    cluster.wait_ready()
    assert starts(cluster)["n3"] > 1
    now_ms = cluster.world.instant().wall_ms
    assert now_ms - 4_500 < oldest_ms(cluster, "n3") < now_ms - 2_000
    cluster.settle()


@pytest.mark.parametrize("seed", SEEDS_HERE)
def test_what_no_node_keeps_is_not_missing(seed: int) -> None:
    days = dict.fromkeys(("n1", "n2", "n3"), SHORT)
    cluster = SimulatedCluster(
        seed, history_days=days, pace=20.0, snapshot_entries=60, retained_entries=40
    )
    cluster.wait_ready()
    cluster.start_people()
    cluster.world.run(1.0)
    cluster.kill("n3", down_s=6.0)
    cluster.world.run(7.0)
    cluster.wait_ready()
    assert len({*starts(cluster).values()}) <= 2
    assert min(starts(cluster).values()) > 20


@pytest.mark.parametrize("seed", SEEDS_HERE[: (SEEDS + 1) // 2])
def test_a_node_that_missed_what_the_others_dropped_serves_what_is_older(seed: int) -> None:
    days = {"n2": SHORT, "n3": SHORT}
    cluster = SimulatedCluster(
        seed, history_days=days, pace=5.0, snapshot_entries=60, retained_entries=40
    )
    cluster.wait_ready()
    cluster.start_people()
    # Until it has a snapshot, since what is before that is known to come from the cluster's log.
    cluster.world.run_until(lambda: bool(cluster.nodes["n1"].log_disk.snapshot), 9.0, "a snapshot")
    cluster.kill("n1", down_s=6.0)
    cluster.world.run(8.0)
    cluster.wait_ready()
    readers = [cluster.register(f"reader{number}") for number in range(4)]
    for reader, room in zip(readers, 2 * cluster.rooms, strict=True):
        reader.send("JOIN", room)
    cluster.wait_answered()
    for reader, room in zip(readers, 2 * cluster.rooms, strict=True):
        reader.send("CHATHISTORY", "LATEST", room, "*", "100")
    disk = cluster.nodes["n1"].history_disk
    assert disk.had_holes
    assert starts(cluster)["n1"] == 1, "what is older than the hole is still held"
    assert oldest_ms(cluster, "n1") < disk.had_holes[0].until_ms - 2_000
    cluster.settle()
    for reader in readers:
        assert any(line.message.parameters[-1:] == (GONE_TEXT,) for line in reader.received)
