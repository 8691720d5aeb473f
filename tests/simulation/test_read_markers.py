"""Read markers reach each client of an account once and in order, whatever happens to nodes."""

import pytest

from support.simulation.accounts import let_own
from support.simulation.clients import ECHOING, SimulatedClient
from support.simulation.cluster import NO_FAULTS, SimulatedCluster

CAPABILITIES = f"{ECHOING} draft/read-marker"
STAMPS = tuple(f"timestamp=1990-01-01T00:00:0{second}.000Z" for second in range(8))
STRIDE = 4


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    let_own(monkeypatch, "alice")


def play(cluster: SimulatedCluster) -> tuple[SimulatedClient, SimulatedClient]:
    """Connect two clients of an account; one of them keeps moving its read marker."""
    cluster.wait_ready()
    desk = cluster.register("alice", CAPABILITIES)
    cluster.wait_answered()
    phone = cluster.register("alice", CAPABILITIES)
    cluster.wait_answered()
    for stamp in STAMPS:
        desk.send("MARKREAD", "#room", stamp)
    return desk, phone


def markers_seen(client: SimulatedClient) -> list[str]:
    return [
        received.message.parameters[1]
        for received in client.received
        if received.message.command == "MARKREAD"
    ]


def count_events() -> int:
    cluster = SimulatedCluster(1, faults=NO_FAULTS)
    desk, _ = play(cluster)
    count = 0
    while not desk.is_answered:
        cluster.world.step()
        count += 1
    return count


@pytest.mark.parametrize("share", range(STRIDE))
@pytest.mark.parametrize("victim", [0, 1])
def test_a_death_at_any_moment_loses_and_doubles_no_marker(victim: int, share: int) -> None:
    for count in range(share, count_events() + 1, STRIDE):
        cluster = SimulatedCluster(1, faults=NO_FAULTS)
        clients = play(cluster)
        cluster.world.run_events(count)
        cluster.kill(clients[victim].session.node, down_s=0.5)
        cluster.wait_answered()
        cluster.world.run(0.7)
        for client in clients:
            assert markers_seen(client) == list(STAMPS), count
