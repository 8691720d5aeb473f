"""A simulated etcd cluster: three members in front of one store, and what happens to them."""

from collections.abc import Callable, Sequence

import msgspec

from roost.log import EtcdConfig
from roost.log.etcd.records import decode_batch
from roost.log.requests import (
    EtcdEffect,
    EtcdResult,
    KeyValue,
    Request,
    Status,
    Watch,
    Watched,
    WatchEnded,
)
from roost.raft.messages import ENTRY_COMMAND, ENTRY_NOOP, Entry
from support.etcd_model import EtcdStore, RefusedError, refusal
from support.simulation.disk import AHEAD_MS_MAX
from support.simulation.world import World

MEMBERS = 3
LOG = b"/roost/log/"
KEY_PARTS = 6
LATE_MS_MAX = 20_000
"""A batch may have waited in a node that was cut off or frozen, and for etcd."""


class EtcdFaults(msgspec.Struct, frozen=True, kw_only=True):
    """How often faults happen; rates are per second for the whole etcd cluster."""

    lost: float = 0.0
    """The share of requests that are lost, and of answers."""
    late: float = 0.0
    """The share of requests that arrive a second time, up to seconds later."""
    elections: float = 0.0
    """Leaders that are lost: nothing is answered until there is another."""
    kills: float = 0.0
    freezes: float = 0.0
    """Members that stop and go on."""
    cuts: float = 0.0
    """Nodes that are cut off from etcd."""
    outages: float = 0.0
    compactions: float = 0.0
    """Compactions of everything by somebody else."""
    lost_leases: float = 0.0
    full: float = 0.0
    """Moments without space."""


NO_ETCD_FAULTS = EtcdFaults()


def etcd_config(cluster: str, node: str, seed: int) -> EtcdConfig:
    """Return how a node uses etcd; half of the seeds have too few commands to forward otherwise."""
    above = 0.0 if seed % 2 else 10.0
    return EtcdConfig(cluster=cluster, node=node, endpoints=MEMBERS, forward_above=above)


class _Watcher(msgspec.Struct):
    ticket: int
    endpoint: int
    key: bytes
    end: bytes
    next: int
    tell: Callable[[EtcdResult], None]
    is_due: bool = False


class SimulatedEtcd:
    """The members, and the network between them and the nodes."""

    def __init__(self, world: World, faults: EtcdFaults = NO_ETCD_FAULTS) -> None:
        self._world = world
        self.faults = faults
        self.store = EtcdStore()
        self._is_up = [True] * MEMBERS
        self._frozen: list[list[Callable[[], None]] | None] = [None] * MEMBERS
        self._leaderless_until = 0.0
        self._leader = 0
        self._cut: dict[str, float] = {}
        self._cut_since: dict[str, float] = {}
        self._watchers: dict[str, _Watcher] = {}
        self._are_faults_on = False
        self._read = 0
        self._entries: dict[int, Entry] = {}
        self._runs: dict[bytes, bytes] = {}
        self._seen: set[bytes] = set()
        self._term = self._time_ms = 0

    @property
    def is_available(self) -> bool:
        """Whether a majority is up, and has a leader."""
        is_majority = 2 * sum(self._is_up) > MEMBERS
        return is_majority and self._world.now >= self._leaderless_until

    # What nodes ask

    def ask(self, node: str, effect: EtcdEffect, tell: Callable[[EtcdResult], None]) -> None:
        """Take a node's request; `tell` brings results to this run of the node."""
        random = self._world.random
        if isinstance(effect, Watch):
            self._world.at(random.uniform(0.0002, 0.002), lambda: self._watch(node, effect, tell))
            return
        self._send(node, effect, tell, random.uniform(0.0002, 0.002))
        if random.random() < self._rate("late"):
            self._send(node, effect, tell, random.uniform(0.01, 4.0))

    def forget(self, node: str) -> None:
        """Drop the watch of a node that has died."""
        self._watchers.pop(node, None)

    def _rate(self, kind: str) -> float:
        return float(getattr(self.faults, kind)) if self._are_faults_on else 0.0

    def _send(
        self, node: str, request: Request, tell: Callable[[EtcdResult], None], delay: float
    ) -> None:
        if self._world.random.random() >= self._rate("lost"):
            self._at(request.endpoint, delay, lambda: self._arrive(node, request, tell))

    def _at(self, endpoint: int, delay: float, action: Callable[[], None]) -> None:
        """Do something at a member, once it is not frozen."""

        def act() -> None:
            frozen = self._frozen[endpoint]
            if frozen is not None:
                frozen.append(act)
            else:
                action()

        self._world.at(delay, act)

    def _arrive(self, node: str, request: Request, tell: Callable[[EtcdResult], None]) -> None:
        world, endpoint = self._world, request.endpoint
        if self._is_cut(node):
            return
        if not self._is_up[endpoint]:
            answer = refusal(request.ticket, endpoint, "unavailable")
            world.at(0.0005, lambda: tell(answer))
            return
        if world.now < self._leaderless_until:
            if world.random.random() < 0.5:
                wait = self._leaderless_until - world.now + 0.01
                self._at(endpoint, wait, lambda: self._arrive(node, request, tell))
            return
        self._at(
            endpoint, world.random.uniform(0.0005, 0.004), lambda: self._do(request, node, tell)
        )

    def _do(self, request: Request, node: str, tell: Callable[[EtcdResult], None]) -> None:
        endpoint, world = request.endpoint, self._world
        if not self._is_up[endpoint]:
            return
        result: EtcdResult
        try:
            done = self.store.apply(request.operation, world.now)
            if isinstance(request.operation, Status):
                done = msgspec.structs.replace(done, is_success=endpoint == self._leader)
            result = msgspec.structs.replace(done, ticket=request.ticket, endpoint=endpoint)
        except RefusedError as refused:
            result = refusal(request.ticket, endpoint, refused.kind)
        self.entries()
        self._pump_all()
        if not self._is_cut(node) and world.random.random() >= self._rate("lost"):
            world.at(world.random.uniform(0.0002, 0.002), lambda: tell(result))

    def _is_cut(self, node: str) -> bool:
        return self._cut.get(node, 0.0) > self._world.now

    # Watches

    def _watch(self, node: str, watch: Watch, tell: Callable[[EtcdResult], None]) -> None:
        if self._is_cut(node):
            return
        if not self._is_up[watch.endpoint]:
            tell(WatchEnded(watch.ticket, is_compacted=False, reason="the member is down"))
            return
        self._watchers[node] = _Watcher(
            watch.ticket, watch.endpoint, watch.key, watch.end, watch.revision, tell
        )
        self._world.at(0.0005, lambda: tell(Watched(watch.ticket, (), watch.revision - 1)))
        self._pump(node)

    def _pump_all(self) -> None:
        for node in self._watchers:
            self._pump(node)

    def _pump(self, node: str) -> None:
        watcher = self._watchers[node]
        if not watcher.is_due:
            watcher.is_due = True
            lag = self._world.random.choice((0.0002, 0.001, 0.002, 0.03))
            self._at(watcher.endpoint, lag, lambda: self._push(node, watcher))

    def _push(self, node: str, watcher: _Watcher) -> None:
        watcher.is_due = False
        if self._watchers.get(node) is not watcher or not self._is_up[watcher.endpoint]:
            return
        if self._is_cut(node):
            watcher.is_due = True
            self._at(watcher.endpoint, 0.1, lambda: self._push(node, watcher))
            return
        if watcher.next <= self.store.compacted:
            del self._watchers[node]
            watcher.tell(WatchEnded(watcher.ticket, is_compacted=True, reason="compacted"))
            return
        events = self.store.events(watcher.key, watcher.end, watcher.next)
        if events:
            watcher.next = events[-1].mod_revision + 1
            watcher.tell(Watched(watcher.ticket, events, events[-1].mod_revision))

    # Faults

    def start_faults(self, nodes: Sequence[str]) -> None:
        """Let faults happen at the configured rates."""
        self._are_faults_on = True
        self._schedule("cuts", lambda: self._cut_any(nodes))
        self._schedule("elections", self.elect)
        self._schedule("kills", self._kill_any)
        self._schedule("freezes", self._freeze_any)
        self._schedule("outages", self._fail)
        self._schedule("compactions", self.compact)
        self._schedule("lost_leases", self.store.revoke_all)
        self._schedule("full", self._fill)

    def stop_faults(self) -> None:
        """Repair everything."""
        self._are_faults_on = False
        self._cut.clear()
        self.store.is_full = False
        for endpoint in range(MEMBERS):
            self._is_up[endpoint] = True
            self._thaw(endpoint)

    def _schedule(self, kind: str, action: Callable[[], None]) -> None:
        rate = self._rate(kind)

        def happen() -> None:
            if self._are_faults_on:
                action()
                self._world.at(self._world.random.expovariate(rate), happen)

        if rate:
            self._world.at(self._world.random.expovariate(rate), happen)

    def elect(self) -> None:
        """Lose the leader; there is another one soon."""
        seconds = self._world.random.uniform(0.2, 0.4)
        self._world.log(f"etcd has no leader for {seconds:.3f} s")
        self._leaderless_until = self._world.now + seconds
        self._leader = self._world.random.randrange(MEMBERS)

    def compact(self) -> None:
        """Compact everything that happened, as a person may."""
        self.store.compacted = max(self.store.compacted, self.store.revision - 1)
        self._pump_all()

    def cut(self, node: str, seconds: float) -> None:
        """Cut a node off from etcd."""
        self._world.log(f"{node} is cut off from etcd for {seconds:.2f} s")
        if not self._is_cut(node):
            self._cut_since[node] = self._world.now
        self._cut[node] = self._world.now + seconds

    def was_cut_off_lately(self, node: str, seconds: float) -> bool:
        """Return whether a node is cut off, and was not yet so long ago."""
        return self._is_cut(node) and self._world.now - self._cut_since[node] < seconds

    def _cut_any(self, nodes: Sequence[str]) -> None:
        random = self._world.random
        self.cut(random.choice(nodes), random.uniform(0.2, 5.0))

    def kill(self, endpoint: int, seconds: float) -> None:
        """Kill a member; one that may lead takes an election with it."""
        self._world.log(f"member {endpoint} of etcd is down for {seconds:.2f} s")
        self._is_up[endpoint] = False
        self._frozen[endpoint] = None
        if self._world.random.random() < 0.5:
            self.elect()
        for node, watcher in list(self._watchers.items()):
            if watcher.endpoint == endpoint:
                del self._watchers[node]
                watcher.tell(WatchEnded(watcher.ticket, is_compacted=False, reason="reset"))
        self._world.at(seconds, lambda: self._revive(endpoint))

    def _revive(self, endpoint: int) -> None:
        self._is_up[endpoint] = True

    def _kill_any(self) -> None:
        if all(self._is_up):
            self.kill(self._world.random.randrange(MEMBERS), self._world.random.uniform(0.2, 3.0))

    def _fail(self) -> None:
        seconds = self._world.random.uniform(0.5, 4.0)
        for endpoint in range(MEMBERS):
            self.kill(endpoint, seconds)

    def _freeze_any(self) -> None:
        endpoint = self._world.random.randrange(MEMBERS)
        if self._frozen[endpoint] is None and self._is_up[endpoint]:
            self._frozen[endpoint] = []
            if self._world.random.random() < 0.3:
                self.elect()
            self._world.at(self._world.random.uniform(0.1, 3.0), lambda: self._thaw(endpoint))

    def _thaw(self, endpoint: int) -> None:
        waiting, self._frozen[endpoint] = self._frozen[endpoint], None
        for action in waiting or ():
            action()

    def _fill(self) -> None:
        self.store.is_full = True
        self._world.at(self._world.random.uniform(0.1, 2.0), self._make_room)

    def _make_room(self) -> None:
        self.store.is_full = False

    # What the log is, by a second way of reading it

    def entries(self) -> dict[int, Entry]:
        """Return the log's entries by position, from all that was ever put."""
        for _, pair in self.store.history[self._read :]:
            parts = pair.key.split(b"/")
            if pair.key.startswith(LOG) and len(parts) == KEY_PARTS:
                self._take(pair, parts[3], parts[4])
        self._read = len(self.store.history)
        return self._entries

    def _take(self, pair: KeyValue, node: bytes, run: bytes) -> None:
        assert run >= self._runs.get(node, b""), "an earlier run of a node has written"
        self._runs[node] = run
        batch = decode_batch(pair.value)
        if pair.key in self._seen or batch is None:
            return
        self._seen.add(pair.key)
        self._term = max(self._term, batch.epoch)
        self._time_ms = max(self._time_ms, batch.time_ms)
        for command in batch.commands or (None,):
            position = len(self._entries) + 1
            kind = ENTRY_NOOP if command is None else ENTRY_COMMAND
            entry = Entry(position, self._term, self._time_ms, kind, command or b"")
            self._entries[position] = entry
        ahead_ms = self._time_ms - self._world.instant().wall_ms
        assert -LATE_MS_MAX <= ahead_ms <= AHEAD_MS_MAX, (
            f"seed {self._world.seed}: a batch has a time that is {ahead_ms} ms ahead"
        )
