"""History goes to an archive in order and once, whatever happens to nodes and archive."""

import os

import pytest

from roost.chat.history import Row
from roost.chat.record import history_rows
from roost.node.engine import historian, holding
from roost.node.engine.holding import DAY_MS
from support.simulation.archive import ArchiveFaults
from support.simulation.cluster import NO_FAULTS, Faults, SimulatedCluster
from support.simulation.unanswered import is_unreachable

SEEDS = int(os.environ.get("ROOST_SIMULATION_SEEDS", "1"))
FIRST_SEED = int(os.environ.get("ROOST_SIMULATION_FIRST_SEED", "1"))
SEEDS_HERE = range(FIRST_SEED, FIRST_SEED + SEEDS)
SHORT = dict.fromkeys(("n1", "n2", "n3"), 4_000 / DAY_MS)
"""Four seconds: longer than from one backup of the archive to the next."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let as much happen in seconds as does in days."""
    monkeypatch.setattr(holding, "TRIM_INTERVAL_S", 0.3)
    monkeypatch.setattr(holding, "BLOCK", 20)
    monkeypatch.setattr(historian, "WRITE_INTERVAL_S", 0.2)


def start(seed: int, faults: Faults, history: ArchiveFaults) -> SimulatedCluster:
    cluster = SimulatedCluster(
        seed,
        faults=faults,
        history=history,
        history_days=SHORT,
        pace=10.0,
        snapshot_entries=60,
        retained_entries=40,
    )
    cluster.wait_ready()
    cluster.start_people()
    cluster.world.run(2.0)
    cluster.start_faults()
    assert cluster.history is not None
    cluster.history.start_faults()
    return cluster


def settle(cluster: SimulatedCluster) -> None:
    archive = cluster.history
    assert archive is not None
    archive.stop_faults()
    cluster.stop_faults()
    cluster.settle()
    disks = [node.history_disk for node in cluster.nodes.values()]
    last = max(row.position for disk in disks for row in disk.rows.values())
    cluster.world.run_until(
        lambda: archive.state.watermark >= last, 20.0, lambda: f"{archive.state} up to {last}"
    )


def check_rows(cluster: SimulatedCluster) -> None:
    """Hold the archive against the log."""
    archive = cluster.history
    assert archive is not None
    applied = [one for one in cluster.truth().applied if one.position <= archive.state.watermark]
    expected = [row for one in applied for row in history_rows(one)]
    lost = archive.state.holes
    kept = [row for row in expected if not any(a <= row.position <= b for a, b in lost)]
    assert sorted(kept, key=_place) == sorted(archive.rows.values(), key=_place)


def _place(row: Row) -> tuple[int, int, str]:
    return (row.position, row.part, row.conversation)


@pytest.mark.parametrize("seed", SEEDS_HERE)
def test_old_history_is_in_the_archive_alone(seed: int) -> None:
    cluster = start(seed, NO_FAULTS, ArchiveFaults())
    cluster.world.run(6.0)
    settle(cluster)
    check_rows(cluster)
    starts = [node.history_disk.held.position for node in cluster.nodes.values()]
    assert min(starts) > 20
    received = [line for client in cluster.clients for line in client.received]
    assert not any(map(is_unreachable, received))


@pytest.mark.parametrize("seed", SEEDS_HERE)
def test_no_row_is_missing_or_double_whoever_dies(seed: int) -> None:
    faults = Faults(
        crashes=0.6, partitions=0.3, freezes=0.3, disk_losses=0.1, loss=0.005, moves=1.0
    )
    cluster = start(seed, faults, ArchiveFaults(outages=0.4))
    cluster.world.run(12.0)
    settle(cluster)
    check_rows(cluster)
    assert cluster.history is not None
    assert not cluster.history.state.holes


@pytest.mark.parametrize("seed", SEEDS_HERE)
def test_an_archive_that_was_set_back_is_filled_again(seed: int) -> None:
    cluster = start(seed, Faults(crashes=0.2), ArchiveFaults(set_backs=0.4))
    cluster.world.run(12.0)
    settle(cluster)
    check_rows(cluster)
    assert cluster.history is not None
    assert not cluster.history.state.holes


@pytest.mark.parametrize("seed", SEEDS_HERE)
def test_damaged_rows_are_replaced_by_those_of_a_node_that_holds_them(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHORT, "n1", 0)
    history = ArchiveFaults(damages=200.0, refusals=0.3)
    cluster = start(seed, Faults(crashes=0.2, loss=0.005), history)
    archive = cluster.history
    assert archive is not None
    cluster.world.run(10.0)
    cluster.world.run_until(lambda: archive.mended > 0, 90.0, "what a question met is mended")
    settle(cluster)
    check_rows(cluster)
    everybody = [node.mind.history._archivist.mending for node in cluster.nodes.values()]
    # A node that died has forgotten what it met. Nobody may hold what one lost with its disk.
    cluster.world.run_until(
        lambda: all(one._damaged.keys() <= one._lost.keys() for one in everybody),
        70.0,
        "everything that questions have met is mended",
    )
