"""A network of many users on many balancers: everybody comes in, and nobody notices what dies.

By default the network is small. `ROOST_SIMULATION_USERS=250000` makes it as large as the largest
IRC network ever was; that takes 6 minutes of a core and 2.7 GB. With `-s` the figures are shown.
"""

import ipaddress
import math
import os
import resource
import time

import pytest

from roost.balancer.config import ClientLimits
from roost.balancer.engine.outbox import take_write
from roost.balancer.engine.sessions import Session
from roost.chat.snapshot import encode_state
from roost.node.engine.applier import ENTRIES_PER_TURN
from support.simulation.balancer import SimulatedBalancer
from support.simulation.cluster import SimulatedCluster

SMALL = 400
USERS = int(os.environ.get("ROOST_SIMULATION_USERS", SMALL))
BALANCERS = max(3, math.ceil(USERS / ClientLimits().connections_max))
ROOM_SIZE = 8
AT_ONCE = 100
"""Clients that come to one balancer in one moment."""
LINES_PER_JOIN = 20
"""Lines and names that are rendered when somebody enters such a room."""
FIRST_ADDRESS = int(ipaddress.IPv4Address("10.0.0.0"))
SPEAKERS = 50


class LightClient:
    """A client that only counts: so many of them fit into memory."""

    __slots__ = ("deliveries", "is_dirty", "is_lost", "pieces", "session", "welcomes")

    def __init__(self, balancer: SimulatedBalancer, address: str) -> None:
        self.pieces: list[bytes] = []
        self.is_dirty = False
        self.is_lost = False
        self.welcomes = 0
        self.deliveries: tuple[bytes, ...] = ()
        self.session: Session = balancer.open(self, address)

    def flush(self) -> int:
        payload = take_write(self.pieces)
        self.is_dirty = bool(self.pieces)
        self.welcomes += payload.count(b" 001 ")
        if b" PRIVMSG " in payload:
            said = [line for line in payload.split(b"\r\n") if b" PRIVMSG " in line]
            self.deliveries = (*self.deliveries, *said)
        return len(payload)

    def finish(self, last: bytes) -> None:
        self.is_lost = True

    def lose(self) -> None:
        self.is_lost = True

    def pause_reading(self) -> None:
        """Nothing: these clients say little."""

    def resume_reading(self) -> None:
        """Nothing."""


class Network:
    """The cluster with its users."""

    def __init__(self) -> None:
        entries = max(100, min(40_000, USERS // 3))
        self.cluster = SimulatedCluster(
            11,
            people=0,
            rooms=0,
            balancers=BALANCERS,
            snapshot_entries=entries,
            retained_entries=max(1, entries // 8),
        )
        for node in self.cluster.nodes.values():
            node.is_digested = False
            node.rendered_max = LINES_PER_JOIN * ENTRIES_PER_TURN
        self.cluster.wait_ready()
        self.clients: list[LightClient] = []
        self._began = time.process_time()

    def tell(self, what: str) -> None:
        """Show how far it is."""
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        seconds = time.process_time() - self._began
        print(f"{what}: virtual {self.cluster.world.now:.1f} s, {seconds:.0f} s, {memory} MB")

    def say(self, client: int, *lines: str) -> None:
        balancer = self.cluster.balancers[client % BALANCERS]
        balancer.spoke(self.clients[client].session, [line.encode() for line in lines])

    def wait_answered(self, first: int, line: int, seconds_max: float) -> None:
        """Wait until everybody from `first` on has the answer to their line of this number."""
        waiting = list(range(first, len(self.clients)))

        def is_done() -> bool:
            while waiting and self.clients[waiting[-1]].session.acknowledged >= line:
                waiting.pop()
            return not waiting

        self.cluster.world.run_until(is_done, seconds_max, lambda: f"{len(waiting)} more answers")

    def come_in(self) -> None:
        """Let all users register and enter their rooms, some at a time."""
        while (first := len(self.clients)) < USERS:
            for number in range(first, min(USERS, first + AT_ONCE * BALANCERS)):
                balancer = self.cluster.balancers[number % BALANCERS]
                address = str(ipaddress.IPv4Address(FIRST_ADDRESS + number))
                self.clients.append(LightClient(balancer, address))
                self.say(
                    number,
                    f"NICK user{number}",
                    f"USER u{number} 0 * :User {number}",
                    f"JOIN #room{number // ROOM_SIZE}",
                )
            self.wait_answered(first, 3, 5.0)

    def speak(self, word: str) -> None:
        """Let some users speak, and check that everybody in their rooms hears it once."""
        step = max(1, USERS // SPEAKERS)
        speakers = [one for one in range(0, USERS, step) if not self.clients[one].is_lost]
        for number in speakers:
            self.say(number, f"PRIVMSG #room{number // ROOM_SIZE} :{word} {number}")
        self.cluster.world.run(3.0)
        for number in speakers:
            text = f":{word} {number}".encode()
            first = number // ROOM_SIZE * ROOM_SIZE
            for other in range(first, min(USERS, first + ROOM_SIZE)):
                if self.clients[other].is_lost:
                    continue
                heard = sum(line.endswith(text) for line in self.clients[other].deliveries)
                assert heard == (other != number), f"user{other} heard user{number} {heard} times"

    def is_served(self) -> bool:
        """Return whether every session has a node that serves it."""
        return not any(
            balancer.exchange.waiting_count
            or any(node.attaching for node in balancer.exchange.pool)
            for balancer in self.cluster.balancers
        )

    def check(self, lost: int = 0) -> None:
        """Check that all nodes have all users but the lost ones, and the others noticed nothing."""
        self.cluster.world.run(2.0)
        states = [node.mind.state for node in self.cluster.nodes.values()]
        first, *others = [encode_state(state) for state in states]
        assert others == [first] * len(others)
        assert len(states[0].users) == len(states[0].sessions) == USERS - lost
        assert len(states[0].rooms) == math.ceil(USERS / ROOM_SIZE)
        assert not states[0].failed_entries
        assert sum(client.is_lost for client in self.clients) == lost
        assert {client.welcomes for client in self.clients} == {1}
        self.tell(f"{len(first) / USERS:.0f} bytes of snapshot for each user")


@pytest.mark.timeout(0 if USERS > SMALL else 120)
def test_a_large_network_survives_the_loss_of_a_node_a_disk_and_a_balancer() -> None:
    network = Network()
    cluster, world = network.cluster, network.cluster.world
    network.come_in()
    network.tell(f"{USERS} users on {BALANCERS} balancers")
    network.check()
    network.speak("before")

    leader = cluster.leader()
    cluster.kill(leader, down_s=0.5)
    world.run(0.1)
    seconds = 0.1 + world.run_until(network.is_served, 60.0, "everybody is served")
    network.tell(f"the leader's clients are served by others after {seconds:.1f} virtual s")
    cluster.wait_ready()
    network.speak("after a death")

    empty = cluster.nodes[next(name for name in cluster.names if name != cluster.leader())]
    empty.crash(is_disk_lost=True)
    world.run(0.5)
    empty.start()
    seconds = world.run_until(
        lambda: empty.mind.status().state == "ready", 60.0, "the empty node is ready"
    )
    installed = [line for line in world.trace if f"{empty.name} snapshot-installed" in line]
    assert installed
    network.tell(f"an empty node is ready after {seconds:.1f} virtual s")
    world.run_until(network.is_served, 60.0, "everybody is served")
    network.speak("after a disk")
    network.check()

    cluster.balancers[-1].crash()
    lost = sum(client.is_lost for client in network.clients)
    assert lost in (USERS // BALANCERS, USERS // BALANCERS + 1)
    seconds = world.run_until(
        lambda: len(cluster.newest_state().users) == USERS - lost,
        60.0,
        "the dead balancer's clients are gone",
    )
    network.tell(f"the {lost} clients of a dead balancer are gone after {seconds:.1f} virtual s")
    network.speak("at the end")
    network.check(lost)
