"""A simulated cluster with balancers, clients and faults, and checks of its promises.

The checks know nothing of Roost's inside: what clients sent and received, the disks, and the log.
"""

from collections.abc import Callable, Mapping

import msgspec
from msgspec.structs import replace

from roost.chat.holes import Hole
from roost.chat.ids import Position, parse_message_id
from roost.chat.settings import Settings
from roost.chat.state import State
from roost.ircd.config import Config as IrcConfig
from roost.node.engine.config import EngineConfig
from roost.protocol.trunk import Drain
from roost.raft.config import GATHER_S
from roost.raft.config import Config as RaftConfig
from support.chat_invariants import check_invariants
from support.simulation.archive import ArchiveFaults, SimulatedArchive
from support.simulation.balancer import SimulatedBalancer
from support.simulation.clients import LABELLING, Received, SimulatedClient
from support.simulation.departures import watch_departures
from support.simulation.digests import digest_of
from support.simulation.disk import Archive, compare
from support.simulation.etcd import EtcdFaults, SimulatedEtcd
from support.simulation.network import Network
from support.simulation.node import SavedDisk, SimulatedNode
from support.simulation.people import Person
from support.simulation.transcript import Transcript
from support.simulation.truth import Truth
from support.simulation.world import World

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
CLOCKS_KNOWN_S = 1.5
"""Longer than heartbeats take, unless a node is frozen."""


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """How often faults happen; rates are per second for the whole cluster."""

    loss: float = 0.0
    """The share of frames between nodes that are lost."""
    crashes: float = 0.0
    disk_losses: float = 0.0
    disk_rollbacks: float = 0.0
    """Disks that are replaced by an older copy of themselves, while the others know better."""
    partitions: float = 0.0
    freezes: float = 0.0
    stalls: float = 0.0
    """Rate at which one direction of a link stalls for a while."""
    moves: float = 0.0
    """Rate at which sessions are moved, whatever they are doing."""
    drains: float = 0.0
    members: float = 0.0
    """Nodes that are added and removed, in a `GrowingCluster`."""
    balancer_crashes: float = 0.0
    """Balancers that die and start again, sometimes at once; they use no wall clock."""
    clock_jumps: float = 0.0
    """Wall clocks that are set wrong, one at a time, for moments or for good."""


NO_FAULTS = Faults()


class SimulatedCluster:
    """Nodes, balancers, clients that talk, and faults."""

    _are_faults_on = False

    def __init__(
        self,
        seed: int,
        *,
        nodes: int = 3,
        balancers: int = 1,
        people: int = 6,
        rooms: int = 2,
        pace: float = 5.0,
        faults: Faults = NO_FAULTS,
        snapshot_entries: int = 10_000,
        retained_entries: int = 20_000,
        irc: IrcConfig | None = None,
        gather_s: float = GATHER_S,
        settings: Settings | None = None,
        etcd: EtcdFaults | None = None,
        history_days: Mapping[str, float] | None = None,
        history: ArchiveFaults | None = None,
    ) -> None:
        self.world = World(seed)
        self.etcd = None if etcd is None else SimulatedEtcd(self.world, etcd)
        self.history = None if history is None else SimulatedArchive(self.world, history)
        self.faults = faults
        self.names = [f"n{number}" for number in range(1, nodes + 1)]
        self.network = Network(self.world, (0.0002, 0.004), faults.loss)
        self.archive = Archive()
        disks = (self.archive, self.etcd, self.history)
        self.nodes: dict[str, SimulatedNode] = {}
        founders = tuple(self.names)

        def make_node(name: str) -> SimulatedNode:
            config = EngineConfig(
                raft=RaftConfig(name=name, members=founders, gather_s=gather_s),
                # The checkers take each message for a live one.
                irc=replace(irc or IrcConfig(), autoreplay_lines=0),
                settings=settings or Settings(),
                snapshot_entries=snapshot_entries,
                retained_entries=retained_entries,
                history_days=(history_days or {}).get(name, 0),
                has_archive=history is not None,
            )
            return SimulatedNode(self.world, self.network, name, config, *disks)

        self.make_node = make_node
        for name in self.names:
            node = self.nodes[name] = make_node(name)
            self.network.join(node, [n for n in self.names if n < name])
        self.balancers = [
            SimulatedBalancer(self.world, self.network, f"b{number}")
            for number in range(1, balancers + 1)
        ]
        self._start_all()
        self.rooms = [f"#room{number}" for number in range(rooms)]
        self.clients: list[SimulatedClient] = []
        self.people = [
            Person(self.world, f"p{number}", self.rooms, self.connect, self.present, pace)
            for number in range(people)
        ]
        self._saved: dict[str, list[SavedDisk]] = {name: [] for name in self.names}
        self._applied_max = Position(0)

    def _start_all(self) -> None:
        for balancer in self.balancers:
            self.network.join(balancer, self.names)
        for node in self.nodes.values():
            node.start()
        self.network.start()

    # Clients

    def connect(self, name: str, capabilities: str) -> SimulatedClient:
        """Open a client connection to a random balancer."""
        if not any(balancer.is_up for balancer in self.balancers):
            self.balancers[0].start()
        running = [balancer for balancer in self.balancers if balancer.is_up]
        balancer = running[len(self.clients) % len(running)]
        client = SimulatedClient(
            self.world, balancer, name, capabilities, self._applied, self._heard
        )
        self.clients.append(client)
        return client

    def present(self) -> list[SimulatedClient]:
        """Return the clients that have not left."""
        return [client for client in self.clients if not client.has_left]

    def _applied(self) -> Position:
        """Tell how far any node has ever applied; one that did may have died since."""
        self._applied_max = max(self._applied_max, *(node.position for node in self.nodes.values()))
        return self._applied_max

    def _heard(self, client: SimulatedClient, received: Received) -> None:
        """Check a line that a client receives."""
        identity = parse_message_id(received.tags.get("msgid", ""))
        if identity is not None and self.etcd is not None:
            assert identity[0] in self.etcd.entries(), f"{client.name} saw what etcd lacks"
        elif identity is not None:
            seen = f"seed {self.world.seed}: {client.name} saw {received.message}"
            assert self.is_durable(identity[0]), f"{seen} while no majority had it on disk"
        for person in self.people:
            if person.client is client:
                person.hear(client, received)

    def is_durable(self, index: int) -> bool:
        """Tell whether a majority has, or had, an entry on its disks."""
        holders = sum(node.log_disk.had(index) for node in self.nodes.values())
        return holders * 2 > len(self.names)

    def newest_state(self) -> State:
        """Return the chat state of the node that has applied most."""
        engines = [node.engine for node in self.nodes.values() if node.engine is not None]
        return max(engines, key=lambda engine: engine.state.position).state

    def register(self, name: str, capabilities: str = LABELLING) -> SimulatedClient:
        """Open a connection and send all that it takes to register."""
        client = self.connect(name, capabilities)
        if capabilities:
            client.send("CAP", "REQ", capabilities)
        client.send("NICK", name)
        client.send("USER", name, "0", "*", name)
        if capabilities:
            client.send("CAP", "END")
        return client

    def wait_answered(self, seconds_max: float = 10.0) -> float:
        """Wait until every line of the present clients is answered; return how long it took."""
        return self.world.run_until(
            lambda: all(client.is_answered for client in self.present()),
            seconds_max,
            self._unsettled,
        )

    def leader(self) -> str:
        """Return the name of the leader."""
        return next(n for n, node in self.nodes.items() if node.mind.log.is_in_charge)

    def start_people(self) -> None:
        """Let clients connect and talk."""
        for person in self.people:
            self.world.at(self.world.random.uniform(0, 0.3), person.live)

    def people_stop(self) -> None:
        """Stop all talking."""
        for person in self.people:
            person.is_silent = True

    # Faults

    def start_faults(self) -> None:
        """Let faults happen at the configured rates."""
        self._are_faults_on = True
        self._schedule("crashes", self._crash)
        self._schedule("disk_losses", self._lose_disk)
        self._schedule("disk_rollbacks", self._set_disk_back)
        if self.faults.disk_rollbacks:
            self._save_disks()
        self._schedule("partitions", self._partition)
        self._schedule("freezes", self._freeze)
        self._schedule("stalls", self._stall)
        self._schedule("drains", self._drain)
        self._schedule("clock_jumps", self._jump_clock)
        watch_departures(self, while_=lambda: self._are_faults_on)
        if self.etcd is not None:
            self.etcd.start_faults(self.names)
        self._schedule("balancer_crashes", self._crash_balancer)
        self._schedule("moves", self._move)

    def _schedule(self, kind: str, action: Callable[[], None]) -> None:
        rate = getattr(self.faults, kind)
        if not rate:
            return

        def happen() -> None:
            if self._are_faults_on:
                action()
                self.world.at(self.world.random.expovariate(rate), happen)

        self.world.at(self.world.random.expovariate(rate), happen)

    def _crash(self) -> None:
        self.kill(self.world.random.choice(self.names))

    def kill(self, name: str, *, down_s: float | None = None, is_disk_lost: bool = False) -> None:
        """Crash a node and restart it later."""
        node = self.nodes[name]
        if not node.is_up:
            return
        self._applied()
        node.crash(is_disk_lost=is_disk_lost)
        pause = self.world.random.uniform(0.05, 3.0) if down_s is None else down_s
        self.world.at(pause, lambda: None if self._is_over(node) else node.start())

    def _is_over(self, node: SimulatedNode) -> bool:
        return node.is_up or node.name not in self.nodes

    def _move(self) -> None:
        balancer = self.world.random.choice(self.balancers)
        if balancer.is_up:
            balancer.move_any()

    def _crash_balancer(self) -> None:
        balancer = self.world.random.choice(self.balancers)
        if balancer.is_up:
            balancer.crash()
            pause = self.world.random.choice((0.0, 0.001, 0.1, 2.0))
            self.world.at(pause, lambda: None if balancer.is_up else balancer.start())

    def _are_all_sound(self) -> bool:
        """Tell whether all disks are sound: a second bad one would be a bad majority."""
        return all(state == "ready" for state in self.states().values())

    def _lose_disk(self) -> None:
        if self._are_all_sound():
            self.kill(self.world.random.choice(self.names), is_disk_lost=True)

    def _save_disks(self) -> None:
        for name, node in self.nodes.items():
            self._saved[name].append(node.save_disk())
        if self._are_faults_on:
            self.world.at(self.world.random.uniform(0.1, 1.0), self._save_disks)

    def _set_disk_back(self) -> None:
        name = self.world.random.choice(self.names)
        others = [node.log_disk for other, node in self.nodes.items() if other != name]
        known = min(disk.knows(name) for disk in others)
        saved = [disk for disk in self._saved[name] if disk.last < known]
        if saved and self._are_all_sound():
            self.set_back(name, self.world.random.choice(saved), down_s=0.1)
            # The worst moment: the others alone cannot tell what was confirmed.
            self.kill(self.world.random.choice(self.names))

    def set_back(self, name: str, saved: SavedDisk, *, down_s: float | None = None) -> None:
        """Crash a node, and start it again later with an older copy of its disk."""
        self.kill(name, down_s=down_s)
        self.nodes[name].set_back(saved)

    def _partition(self) -> None:
        doors = [balancer.name for balancer in self.balancers]
        ends = [*self.names, *doors] if self.world.random.random() < 0.4 else self.names
        side = [end for end in ends if self.world.random.random() < 0.4]
        self.world.log(f"partition around {side}")
        for one in side:
            for other in ends:
                if other not in side:
                    self.network.partition(one, other)
        self.world.at(self.world.random.uniform(0.2, 5.0), self.network.heal)

    def _freeze(self) -> None:
        node = self.nodes[self.world.random.choice(self.names)]
        node.freeze()
        self.world.at(self.world.random.uniform(0.1, 3.0), node.thaw)

    def _stall(self) -> None:
        ends = [*self.names, *(balancer.name for balancer in self.balancers)]
        one, other = self.world.random.sample(ends, 2)
        seconds = self.world.random.choice((0.05, 0.3, 0.9, 2.0))
        self.world.log(f"what {one} sends {other} stalls for {seconds} s")
        self.network.stall(one, other, seconds)

    def _drain(self) -> None:
        name = self.world.random.choice(self.names)
        for balancer in self.balancers:
            self.network.send(balancer.name, name, Drain(True))
        self.world.at(self.world.random.uniform(0.2, 2.0), lambda: self._undrain(name))

    def _undrain(self, name: str) -> None:
        for balancer in self.balancers:
            self.network.send(balancer.name, name, Drain(False))

    def _jump_clock(self) -> None:
        for node in self.nodes.values():
            set_clock_right(node)
        # The others learn by heartbeats that a clock is right again. Until then, a second wrong
        # clock would make a majority of wrong ones.
        self.world.at(CLOCKS_KNOWN_S, self._set_clock_wrong)

    def _set_clock_wrong(self) -> None:
        random = self.world.random
        if not self._are_faults_on or any(abs(n.skew_ms) > 300 for n in self.nodes.values()):
            return
        node = self.nodes[random.choice(self.names)]
        node.skew_ms = random.choice((-120 * DAY_MS, -HOUR_MS, -5000, 5000, HOUR_MS, 120 * DAY_MS))
        self.world.log(f"{node.name}'s clock is {node.skew_ms} ms ahead")

    def undrain_all(self) -> None:
        """Take all drains back, until every node is ready: an order may be lost."""
        for name, state in self.states().items():
            if state == "draining":
                self._undrain(name)
        if any(state != "ready" for state in self.states().values()):
            self.world.at(0.5, self.undrain_all)

    def stop_faults(self) -> None:
        """Repair everything."""
        self._are_faults_on = False
        self.network.loss = 0.0
        if self.etcd is not None:
            self.etcd.stop_faults()
        self.network.heal()
        for node in self.nodes.values():
            set_clock_right(node)
            node.thaw()
            if not node.is_up:
                node.start()
        for balancer in self.balancers:
            if not balancer.is_up:
                balancer.start()

    # Checks at the end

    def states(self) -> dict[str, str]:
        """Return how each node judges itself."""
        return {
            name: node.engine.status().state if node.engine else "down"
            for name, node in self.nodes.items()
        }

    def wait_ready(self) -> None:
        """Wait until all nodes are ready for all balancers; one may be held down for 30 s."""
        self.world.run_until(
            lambda: (
                all(state == "ready" for state in self.states().values())
                and all(len(b.ready_nodes()) == len(self.names) for b in self.balancers)
            ),
            40.0,
            lambda: f"all nodes ready, but {self.states()}",
        )

    def settle(self) -> None:
        """Wait until the cluster is complete, quiet and consistent; then check everything."""
        self.undrain_all()
        self.world.run_until(
            lambda: all(state == "ready" for state in self.states().values()),
            20.0,
            lambda: f"all nodes ready, but {self.states()}",
        )
        self.people_stop()
        # Clients that are still registering need a moment to finish.
        self.world.run(3.0)
        self.world.run_until(
            lambda: (
                all(client.is_answered for client in self.present())
                and not any(balancer.exchange.detaching_count for balancer in self.balancers)
                and len({node.position for node in self.nodes.values()}) == 1
            ),
            20.0,
            self._unsettled,
        )
        self.world.run(1.0)
        self.check()

    def _unsettled(self) -> str:
        described = "\n".join(
            f"{client.name} is at {client.session.node!r}, line {client.session.acknowledged}\n"
            f"{client.tell()}"
            for client in self.present()
            if not client.is_answered
        )
        return f"every line answered and all nodes at one position:\n{described}"

    def check(self) -> None:
        """Compare what clients saw with what the nodes store."""
        self._check_states()
        self.check_histories()
        refused = [line for line in self.world.trace if " run-refused " in line]
        assert not refused, f"seed {self.world.seed}: a balancer's only run is refused: {refused}"
        truth = self.truth()
        assert truth.said, "nobody said anything: the simulation shows nothing"
        try:
            for client in self.clients:
                Transcript(client, truth).check()
        except AssertionError as error:
            raise AssertionError(f"seed {self.world.seed}: {error}") from error
        present = [client.session.id for client in self.present()]
        assert sorted(truth.state.sessions) == sorted(present), "there are ghosts"

    def truth(self) -> Truth:
        """Replay the log."""
        node = max(self.nodes.values(), key=lambda node: node.position)
        holes = self.holes()
        if self.etcd is not None:
            return Truth(self.etcd.entries(), node.position, holes)
        entries = dict(self.archive.entries)
        entries |= {entry.index: entry for entry in node.log_disk.entries}
        return Truth(entries, node.position, holes)

    def holes(self) -> tuple[Hole, ...]:
        """Return what nodes have found that nobody holds any more."""
        return tuple(one for node in self.nodes.values() for one in node.history_disk.had_holes)

    def _check_states(self) -> None:
        digests: dict[int, tuple[str, int]] = {}
        for name, node in self.nodes.items():
            assert node.engine is not None
            assert not node.engine.state.failed_entries
            check_invariants(node.engine.state)
            for position, digest in node.digests.items():
                other, known = digests.setdefault(position, (name, digest))
                assert known == digest, (
                    f"seed {self.world.seed}: {name} and {other} differ at {position}"
                )
        for name, node in self.nodes.items():
            snapshot = node.log_disk.snapshot
            if snapshot is not None and snapshot.index in digests:
                assert digests[snapshot.index][1] == digest_of(snapshot.data), (
                    f"seed {self.world.seed}: {name}'s snapshot is not the state there"
                )

    def check_histories(self) -> None:
        """Hold the nodes' histories against each other."""
        compare({name: node.history_disk for name, node in self.nodes.items()}, self.world.seed)


def set_clock_right(node: SimulatedNode) -> None:
    """Set a wall clock as well as administrators do."""
    node.skew_ms = max(-300, min(300, node.skew_ms))
