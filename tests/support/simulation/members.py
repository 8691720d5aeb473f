"""A simulated cluster to which administrators add nodes, and from which they remove some.

They may do it at any moment, whatever else is happening. Every committed entry is recorded and held
against what all other nodes committed.
"""

from collections.abc import Callable, Iterator
from typing import Any

from roost.chat.commands.administration import AddNode, Administration, RemoveNode
from roost.chat.holes import Hole
from roost.chat.ids import Position
from roost.protocol.trunk import Ask
from roost.raft.membership import Membership
from roost.raft.messages import Configuration
from support.simulation.cluster import SimulatedCluster, set_clock_right
from support.simulation.node import SimulatedNode
from support.simulation.truth import Truth

NODES_MAX = 7
NODES_MIN = 3
NODES_MIN_ETCD = 1
"""Nodes without votes come and go freely."""
ASKED_S = 0.5
"""After this an administrator repeats a request through another node."""
STOPPED_S_MAX = 2.0
"""How long a removed node goes on at most, before its administrator stops it."""


class GrowingCluster(SimulatedCluster):
    """A cluster whose nodes come and go."""

    def __init__(self, seed: int, **options: Any) -> None:
        super().__init__(seed, **options)
        self.former: dict[str, SimulatedNode] = {}
        """Nodes that were removed; their disks may still hold what was confirmed."""
        self.added: list[str] = []
        self.removed: list[str] = []
        self._adding: dict[str, None] = {}
        """Nodes that the log may not know yet. Nobody asks for the removal of such a node: if that
        came first, the addition would follow, and the node would stay."""
        self._leaving: dict[str, None] = {}
        """Nodes whose removal was asked for. Nobody asks twice: if the node came back between, its
        administrator would take the first answer for the second one's."""
        self._requests = 0
        self._memberships: dict[str, Membership] = {}
        """What each node's log last said about who votes; also of those that have crashed."""
        # A wrong clock of two or fewer would have no majority against it.
        votes = self.etcd is None or bool(self.faults.clock_jumps)
        self.nodes_min = NODES_MIN if votes else NODES_MIN_ETCD
        for node in self.nodes.values():
            self._record(node)

    def _record(self, node: SimulatedNode) -> None:
        if self.etcd is not None:
            return
        node.recording = self.archive
        if node.is_up:
            node.log.archive = self.archive  # type: ignore[union-attr]

    # Changes

    def start_faults(self) -> None:
        super().start_faults()
        self._schedule("members", self.change)

    def change(self) -> None:
        """Begin a random change: add a new node or a former one, remove one, or replace one."""
        random = self.world.random
        count = len(self.names)
        if self.faults.clock_jumps:
            # Several removals may be under way, and a node that is not known yet has no say.
            count -= len({**self._leaving, **self._adding})
        what = random.choice(("add", "add", "remove", "remove", "replace"))
        if what == "add" and len(self.names) < NODES_MAX:
            self.add(self._any_name())
        elif what == "remove" and count > self.nodes_min:
            self._remove_any()
        elif what == "replace" and count > self.nodes_min:
            self._remove_any(lambda: self.add(self._any_name()))

    def _remove_any(self, then: Callable[[], None] = lambda: None) -> None:
        under_way = {**self._adding, **self._leaving}
        known = [name for name in self.names if name not in under_way]
        if known:
            self.remove(self.world.random.choice(known), then)

    def _any_name(self) -> str:
        """Return a name: usually a new one, sometimes one that was there before."""
        random = self.world.random
        if self.former and random.random() < 0.4:
            return random.choice(sorted(self.former))
        used = [*self.names, *self.former]
        return next(name for name in map("n{}".format, range(1, 99)) if name not in used)

    def add(self, name: str, *, is_disk_new: bool | None = None) -> None:
        """Start a node and ask for its addition; one that was there before may keep its disk."""
        node = self.former.pop(name, None)
        if node is not None:
            # Nobody adds a machine whose clock is known to be wrong.
            set_clock_right(node)
        if node is None:
            node = self.make_node(name)
            node.log_disk.wipe()
            self._record(node)
        elif is_disk_new or (is_disk_new is None and self.world.random.random() < 0.5):
            if node.is_up:
                self._applied()
                node.crash()
            node.log_disk.wipe()
            node.history_disk.wipe()
        self.world.log(f"administrators add {name}")
        self.names.append(name)
        self.nodes[name] = node
        self._saved.setdefault(name, [])
        self.network.join(node, [other for other in self.names if other != name])
        for balancer in self.balancers:
            self.network.join(balancer, [name])
        if not node.is_up:
            node.start()
        self.added.append(name)
        self._adding[name] = None
        self._ask(AddNode(name), lambda: self._adding.pop(name, None))

    def remove(self, name: str, then: Callable[[], None] = lambda: None) -> None:
        """Ask for a node's removal; when the log can do without the node, let go of it.

        If the cluster cannot do without it, ask for as long as there are faults.
        """
        self.world.log(f"administrators remove {name}")
        self._leaving[name] = None

        def wait() -> None:
            if name in self._needed():
                self.world.at(0.1, wait)
            else:
                self._let_go(name, then)

        self._ask(RemoveNode(name), wait)

    def _needed(self) -> tuple[str, ...]:
        """Return who keeps the log, as the most up-to-date node in touch with a majority knows."""
        if self.etcd is not None:
            return ()
        states = self.states()
        ready = [node for name, node in self.nodes.items() if states[name] == "ready"]
        known = max(ready, key=lambda node: node.replica.commit_index, default=None)
        return tuple(self.nodes) if known is None else known.replica.members

    def _let_go(self, name: str, then: Callable[[], None]) -> None:
        if not any(node.is_up for node in self.nodes.values()):
            self.world.at(ASKED_S, lambda: self._let_go(name, then))
            return
        self._leaving.pop(name, None)
        if name in self.nodes and name not in self.newest_state().nodes:
            self.names.remove(name)
            node = self.former[name] = self.nodes.pop(name)
            self.removed.append(name)

            def stop() -> None:
                if name in self.former and node.is_up:
                    self._applied()
                    node.crash()

            self.world.at(self.world.random.uniform(0.0, STOPPED_S_MAX), stop)
            then()

    def _ask(self, operation: Administration, done: Callable[[], None] = lambda: None) -> None:
        """Repeat a request through one node after the other until the log has its outcome."""
        self._requests += 1
        request = f"r{self._requests}"

        def attempt() -> None:
            engines = [node.engine for node in self.nodes.values() if node.engine is not None]
            if any(request in engine.state.outcomes for engine in engines):
                done()
                return
            if self._are_faults_on or isinstance(operation, AddNode):
                balancer = self.world.random.choice(self.balancers).name
                node = self.world.random.choice(self.names)
                self.network.send(balancer, node, Ask(1, request, operation))
            self.world.at(ASKED_S, attempt)

        attempt()

    def ask(self, operation: Administration) -> None:
        """Repeat a request until it is carried out, and wait until it is."""
        done: list[bool] = []
        were_on, self._are_faults_on = self._are_faults_on, True
        if isinstance(operation, RemoveNode):
            self.remove(operation.name, lambda: done.append(True))
        else:
            self.add(operation.name)  # type: ignore[union-attr]
            done.append(True)
        self.world.run_until(lambda: bool(done), 20.0, f"{operation} is done")
        self._are_faults_on = were_on

    # Faults

    def _are_all_sound(self) -> bool:
        """Tell also whether the others would be a majority of the voters if one lost its disk."""
        if not super()._are_all_sound() or self.etcd is not None:
            return super()._are_all_sound()
        groups = [known[-1][1].voters for known in self._groups()]
        sound = all(node.replica.is_sound for node in self.nodes.values())
        # A removed voter cannot help any more.
        return sound and all(
            len(voters) >= 3 and all(name in self.nodes for name in voters) for voters in groups
        )

    def _set_disk_back(self) -> None:
        """Set no disks back: learners do not remember how far others were."""

    # Checks

    def settle(self) -> None:
        """Wait also until the nodes have given each other what only some of them have.

        And until the log can do without the nodes that were removed.
        """
        self.world.run_until(
            lambda: len({tuple(hole[:2] for hole in holes) for holes in self._holes()}) == 1,
            30.0,
            lambda: f"the same holes, but {self._holes()}",
        )
        # What was asked for last is still under way.
        self.world.run(2.0)
        self.world.run_until(
            lambda: sorted(self.newest_state().nodes) == sorted(self.names),
            30.0,
            lambda: f"the nodes {self.names}, but {sorted(self.newest_state().nodes)}",
        )
        self.wait_ready()
        super().settle()

    def _holes(self) -> list[tuple[Hole, ...]]:
        return [node.history_disk.holes for node in self.nodes.values()]

    def _applied(self) -> Position:
        """Tell how far any node has ever applied, also one that is no longer needed."""
        for node in self.former.values():
            self._applied_max = max(self._applied_max, node.position)
        return super()._applied()

    def voters(self) -> tuple[str, ...]:
        """Return who votes, as far as the most up-to-date node knows."""
        up = [node for node in self.nodes.values() if node.engine is not None]
        newest = max(up, key=lambda node: (node.replica.commit_index, node.replica.is_voter))
        return newest.replica.configuration.voters

    def _groups(self) -> Iterator[list[tuple[int, Configuration]]]:
        """Yield the configurations that each running node's log has, with their indexes."""
        for node in [*self.nodes.values(), *self.former.values()]:
            if node.engine is not None:
                yield node.replica._core.membership._known

    def is_durable(self, index: int) -> bool:
        """Tell whether a majority has an entry, in any group that may have committed it.

        A node may be the whole group, and may have crashed since.
        """
        everybody = {**self.former, **self.nodes}
        for name, node in everybody.items():
            if node.engine is not None:
                self._memberships[name] = node.replica._core.membership
        holders = [name for name, node in everybody.items() if node.log_disk.had(index)]
        return any(
            2 * sum(name in holders for name in group.voters) > len(group.voters)
            for known in [membership._known for membership in self._memberships.values()]
            for number, (since, group) in enumerate(known)
            # The one that counted when the entry was appended, and all later ones.
            if since > index or number + 1 == len(known) or known[number + 1][0] > index
        )

    def truth(self) -> Truth:
        """Replay the log; every committed entry was recorded."""
        if self.etcd is not None:
            return super().truth()
        position = max(node.position for node in self.nodes.values())
        return Truth(self.archive.entries, position, self.holes())

    def holes(self) -> tuple[Hole, ...]:
        """Return also what former nodes have found to be lost."""
        former = (hole for node in self.former.values() for hole in node.history_disk.had_holes)
        return (*super().holes(), *former)

    def check(self) -> None:
        super().check()
        state = self.newest_state()
        assert sorted(state.nodes) == sorted(self.names)
        if self.etcd is not None:
            return
        voters = self.voters()
        assert len(voters) == min(len(self.names), state.settings.voters_max), voters
        assert all(name in self.names for name in voters)
