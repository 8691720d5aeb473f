"""One replica on a test bench: a test sends it messages and inspects its output."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from roost.instant import Instant
from roost.raft.config import Config
from roost.raft.messages import (
    ENTRY_COMMAND,
    AppendRequest,
    AppendResponse,
    Entry,
    HardState,
    Message,
    Output,
    Persist,
    Report,
    Snapshot,
    Stored,
    VoteRequest,
    VoteResponse,
)
from roost.raft.replica import Replica

M = TypeVar("M", bound=Message)


def entry(index: int, term: int, data: bytes = b"x", time_ms: int = 0) -> Entry:
    return Entry(index, term, time_ms, ENTRY_COMMAND, data)


def entries(*terms: int, first: int = 1) -> tuple[Entry, ...]:
    """Return consecutive entries of these terms."""
    return tuple(entry(index, term) for index, term in enumerate(terms, start=first))


class Bench:
    """Replica "a" of a, b, c, ... Its links are up; its disk writes at once unless held."""

    def __init__(
        self,
        size: int = 3,
        *,
        hard_state: HardState = HardState(),  # noqa: B008 -- immutable
        log: Sequence[Entry] = (),
        snapshot: Snapshot | None = None,
        is_connected: bool = True,
        random: Callable[[], float] = lambda: 0.5,
        members: tuple[str, ...] = (),
        **settings: Any,
    ) -> None:
        self.members = members or tuple("abcdefg"[:size])
        self.peers = tuple(name for name in self.members if name != "a")
        self.time = 100.0
        self.config = Config(name="a", members=self.members, **settings)
        self.stored = Stored(hard_state, snapshot, tuple(log))
        self.replica = Replica(self.config, self.stored, random, self.now())
        self.is_disk_held = False
        self.sent: list[tuple[str, Message]] = []
        """All messages that the replica sent, in order."""
        self.applied: list[Entry] = []
        self.installed: list[Snapshot] = []
        self.persists: list[Persist] = []
        self.waiting: list[Persist] = []
        """Batches that the held disk has not written yet."""
        self.settle()
        for peer in self.peers if is_connected else ():
            self.connect(peer)

    def now(self) -> Instant:
        return Instant(self.time, int(self.time * 1000))

    # Inputs

    def settle(self) -> None:
        """Obey outputs until none is left."""
        for _ in range(50):
            output = self.replica.take_output()
            if output == Output(None, (), None, ()):
                return
            assert output.persist is None or output.persist != Persist(
                output.persist.number, None, None, (), output.persist.messages
            ), "a batch that writes nothing"
            # Reports only serve `raft.tending`, and would be in the way everywhere else.
            self.sent.extend(sent for sent in output.messages if not isinstance(sent[1], Report))
            self.applied.extend(output.committed)
            if output.snapshot is not None:
                self.installed.append(output.snapshot)
            if output.persist is not None:
                self.persists.append(output.persist)
                self.waiting.append(output.persist)
                if not self.is_disk_held:
                    self.write()
        raise AssertionError("the replica never falls silent")

    def write(self, count: int | None = None) -> None:
        """Finish the first `count` waiting batches, or all."""
        done, self.waiting = self.waiting[:count], self.waiting[len(self.waiting[:count]) :]
        if done:
            for batch in done:
                self.sent.extend(batch.messages)
            self.replica.persisted(done[-1].number, self.now())
            self.settle()

    def receive(self, sender: str, message: Message) -> None:
        self.replica.receive(sender, message, self.now())
        self.settle()

    def connect(self, peer: str) -> None:
        self.replica.peer_connected(peer, self.now())
        self.settle()

    def disconnect(self, peer: str) -> None:
        self.replica.peer_disconnected(peer, self.now())
        self.settle()

    def propose(self, *commands: bytes) -> bool:
        is_taken = self.replica.propose(commands, self.now())
        self.settle()
        return is_taken

    def transfer(self, target: str | None = None) -> None:
        self.replica.transfer_leadership(target, self.now())
        self.settle()

    def wait(self, seconds: float) -> None:
        """Let time pass, with every requested tick."""
        end = self.time + seconds
        while self.replica.next_deadline() <= end:
            self.time = max(self.time, self.replica.next_deadline())
            self.replica.tick(self.now())
            self.settle()
        self.time = end

    def fire(self) -> None:
        """Advance to the next deadline."""
        self.wait(self.replica.next_deadline() - self.time)

    # The usual beginnings

    def stand(self) -> None:
        """Time out and win the pre-vote."""
        self.fire()
        term = self.replica.term + 1
        for peer in self.peers:
            self.receive(peer, VoteResponse(term, True, True))

    def lead(self) -> None:
        """Become the leader, whose first entry all followers have."""
        self.stand()
        for peer in self.peers:
            self.receive(peer, VoteResponse(self.replica.term, True, False))
        assert self.replica.is_leader
        for peer in self.peers:
            self.acknowledge(peer)
        self.sent.clear()

    def acknowledge(self, peer: str, index: int | None = None) -> None:
        """Acknowledge all entries up to `index` (default: all) as a follower."""
        index = self.replica.last_index if index is None else index
        self.receive(peer, AppendResponse(self.replica.term, True, index, 0))

    def append(
        self, sender: str, term: int, previous: tuple[int, int], *added: Entry, commit: int = 0
    ) -> None:
        """Send entries after (index, term) as a leader."""
        self.receive(sender, AppendRequest(term, previous[0], previous[1], commit, added))

    def request_vote(
        self, sender: str, term: int, last: tuple[int, int], *, pre: bool = False
    ) -> bool:
        """Ask for a vote with the last entry (index, term); return whether it was granted."""
        self.sent.clear()
        self.receive(sender, VoteRequest(term, last[0], last[1], pre, False))
        responses = self.take(sender, VoteResponse)
        assert len(responses) == 1
        return responses[0].is_granted

    # What came out

    def take(self, receiver: str, kind: type[M]) -> list[M]:
        """Return the new messages of a kind to a receiver, and drop all others."""
        sent, self.sent = self.sent, []
        return [m for name, m in sent if name == receiver and isinstance(m, kind)]

    def sent_to(self, receiver: str) -> list[Message]:
        sent, self.sent = self.sent, []
        return [message for name, message in sent if name == receiver]

    @property
    def log(self) -> list[tuple[int, int]]:
        """Return the whole log as (index, term)."""
        log = self.replica._core.log
        return [(e.index, e.term) for e in log.between(log.first_index, log.last_index)]

    @property
    def terms(self) -> list[int]:
        return [term for _, term in self.log]

    @property
    def hard_state(self) -> HardState:
        """Return what the disk would contain."""
        stored = [self.stored.hard_state]
        stored += [p.hard_state for p in self.persists if p.hard_state is not None]
        return stored[-1]
