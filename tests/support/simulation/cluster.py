"""A simulated cluster, its people, its faults, and the checkers that hold the promises.

The checkers know nothing of how the work is done: they compare what simulated clients saw, when
they saw it, with what the disks held.
"""

from collections.abc import Callable

import msgspec

from roost.chat.changes import Said
from roost.chat.history import decode_change
from roost.chat.ids import Position, message_id
from roost.ircd.config import Config as IrcConfig
from roost.node.engine import EngineConfig
from roost.raft.config import Config as RaftConfig
from support.chat_invariants import check_invariants
from support.simulation.clients import Connection, Door, Heard
from support.simulation.network import Network
from support.simulation.node import SimulatedNode
from support.simulation.world import World


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """How bad it gets; rates are per second for the whole cluster."""

    loss: float = 0.0
    crashes: float = 0.0
    disk_losses: float = 0.0
    partitions: float = 0.0
    freezes: float = 0.0


NO_FAULTS = Faults()


class SimulatedCluster:
    """Nodes, a door, people who talk, and faults."""

    def __init__(
        self,
        seed: int,
        *,
        nodes: int = 3,
        people: int = 6,
        rooms: int = 2,
        faults: Faults = NO_FAULTS,
        snapshot_entries: int = 10_000,
        retained_entries: int = 20_000,
    ) -> None:
        self.world = World(seed)
        self.faults = faults
        self.names = [f"n{number}" for number in range(1, nodes + 1)]
        self.network = Network(self.world, (0.0002, 0.004), faults.loss)
        self.nodes: dict[str, SimulatedNode] = {}
        for name in self.names:
            config = EngineConfig(
                raft=RaftConfig(name=name, members=tuple(self.names)),
                irc=IrcConfig(),
                snapshot_entries=snapshot_entries,
                retained_entries=retained_entries,
            )
            self.nodes[name] = SimulatedNode(self.world, self.network, name, config)
            self.network.join(self.nodes[name], [n for n in self.names if n < name])
        self.door = Door(self.world, self.network, "b1", self._heard)
        self.network.join(self.door, self.names)
        for node in self.nodes.values():
            node.start()
        self.network.start()
        self.rooms = [f"#room{number}" for number in range(rooms)]
        self.people = [f"p{number}" for number in range(people)]
        self.sent: dict[str, str] = {}
        self.said: dict[str, str] = {}
        """Text -> message id, the first time anybody heard it."""
        self.contents: dict[str, Heard] = {}
        self._visit = 0
        self._text = 0
        self._are_faults_on = False
        self._are_people_silent = False
        self._connections: dict[str, Connection | None] = dict.fromkeys(self.people)

    # Checkers that look at every message as it is heard

    def _heard(self, connection: Connection, heard: Heard) -> None:
        context = f"seed {self.world.seed} at {self.world.now:.4f}: {connection.nick}"
        holders = [n for n in self.nodes.values() if n.log_disk.had(heard.position)]
        assert len(holders) * 2 > len(self.names), (
            f"{context} saw {heard.msgid} while only {[n.name for n in holders]} had it on disk"
        )
        first = self.said.setdefault(heard.text, heard.msgid)
        assert first == heard.msgid, f"{context} saw one line twice: {first} and {heard.msgid}"
        known = self.contents.setdefault(heard.msgid, heard)
        assert known == heard, f"{context} saw {heard}, somebody else {known}"
        if len(connection.heard) > 1:
            before = connection.heard[-2].msgid
            assert before < heard.msgid, f"{context} saw {heard.msgid} after {before}"

    # People

    def start_people(self) -> None:
        """Let everybody come in and talk, and come back when they are thrown out."""
        for person in self.people:
            self.world.at(self.world.random.uniform(0, 0.3), self._life(person))

    def _life(self, person: str) -> Callable[[], None]:
        def live() -> None:
            if self._are_people_silent:
                return
            connection = self._connections[person]
            if connection is None or not connection.is_open:
                self._visit += 1
                connection = self.door.open(f"{person}v{self._visit}")
                self._connections[person] = connection
                if connection is not None:
                    for room in self.rooms:
                        self.door.send(connection, f"JOIN {room}")
            elif connection.is_registered:
                self._talk(connection)
            self.world.at(self.world.random.expovariate(8.0), live)

        return live

    def _talk(self, connection: Connection) -> None:
        self._text += 1
        text = f"t{self._text}"
        room = self.world.random.choice(self.rooms)
        self.sent[text] = connection.nick
        self.door.send(connection, f"PRIVMSG {room} :{text}")
        if self.world.random.random() < 0.02:
            self.door.send(connection, f"TOPIC {room} :about {text}")
        if self.world.random.random() < 0.01:
            self.door.close(connection)

    # Faults

    def start_faults(self) -> None:
        """Let things go wrong at the configured rates."""
        self._are_faults_on = True
        self._schedule("crashes", self._crash)
        self._schedule("disk_losses", self._lose_disk)
        self._schedule("partitions", self._partition)
        self._schedule("freezes", self._freeze)

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
        """Crash a node, and start it again later."""
        node = self.nodes[name]
        if not node.is_up:
            return
        node.crash(is_disk_lost=is_disk_lost)
        pause = self.world.random.uniform(0.05, 3.0) if down_s is None else down_s
        self.world.at(pause, lambda: None if node.is_up else node.start())

    def _lose_disk(self) -> None:
        # A second lost disk before the first is made good would be a lost majority.
        if all(
            n.engine is not None
            and n.engine.status().state == "ready"
            and not n.engine.replica.statistics().is_barred
            for n in self.nodes.values()
        ):
            self.kill(self.world.random.choice(self.names), is_disk_lost=True)

    def _partition(self) -> None:
        ends = [*self.names, "b1"] if self.world.random.random() < 0.3 else self.names
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

    def stop_faults(self) -> None:
        """Repair everything."""
        self._are_faults_on = False
        self.network.loss = 0.0
        self.network.heal()
        for node in self.nodes.values():
            node.thaw()
            if not node.is_up:
                node.start()

    # Checkers that look at the end

    def states(self) -> dict[str, str]:
        """Say how each node judges itself."""
        return {
            name: node.engine.status().state if node.engine else "down"
            for name, node in self.nodes.items()
        }

    def settle(self) -> None:
        """Wait until the cluster is whole again, quiet, and of one mind; then check everything."""
        self.world.run_until(
            lambda: all(state == "ready" for state in self.states().values()),
            20.0,
            f"all nodes ready, but {self.states()}",
        )
        self.people_stop()
        self.world.run(4.0)
        self.world.run_until(
            lambda: len({node.position for node in self.nodes.values()}) == 1,
            10.0,
            "all nodes at one position",
        )
        self.world.run(1.0)
        self.check()

    def people_stop(self) -> None:
        """Let everybody fall silent."""
        self._are_people_silent = True

    def check(self) -> None:
        """Hold what everybody saw against what the nodes keep."""
        self._check_states()
        self._check_histories()
        self._check_completeness()

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

    def _check_histories(self) -> None:
        first, *others = self.nodes.values()
        for node in others:
            assert node.history_disk.rows == first.history_disk.rows, (
                f"seed {self.world.seed}: histories of {first.name} and {node.name} differ"
            )
        for node in self.nodes.values():
            assert not node.history_disk.gaps

    def _check_completeness(self) -> None:
        assert self.said, "nobody said anything: the simulation shows nothing"
        rows = next(iter(self.nodes.values())).history_disk.rows
        rooms: dict[str, list[tuple[str, str]]] = {room: [] for room in self.rooms}
        texts: dict[str, str] = {}
        for (_, position, part), row in sorted(rows.items(), key=lambda item: item[0][1:]):
            change = decode_change(row.record)
            if isinstance(change, Said):
                identity = message_id(position, part)
                assert change.text not in texts, f"{change.text} took effect twice"
                texts[change.text] = identity
                rooms[change.target].append((identity, change.source.nick))
        for text, identity in self.said.items():
            assert texts.get(text) == identity, f"{text} was heard as {identity} and is lost"
        for connection in [*self.door.ended, *self.door.connections.values()]:
            for room, joined in connection.joined.items():
                heard = [h.msgid for h in connection.heard if h.target == room]
                due = [
                    msgid for msgid, _ in rooms[room] if msgid > message_id(Position(joined), 99)
                ]
                # A connection that ended saw a beginning of it, without a hole.
                assert heard == due[: len(heard)], (
                    f"seed {self.world.seed}: {connection.nick} in {room} heard {heard}, "
                    f"and it was {due}"
                )
                if connection.is_open:
                    assert len(heard) == len(due), (
                        f"seed {self.world.seed}: {connection.nick} lacks the last of {room}"
                    )
