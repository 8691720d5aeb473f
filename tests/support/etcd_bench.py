"""Ends of a log in an etcd model, on a test bench: the network is fast unless it is held."""

from collections.abc import Callable

import msgspec

from roost.instant import Instant
from roost.log import Entry, EtcdConfig, EtcdEffect, EtcdLog, EtcdResult, Request, Snapshot, Watch
from roost.log.etcd.forwarding import FORWARD_ABOVE
from roost.log.requests import Operation, Status, Watched, WatchEnded
from roost.raft.messages import Message
from support.etcd_model import EtcdStore, RefusedError, refusal

WALL_MS = 1_700_000_000_000


class End:
    """One node's end of the log."""

    def __init__(self, bench: "Bench", node: str, log: EtcdLog) -> None:
        self.bench = bench
        self.node = node
        self.log = log
        self.committed: list[Entry] = []
        self.installed: list[Snapshot] = []
        self.asked: list[EtcdEffect] = []
        """What was asked and not answered, because the network is held."""
        self.watch: Watch | None = None
        self.next = 0

    @property
    def commands(self) -> list[bytes]:
        return [entry.data for entry in self.committed]

    @property
    def fault(self) -> str:
        fault = self.log.status().fault
        return "" if fault is None else fault[0]

    def propose(self, *commands: bytes) -> bool:
        is_taken = self.log.propose(commands, self.bench.now())
        self.settle()
        return is_taken

    def settle(self) -> None:
        """Obey the log until it has nothing to do."""
        for _ in range(1000):
            output = self.log.take_output()
            for peer, message in output.messages:
                self.bench.pass_on(self.node, peer, message)
            self.committed.extend(output.committed)
            if output.snapshot is not None:
                self.installed.append(output.snapshot)
                self.committed.clear()
            for effect in output.effects:
                assert isinstance(effect, Request | Watch)
                if self.bench.is_held:
                    self.asked.append(effect)
                else:
                    self.answer(effect)
            self._push()
            if not output.effects and not output.committed and not output.messages:
                return
        raise AssertionError("the log never falls silent")

    def answer(self, effect: EtcdEffect) -> None:
        """Do what was asked."""
        if isinstance(effect, Watch):
            self.watch, self.next = effect, effect.revision
            self.tell(Watched(effect.ticket, (), effect.revision - 1))
            return
        self.tell(self.bench.do(effect))

    def tell(self, result: EtcdResult) -> None:
        self.log.receive(result, self.bench.now())

    def _push(self) -> None:
        store, watch = self.bench.store, self.watch
        if watch is None or self.bench.is_held:
            return
        if self.next <= store.compacted:
            self.watch = None
            self.tell(WatchEnded(watch.ticket, is_compacted=True, reason="compacted"))
            return
        events = store.events(watch.key, watch.end, self.next)
        if events:
            self.next = events[-1].mod_revision + 1
            self.tell(Watched(watch.ticket, events, events[-1].mod_revision))


class Bench:
    """A store, a clock, and the ends of the log."""

    def __init__(self) -> None:
        self.store = EtcdStore()
        self.time = 100.0
        self.wall_ms = WALL_MS
        self.is_held = False
        self.leader = -1
        """The endpoint that leads."""
        self.done: list[Request] = []
        """What was asked and done, in order."""
        self.refuses: Callable[[Operation], str] = lambda _operation: ""
        """Returns the kind of refusal for an operation; empty to do it."""
        self.are_links_held = False
        self.passed: list[tuple[str, str, Message]] = []
        """What nodes told each other: who, whom, and what."""
        self.ends: list[End] = []

    def now(self) -> Instant:
        return Instant(self.time, self.wall_ms)

    def open(
        self,
        node: str = "n1",
        *,
        cluster: str = "test",
        known: tuple[int, int] = (0, 0),
        endpoints: int = 3,
        forward_above: float = FORWARD_ABOVE,
    ) -> End:
        """Start a run of a node."""
        config = EtcdConfig(
            cluster=cluster, node=node, endpoints=endpoints, forward_above=forward_above
        )
        end = End(self, node, EtcdLog(config, known, self._random, self.now()))
        self.ends.append(end)
        end.settle()
        self.wait(0.1)
        return end

    def link(self) -> None:
        """Link all nodes."""
        for end in self.ends:
            for other in self.ends:
                if other is not end:
                    end.log.peer_connected(other.node, self.now())

    def pass_on(self, node: str, peer: str, message: Message) -> None:
        """Bring a message to a neighbour, unless the links are held."""
        self.passed.append((node, peer, message))
        if not self.are_links_held:
            self.bring(node, peer, message)

    def bring(self, node: str, peer: str, message: Message) -> None:
        """Bring a message to a neighbour."""
        for end in self.ends:
            if end.node == peer:
                end.log.receive_message(node, message, self.now())
                end.settle()

    def _random(self) -> float:
        """Return small numbers: the first endpoint is asked first."""
        return len(self.ends) / 1000

    def do(self, request: Request) -> EtcdResult:
        """Do a request at once."""
        ticket, endpoint = request.ticket, request.endpoint
        if kind := self.refuses(request.operation):
            return refusal(ticket, endpoint, kind)
        self.done.append(request)
        try:
            answer = self.store.apply(request.operation, self.time)
        except RefusedError as refused:
            return refusal(ticket, endpoint, refused.kind)
        if isinstance(request.operation, Status):
            answer = msgspec.structs.replace(answer, is_success=endpoint == self.leader)
        return msgspec.structs.replace(answer, ticket=ticket, endpoint=endpoint)

    def wait(self, seconds: float) -> None:
        """Let time pass at all ends."""
        until = self.time + seconds
        while self.time < until:
            self.time += 0.05
            for end in self.ends:
                end.log.tick(self.now())
                end.settle()
