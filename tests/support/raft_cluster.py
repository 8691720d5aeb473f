"""A small cluster of replicas on a virtual clock, with faults and the paper's safety checks.

Links are up or down, and both ends know it. Messages may be lost, doubled, late and out of order.
Disks write batches in order and with a delay; a crash loses unsynced data. The checks are those of
Figure 3: election safety, log matching, leader completeness and state machine safety.
"""

import heapq
import random
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from roost.instant import Instant
from roost.raft.config import Config
from roost.raft.messages import (
    ENTRY_COMMAND,
    Configuration,
    Entry,
    HardState,
    Message,
    Output,
    Persist,
    Snapshot,
    Stored,
)
from roost.raft.replica import Replica


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """Probabilities of faults per message, and times."""

    loss: float = 0.0
    doubling: float = 0.0
    delay_s: tuple[float, float] = (0.0002, 0.002)
    fsync_s: tuple[float, float] = (0.0005, 0.004)
    has_ghosts: bool = False
    """Messages survive their link and their process, which is worse than TCP."""


CALM = Faults()


class Disk:
    """What survives a crash."""

    def __init__(self) -> None:
        self.hard_state = HardState()
        self.snapshot: Snapshot | None = None
        self.entries: list[Entry] = []
        self._before_lazy: tuple[HardState, Snapshot | None, list[Entry]] | None = None

    def write(self, persist: Persist) -> None:
        if not persist.is_lazy:
            self._before_lazy = None
        elif self._before_lazy is None:
            self._before_lazy = (self.hard_state, self.snapshot, list(self.entries))
        if persist.snapshot is not None:
            self.snapshot = persist.snapshot
            self.entries = []
        if persist.entries:
            first = persist.entries[0].index
            while self.entries and self.entries[-1].index >= first:
                self.entries.pop()
            if self.entries:
                assert self.entries[-1].index == first - 1, "a hole in the log"
            else:
                assert first == (self.snapshot.index + 1 if self.snapshot else 1)
            self.entries.extend(persist.entries)
        if persist.hard_state is not None:
            self.hard_state = persist.hard_state

    def lose_power(self) -> None:
        """Lose what was written without waiting for the disk."""
        if self._before_lazy is not None:
            self.hard_state, self.snapshot, self.entries = self._before_lazy
            self._before_lazy = None

    def compact(self, snapshot: Snapshot, first_index: int) -> None:
        self.snapshot = snapshot
        self.entries = [entry for entry in self.entries if entry.index >= first_index]

    def stored(self) -> Stored:
        return Stored(self.hard_state, self.snapshot, tuple(self.entries))

    def has(self, entry: Entry) -> bool:
        if self.snapshot is not None and entry.index <= self.snapshot.index:
            return True
        return bool(self.entries) and entry in self.entries

    def cut(self, index: int) -> None:
        """Corrupt the entries from `index` on, as the store reports it."""
        last = self.entries[-1]
        self.entries = [entry for entry in self.entries if entry.index < index]
        self.hard_state = msgspec.structs.replace(
            self.hard_state, floor_term=last.term, floor_index=last.index
        )


Job = Persist | tuple[Snapshot, int]


class Node:
    """A process: a replica, its disk, and a state machine that records what it applies."""

    def __init__(self, cluster: "Cluster", name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.disk = Disk()
        self.replica: Replica | None = None
        self.life = 0
        self.applied: list[bytes] = []
        self.applied_index = 0
        self._queue: list[Job] = []
        self._syncing: list[Job] = []

    @property
    def up(self) -> Replica:
        assert self.replica is not None
        return self.replica

    def start(self) -> None:
        cluster = self.cluster
        self.life += 1
        self._queue, self._syncing = [], []
        config = Config(name=self.name, members=cluster.founders, **cluster.settings)
        stored = self.disk.stored()
        self.replica = Replica(config, stored, cluster.random.random, cluster.now())
        self.applied, self.applied_index = [], 0
        if stored.snapshot is not None:
            self._install(stored.snapshot)
        self.step(lambda replica, now: None)
        cluster.link(self.name)

    def crash(self) -> None:
        """Kill the process. Unsynced writes are lost; part of a running sync may survive."""
        if self.replica is None:
            return
        for job in self._syncing[: self.cluster.random.randint(0, len(self._syncing))]:
            self._write(job)
        if self.cluster.random.random() < 0.5:
            self.disk.lose_power()
        self.replica = None
        self.life += 1
        self.cluster.unlink(self.name)

    def lose_disk(self) -> None:
        """Kill the process and lose its disk. It learns that nobody knows what it had."""
        self.crash()
        self.disk = Disk()
        self.disk.hard_state = HardState(is_amnesiac=True)

    def step(self, action: Callable[[Replica, Instant], object]) -> None:
        """Call the replica, obey its output, and schedule its next deadline."""
        if self.replica is None:
            return
        replica = self.replica
        action(replica, self.cluster.now())
        for _ in range(100):
            output = replica.take_output()
            if output == Output(None, (), None, ()):
                break
            self._obey(output)
        else:
            raise AssertionError("the replica never falls silent")
        self.cluster.check_leader(self)
        self._sync()
        life = self.life
        deadline = max(replica.next_deadline(), self.cluster.time + 0.0005)

        def wake() -> None:
            if self.life == life and replica.next_deadline() <= self.cluster.time:
                self.step(lambda replica, now: replica.tick(now))

        self.cluster.at(deadline, wake)

    def _obey(self, output: Output) -> None:
        if output.persist is not None:
            self._queue.append(output.persist)
            assert output.persist.hard_state or output.persist.snapshot or output.persist.entries
        for receiver, message in output.messages:
            self.cluster.send(self.name, receiver, message)
        if output.snapshot is not None:
            self._install(output.snapshot)
        for entry in output.committed:
            assert entry.index == self.applied_index + 1, "applied once, in order"
            self.applied_index = entry.index
            if entry.kind == ENTRY_COMMAND:
                self.applied.append(entry.data)
            self.cluster.check_committed(self, entry)
        every = self.cluster.snapshot_every
        known = self.up.statistics().first_index
        if every and self.applied_index >= known + 2 * every:
            self._compact()

    def _compact(self) -> None:
        index = self.applied_index
        entry = self.cluster.committed[index]
        data = msgspec.msgpack.encode(self.applied)
        snapshot = Snapshot(index, entry.term, entry.time_ms, data)
        first_index = index - self.cluster.snapshot_every // 2
        to_store = self.up.compact(snapshot, first_index)
        if to_store is not None:
            self._queue.append((to_store, first_index))

    def _install(self, snapshot: Snapshot) -> None:
        self.applied = msgspec.msgpack.decode(snapshot.data, type=list[bytes])
        self.applied_index = snapshot.index

    def _sync(self) -> None:
        """Group commit: one sync covers everything queued during the last one."""
        if self._syncing or not self._queue:
            return
        self._syncing, self._queue = self._queue, []
        life = self.life

        def finish() -> None:
            if self.life != life:
                return
            jobs, self._syncing = self._syncing, []
            number = 0
            for job in jobs:
                self._write(job)
                if isinstance(job, Persist):
                    number = job.number
                    for receiver, message in job.messages:
                        self.cluster.send(self.name, receiver, message)
            self.step(lambda replica, now: replica.persisted(number, now) if number else None)
            self._sync()

        self.cluster.after(self.cluster.faults.fsync_s, finish)

    def _write(self, job: Job) -> None:
        if isinstance(job, Persist):
            self.disk.write(job)
        else:
            self.disk.compact(*job)


class Cluster:
    """Nodes, links and the virtual clock."""

    def __init__(
        self,
        size: int = 3,
        seed: int = 0,
        faults: Faults = CALM,
        snapshot_every: int = 0,
        **settings: Any,
    ) -> None:
        self.random = random.Random(seed)
        self.faults = faults
        self.settings = settings
        self.snapshot_every = snapshot_every
        self.time = 0.0
        self.founders = self.names = tuple(f"n{number}" for number in range(1, size + 1))
        self.nodes = {name: Node(self, name) for name in self.names}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._links: dict[tuple[str, str], int] = {}
        self._link_count = 0
        self.cut: set[tuple[str, str]] = set()
        self.leaders: dict[int, str] = {}
        self.committed: dict[int, Entry] = {}
        self.sent_count = 0

    def add(self) -> Node:
        """Start another node, which is no member yet. Its empty disk says nothing of its past."""
        name = f"n{len(self.names) + 1}"
        self.names = (*self.names, name)
        node = self.nodes[name] = Node(self, name)
        node.disk.hard_state = HardState(is_amnesiac=True)
        node.start()
        return node

    # Time

    def now(self) -> Instant:
        return Instant(self.time, int(self.time * 1000))

    def at(self, time: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (time, self._count, action))

    def after(self, spread: tuple[float, float], action: Callable[[], None]) -> None:
        self.at(self.time + self.random.uniform(*spread), action)

    def run(self, seconds: float) -> None:
        self.run_until(lambda: False, seconds, must_happen=False)

    def run_until(
        self, condition: Callable[[], bool], seconds: float, *, must_happen: bool = True
    ) -> None:
        end = self.time + seconds
        while not condition():
            if not self._events or self._events[0][0] > end:
                assert not must_happen, f"not within {seconds} s: {self.roles()}"
                self.time = end
                return
            self.time, _, action = heapq.heappop(self._events)
            action()

    # Links

    def start(self) -> "Cluster":
        for node in self.nodes.values():
            node.start()
        return self

    def link(self, name: str) -> None:
        """Link a node with every node that it can reach."""
        for other in self.names:
            if other == name or not self.nodes[other].replica or not self.nodes[name].replica:
                continue
            if _pair(name, other) in self.cut or _pair(name, other) in self._links:
                continue
            self._link_count += 1
            self._links[_pair(name, other)] = self._link_count
            for end, peer in ((name, other), (other, name)):
                self.nodes[end].step(
                    lambda replica, now, peer=peer: replica.peer_connected(peer, now)  # type: ignore[misc]
                )

    def unlink(self, name: str, others: tuple[str, ...] | None = None) -> None:
        """Break a node's links; the other ends notice within 2 ms."""
        for other in others or self.names:
            link = self._links.pop(_pair(name, other), 0)
            for end, peer in ((name, other), (other, name)) if link else ():

                def tell(end: str = end, peer: str = peer) -> None:
                    if _pair(end, peer) not in self._links:
                        self.nodes[end].step(
                            lambda replica, now: replica.peer_disconnected(peer, now)
                        )

                self.after((0.0, 0.002), tell)

    def partition(self, side: list[str], *, is_noticed: bool) -> None:
        """Cut a side off; its links either break or silently drop everything."""
        for name in side:
            others = tuple(other for other in self.names if other not in side)
            self.cut |= {_pair(name, other) for other in others}
            if is_noticed and others:
                self.unlink(name, others)

    def heal(self) -> None:
        self.cut.clear()
        for name in self.names:
            self.unlink(name)
        self.run(0.003)
        for name in self.names:
            self.link(name)

    def send(self, sender: str, receiver: str, message: Message) -> None:
        self.sent_count += 1
        link = self._links.get(_pair(sender, receiver))
        if link is None or self.random.random() < self.faults.loss:
            return

        pair = _pair(sender, receiver)
        life = self.nodes[receiver].life
        has_ghosts = self.faults.has_ghosts

        def deliver() -> None:
            node = self.nodes[receiver]
            is_same = node.life == life and self._links.get(pair) == link
            if pair not in self.cut and (is_same or has_ghosts):
                node.step(lambda replica, now: replica.receive(sender, message, now))

        self.after(self.faults.delay_s, deliver)
        if self.random.random() < self.faults.doubling:
            self.after(self.faults.delay_s, deliver)

    # People

    def leader(self) -> Node | None:
        """Return the running leader of the highest term; None if there is none."""
        leading = [node for node in self.nodes.values() if node.replica and node.up.is_leader]
        return max(leading, key=lambda node: node.up.term, default=None)

    def wait_leader(self, seconds: float = 5.0) -> Node:
        """Run until a majority follows a leader."""

        def is_followed() -> bool:
            leader = self.leader()
            return leader is not None and leader.up.is_in_touch and leader.up.commit_index > 0

        self.run_until(is_followed, seconds)
        leader = self.leader()
        assert leader is not None
        return leader

    def propose(self, name: str, *commands: bytes) -> bool:
        taken: list[bool] = []
        self.nodes[name].step(lambda replica, now: taken.append(replica.propose(commands, now)))
        return taken == [True]

    def change(self, voters: Sequence[str], learners: Sequence[str] = ()) -> bool:
        """Ask the leader to change the group."""
        leader = self.leader()
        taken: list[bool] = []
        configuration = Configuration(tuple(voters), tuple(learners))
        if leader is not None:
            leader.step(lambda replica, now: taken.append(replica.change(configuration, now)))
        return taken == [True]

    def must_change(self, voters: Sequence[str], learners: Sequence[str] = ()) -> None:
        """Change the group, and wait until that is committed."""
        wanted = Configuration(tuple(voters), tuple(learners))
        self.run_until(lambda: self.change(voters, learners), 5.0)

        def is_committed() -> bool:
            leader = self.leader()
            return (
                leader is not None
                and leader.up.configuration == wanted
                and leader.up.is_configuration_committed
            )

        self.run_until(is_committed, 5.0)

    def settle(self, seconds: float = 10.0) -> None:
        """Run until all nodes have applied the same entries, including a new one."""
        marker = b"settled at %d" % int(self.time * 1e6)

        def is_settled() -> bool:
            nodes = self.nodes.values()
            return all(node.applied and node.applied[-1] == marker for node in nodes)

        deadline = self.time + seconds
        while not is_settled():
            assert self.time < deadline, f"never settled: {self.roles()}"
            for node in self.nodes.values():
                if marker not in node.applied[-1:] and self.propose(node.name, marker):
                    break
            self.run_until(is_settled, 1.0, must_happen=False)

    def roles(self) -> dict[str, object]:
        return {
            name: node.up.statistics() if node.replica else "down"
            for name, node in self.nodes.items()
        }

    # Checkers

    def check_leader(self, node: Node) -> None:
        """Election safety, and leader completeness for every new leader (Figure 3)."""
        replica = node.up
        if not replica.is_leader or self.leaders.get(replica.term) == node.name:
            return
        known = self.leaders.setdefault(replica.term, node.name)
        assert known == node.name, f"{known} and {node.name} both lead term {replica.term}"
        log = replica._core.log
        for index, entry in self.committed.items():
            if index <= log.previous_index:
                continue
            if entry.term < replica.term:
                assert log.term_at(index) == entry.term, f"{node.name} lacks committed {entry}"

    def check_committed(self, node: Node, entry: Entry) -> None:
        """State machine safety (Figure 3)."""
        known = self.committed.setdefault(entry.index, entry)
        assert known == entry, f"{node.name} applied {entry}, somebody else {known}"

    def check_logs(self) -> None:
        """Log matching (Figure 3): where two logs agree on a term, all before is equal."""
        logs = [node.disk.entries for node in self.nodes.values()]
        for one in logs:
            for other in logs:
                mine = {entry.index: entry for entry in one}
                shared = [e for e in other if e.index in mine and mine[e.index].term == e.term]
                if shared:
                    last = shared[-1].index
                    for entry in other:
                        if entry.index <= last and entry.index in mine:
                            assert mine[entry.index] == entry, "logs do not match"

    def check_times(self) -> None:
        """Check that times never go back."""
        times = [self.committed[index].time_ms for index in sorted(self.committed)]
        assert times == sorted(times)


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
