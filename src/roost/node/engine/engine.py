"""One node, without its I/O: consensus, chat state and IRC side put together.

    mesh frames ---+                        +--> mesh frames, trunk frames
    trunk frames --+--> Engine (one turn) --+--> log writes, history writes and questions
    time, disk ----+                        +--> notes for people

A driver (asyncio in `roost.node.node`, a virtual clock in the simulation) feeds inputs, then takes
the output and obeys it. Committed entries flow one way: replica -> apply -> history rows and what
clients are shown. The engine never looks at a clock and never fails for what a client, a
balancer or a neighbour sends.
"""

from collections.abc import Callable

import msgspec

from roost.chat.applied import Applied
from roost.chat.apply import apply_entry, skip
from roost.chat.balancers import is_taken
from roost.chat.commands import encode_command
from roost.chat.commands.cluster import Configure, SetSecret, SetServicesHost
from roost.chat.commands.sessions import BalancerLost, BalancerStarted, ExpireAbsent
from roost.chat.history import Answer, Row
from roost.chat.ids import Position
from roost.chat.presence import is_expiry_due
from roost.chat.refusals import Reason, Refusal
from roost.chat.settings import UNCHANGED, Settings, written
from roost.chat.snapshot import decode_state
from roost.chat.state import State
from roost.instant import Instant
from roost.ircd.config import Config as IrcConfig
from roost.ircd.config import services_host
from roost.ircd.server import Server
from roost.ircd.sessions.work import Outcome, Work
from roost.node.engine.census import Census
from roost.node.engine.effects import (
    Compaction,
    EngineOutput,
    HistoryState,
    HistoryWrite,
    Note,
)
from roost.node.engine.historian import Historian
from roost.node.engine.pending import PendingCommands
from roost.node.engine.readiness import Readiness
from roost.node.engine.snapshots import Snapshots
from roost.protocol.mesh import Gossip, HistoryChunk, HistoryWant, PeerFrame, PeerHello, Whispers
from roost.protocol.trunk import (
    Attach,
    Batch,
    Detach,
    Drain,
    FromBalancer,
    FromNode,
    Lines,
    NeighbourStatus,
    Output,
    Release,
    Status,
    Welcome,
)
from roost.raft.config import Config as RaftConfig
from roost.raft.messages import ENTRY_COMMAND, AppendRequest, Entry, Message, Snapshot, Stored
from roost.raft.replica import Replica

SECRET_BYTES = 32
"""As long as the digests that are made with it."""


class EngineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a node decides for itself; what must be equal everywhere is in the chat state."""

    raft: RaftConfig
    irc: IrcConfig
    snapshot_entries: int = 40_000
    """Entries between two snapshots: a restart applies at most about as many, in about 1 s."""
    snapshot_bytes: int = 32 * 1024 * 1024
    """Entry bytes between two snapshots, for logs of long lines."""
    retained_entries: int = 20_000
    """Entries kept behind a snapshot, so that a neighbour that was away briefly needs none."""
    settings: Settings = Settings()
    """What this node's configuration wants all nodes to have."""
    balancer_grace_s: float = 30.0
    """How long a balancer may be out of every node's sight before its sessions end."""
    status_interval_s: float = 0.5
    gossip_interval_s: float = 1.0
    tick_interval_s: float = 0.25
    """The pace of everything that has no deadline of its own."""

    def __post_init__(self) -> None:
        for name in ("snapshot_entries", "snapshot_bytes", "retained_entries"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.balancer_grace_s < 0:
            raise ValueError("balancer_grace_s must not be negative")


class Engine:
    """A node's whole mind."""

    def __init__(
        self,
        config: EngineConfig,
        stored: Stored,
        history: HistoryState,
        random: Callable[[], float],
        now: Instant,
        *,
        random_bytes: Callable[[int], bytes] | None = None,
        is_drained: bool = False,
    ) -> None:
        self._config = config
        self._written = written(config.settings)
        self._random_bytes = random_bytes
        """Unguessable ones; without, sessions cannot be resumed."""
        self._notes: list[Note] = []
        self._state = decode_state(stored.snapshot.data) if stored.snapshot else State()
        self._replica = Replica(config.raft, stored, random, now)
        self._server = Server(config.irc, self._state, random)
        self._pending = PendingCommands()
        self._census = Census(config.balancer_grace_s)
        self._readiness = Readiness(len(config.raft.members))
        self._readiness.is_drained = is_drained
        self._drained: bool | None = None
        self._is_rehash_due = False
        self._historian = Historian(history, self._state.position)
        self._snapshots = Snapshots(
            config.snapshot_entries, config.snapshot_bytes, config.retained_entries
        )
        self._trunks: dict[str, None] = {}
        self._peers: list[str] = []
        self._to_peers: list[tuple[str, PeerFrame]] = []
        self._to_balancers: list[tuple[str, FromNode]] = []
        self._compactions: list[Compaction] = []
        self._jobs: list[tuple[int, Work]] = []
        self._leadership = (0, "")
        self._round_trips: dict[str, float] = {}
        self._lag_ms = 0.0
        self._status_due = now.monotonic
        self._gossip_due = now.monotonic
        self._tick_due = now.monotonic
        self._shown_status: tuple[str, str, int] = ("", "", 0)
        self._stop_deadline: float | None = None
        self._now = now

    def reconfigure(self, config: IrcConfig) -> None:
        """Take over what may change at runtime; see `Server.reconfigure`."""
        self._server.reconfigure(config)

    # What is going on

    @property
    def state(self) -> State:
        """The chat state, to be read only."""
        return self._state

    @property
    def replica(self) -> Replica:
        """The consensus part, to be read only."""
        return self._replica

    @property
    def session_count(self) -> int:
        """How many clients this node serves."""
        return self._server.session_count

    @property
    def is_stopped(self) -> bool:
        """Whether, after `stop`, leadership is handed over, or a second has passed."""
        return self._stop_deadline is not None and (
            not self._replica.is_leader
            or len(self._config.raft.members) == 1
            or self._now.monotonic >= self._stop_deadline
        )

    def status(self) -> Status:
        """How this node is, in the trunk's words."""
        state, reason = self._readiness.judge(
            peers=len(self._peers),
            is_in_touch=self._replica.is_in_touch,
            leader=self._replica.leader,
            applied=self._state.position,
            history_missing=self._historian.missing,
            is_stopping=self._stop_deadline is not None,
        )
        return Status(
            state=state,
            reason=reason,
            leader=self._replica.leader,
            term=self._replica.term,
            position=self._replica.last_index,
            applied=self._state.position,
            sessions=self._server.session_count,
            neighbours=tuple(
                NeighbourStatus(name, self._round_trips.get(name, 0.0)) for name in self._peers
            ),
            lag_ms=self._lag_ms,
            deliveries=self._server.deliveries,
        )

    # The mesh

    def peer_connected(self, name: str, now: Instant) -> None:
        """A link to a neighbour is up and has shaken hands."""
        self._now = now
        if name not in self._peers:
            self._peers.append(name)
        self._replica.peer_connected(name, now)
        self._to_peers.append((name, Gossip(self._census.own)))
        self._pending.ask_again()

    def peer_disconnected(self, name: str, now: Instant) -> None:
        """A link to a neighbour is gone."""
        self._now = now
        if name in self._peers:
            self._peers.remove(name)
        self._round_trips.pop(name, None)
        self._census.peer_disconnected(name)
        self._historian.peer_disconnected(name)
        self._replica.peer_disconnected(name, now)

    def receive_peer(self, name: str, frame: PeerFrame, now: Instant) -> None:
        """Take a neighbour's frame."""
        self._now = now
        match frame:
            case HistoryWant():
                self._historian.receive_want(name, frame)
            case HistoryChunk():
                self._historian.receive_chunk(name, frame)
            case Whispers(whispers):
                for whisper in whispers:
                    self._server.whisper(whisper)
            case Gossip(trunks):
                self._census.reported(name, trunks)
            case PeerHello():
                self._note("warning", "unexpected-handshake", peer=name)
            case _:
                self._receive_raft(name, frame, now)

    def _receive_raft(self, name: str, frame: PeerFrame, now: Instant) -> None:
        if not isinstance(frame, Message):
            return
        self._replica.receive(name, frame, now)
        if isinstance(frame, AppendRequest) and self._replica.leader == name:
            self._readiness.leader_commit = max(self._readiness.leader_commit, frame.commit)

    def set_round_trip(self, name: str, milliseconds: float) -> None:
        """Note a heartbeat's round-trip time."""
        self._round_trips[name] = milliseconds

    def set_load(self, lag_ms: float) -> None:
        """Note the moving average of the event loop's lateness."""
        self._lag_ms = lag_ms

    # The trunks

    def trunk_connected(self, welcome: Welcome, now: Instant) -> None:
        """A trunk to a balancer is up."""
        self._now = now
        if is_taken(self._state, welcome.name, welcome.incarnation):
            self._note_taken(welcome.name, welcome.incarnation)
            return
        self._trunks[welcome.name] = None
        self._census.trunk_connected(welcome.name, welcome.incarnation)
        self._server.trunk_connected(welcome.name)
        if self._state.balancers.get(welcome.name, 0) < welcome.incarnation:
            command = BalancerStarted(welcome.name, welcome.incarnation)
            self._pending.add(encode_command(command))
        self._gossip_due = now.monotonic
        self._to_balancers.append((welcome.name, self.status()))

    def trunk_disconnected(self, balancer: str, now: Instant) -> None:
        """A trunk to a balancer is gone, and with it the sessions that it gave us."""
        self._now = now
        if balancer in self._trunks:
            del self._trunks[balancer]
            self._census.trunk_disconnected(balancer)
            self._server.trunk_disconnected(balancer)
            self._gossip_due = now.monotonic

    def receive_trunk(self, balancer: str, frame: FromBalancer, now: Instant) -> None:
        """Take a balancer's frame; the driver answers pings and keeps the neighbours itself."""
        self._now = now
        if balancer not in self._trunks:
            return
        if isinstance(frame, Batch):
            for lines in frame.lines:
                self._server.receive(balancer, lines, now)
        elif isinstance(frame, Attach | Lines | Detach | Release):
            self._server.receive(balancer, frame, now)
        elif isinstance(frame, Drain) and frame.is_wanted != self._readiness.is_drained:
            self._readiness.is_drained = self._drained = frame.is_wanted
            self._note("info", "drained" if frame.is_wanted else "undrained", balancer=balancer)

    # The disk

    def persisted(self, number: int, now: Instant) -> None:
        """All log writes up to batch `number` are durable."""
        self._now = now
        self._replica.persisted(number, now)

    def storage_failed(self, reason: str, now: Instant) -> None:
        """The disk takes nothing more at the moment; what was asked stays asked."""
        self._now = now
        if not self._readiness.disk_failure:
            self._note("error", "disk-failed", reason=reason)
        self._readiness.disk_failure = reason
        if self._replica.is_leader:
            self._replica.transfer_leadership(None, now)

    def storage_recovered(self, now: Instant) -> None:
        """The disk works again."""
        self._now = now
        if self._readiness.disk_failure:
            self._note("info", "disk-recovered")
        self._readiness.disk_failure = ""

    def history_written(self, applied: Position, now: Instant) -> None:
        """The write of the history rows up to `applied` is done."""
        self._now = now
        self._historian.written(applied)
        compaction = self._snapshots.history_written(applied)
        if compaction is not None:
            snapshot = compaction.snapshot
            self._compactions.append(compaction)
            self._replica.compact(snapshot, compaction.first_index)
            self._note("info", "snapshot", position=snapshot.index, bytes=len(snapshot.data))

    def answered(self, ticket: int, answer: Answer, now: Instant) -> None:
        """The history store answered a query."""
        self._now = now
        self._historian.answered(ticket)
        self._server.answer(ticket, answer)

    def answer_corrupt(self, ticket: int, positions: tuple[Position, ...], now: Instant) -> None:
        """A query met rows whose checksums are wrong: have them repaired, then ask again."""
        self._now = now
        self._note("error", "history-corrupt", positions=list(positions))
        if not self._peers or not self._historian.repair(ticket, positions):
            self.answer_failed(ticket, "The history is being repaired, try again later", now)

    def answer_failed(self, ticket: int, reason: str, now: Instant) -> None:
        """The history store could not answer."""
        self._now = now
        self._historian.answered(ticket)
        self._server.answer_failed(ticket, reason)

    def exported(
        self,
        ticket: int,
        rows: tuple[Row, ...],
        covered: Position,
        missing: tuple[Position, ...],
        now: Instant,
    ) -> None:
        """The history store read rows for a neighbour."""
        self._now = now
        self._historian.exported(ticket, rows, covered, missing)

    def imported(self, ticket: int, last: Position, now: Instant) -> None:
        """A neighbour's rows up to `last` are stored."""
        self._now = now
        self._historian.imported(ticket, last)

    def job_done(self, ticket: int, outcome: Outcome, now: Instant) -> None:
        """Slow work is done, or could not be."""
        self._now = now
        self._server.job_done(ticket, outcome)

    # Time

    def tick(self, now: Instant) -> None:
        """Do what is due; call it at or after `next_deadline`."""
        self._now = now
        self._replica.tick(now)
        if now.monotonic < self._tick_due:
            return
        self._tick_due = now.monotonic + self._config.tick_interval_s
        self._server.tick(now)
        if self._replica.is_leader:
            state = self._state
            lost = self._census.lost(state.balancers, state.incarnations, now.monotonic)
            for name, incarnation in lost:
                self._pending.add(encode_command(BalancerLost(name, incarnation)))
            if is_expiry_due(state, now.wall_ms):
                self._pending.add(encode_command(ExpireAbsent()))
        self._propose_settings()

    def _propose_settings(self) -> None:
        """Ask for other settings once, after somebody has changed this node's configuration.

        What was asked for before is part of the state, so that of several configurations that
        differ the one that was changed last counts, and a mere restart changes nothing. Only who
        is up to date knows what was asked for.
        """
        name, settings = self._config.raft.name, self._config.settings
        before = self._state.configured.get(name, UNCHANGED)
        if before == self._written or self.status().state != "ready":
            return
        self._pending.add(encode_command(Configure(settings, name, self._written)))

    def next_deadline(self) -> float:
        """When `tick` wants to be called next, in monotonic seconds."""
        return min(
            self._replica.next_deadline(),
            self._pending.next_deadline(),
            self._historian.next_deadline(),
            self._tick_due,
        )

    def leave(self, now: Instant) -> None:
        """Have the balancers move this node's clients elsewhere, before `stop`."""
        self._now = now
        self._readiness.is_leaving = True

    def stop(self, now: Instant) -> None:
        """Hand over what this node leads; see `is_stopped`."""
        self._now = now
        self._stop_deadline = now.monotonic + 1.0
        if self._replica.is_leader:
            self._replica.transfer_leadership(None, now)

    # The turn's end

    def take_output(self) -> EngineOutput:
        """Give what is to be done, and forget it; call it once after each turn's inputs."""
        persist = []
        while True:
            # What clients asked for since goes to the log in this turn, not in the next.
            self._take_server_output()
            self._watch_leadership()
            self._propose()
            output = self._replica.take_output()
            self._to_peers.extend(output.messages)
            if output.persist is not None:
                persist.append(output.persist)
            if output.snapshot is not None:
                self._install(output.snapshot)
            for entry in output.committed:
                self._apply(entry)
            is_idle = not output.committed and not output.messages
            if is_idle and output.persist is None and output.snapshot is None:
                break
        writes = self._take_history()
        history = self._historian.take_output(self._peers, self._now.monotonic)
        self._to_peers.extend(history.to_peers)
        self._tell_others()
        result = EngineOutput(
            persist=tuple(persist),
            to_peers=tuple(self._to_peers),
            to_balancers=tuple(self._to_balancers),
            gaps=history.gaps,
            history=writes,
            compactions=tuple(self._compactions),
            queries=history.queries,
            exports=history.exports,
            imports=history.imports,
            notes=tuple(self._notes),
            jobs=tuple(self._jobs),
            drained=self._drained,
            is_rehash_due=self._is_rehash_due,
        )
        self._drained = None
        self._is_rehash_due = False
        for taken in (
            self._to_peers,
            self._to_balancers,
            self._compactions,
            self._notes,
            self._jobs,
        ):
            taken.clear()
        return result

    def _propose(self) -> None:
        due = self._pending.take_due(self._now.monotonic)
        if due and not self._replica.propose(due, self._now):
            self._pending.put_back(due)

    def _apply(self, entry: Entry) -> None:
        position = Position(entry.index)
        if entry.kind != ENTRY_COMMAND:
            skip(self._state, position, entry.time_ms)
        else:
            applied = apply_entry(self._state, entry.data, position, entry.time_ms)
            self._pending.settle(entry.data)
            if not applied.session:
                self._give_up_doubles(applied)
            if applied.failure:
                self._note("error", "entry-skipped", position=position, reason=applied.failure)
            self._historian.record(applied)
            self._server.show(applied)
        self._snapshots.applied(entry, self._state)

    def _give_up_doubles(self, applied: Applied) -> None:
        """Serve no balancer that chose another one's incarnation: its session ids are theirs."""
        for result in applied.results:
            if not isinstance(result, Refusal) or result.reason is not Reason.INCARNATION_TAKEN:
                continue
            balancer, incarnation = result.subject, int(result.detail)
            if self._census.knows(balancer, incarnation):
                self._note_taken(balancer, incarnation)
                self.trunk_disconnected(balancer, self._now)

    def _note_taken(self, balancer: str, incarnation: int) -> None:
        reason = "another balancer started in the same moment; start this one again"
        self._note(
            "error", "balancer-refused", balancer=balancer, incarnation=incarnation, reason=reason
        )

    def _install(self, snapshot: Snapshot) -> None:
        """Replace the whole state by the leader's, and note the history that it skips."""
        self._state = decode_state(snapshot.data)
        self._server.reset(self._state)
        self._snapshots.installed()
        # A compaction of this turn is of an older snapshot, and would be obeyed after this one.
        self._compactions.clear()
        self._historian.skip_to(Position(snapshot.index))
        self._note("info", "snapshot-installed", position=snapshot.index)

    def _take_history(self) -> tuple[HistoryWrite, ...]:
        writes = self._historian.take_write(
            self._state.position, self._now.monotonic, wants_sync=self._snapshots.wants_sync
        )
        if writes:
            self._snapshots.history_writing()
        return writes

    def _take_server_output(self) -> None:
        output = self._server.take_output()
        position = self._state.position
        for balancer, items in output.items.items():
            if balancer in self._trunks and items:
                self._to_balancers.append((balancer, Output(position, tuple(items))))
        for command in output.commands:
            self._pending.add(encode_command(command))
        for ticket, query in output.queries:
            self._historian.ask(ticket, query)
        self._jobs.extend(output.jobs)
        for deed in output.deeds:
            self._note("info", "operator", deed=deed)
        self._is_rehash_due = self._is_rehash_due or output.is_rehash_due
        if output.whispers:
            whispers = Whispers(tuple(output.whispers))
            self._to_peers.extend((peer, whispers) for peer in self._peers)

    def _watch_leadership(self) -> None:
        leadership = (self._replica.term, self._replica.leader)
        if leadership == self._leadership:
            return
        self._leadership = leadership
        self._note("info", "leader", term=leadership[0], leader=leadership[1] or "unknown")
        if self._replica.is_leader:
            self._census.begin_leadership()
            if self._random_bytes is not None and not self._state.secret:
                # Two leaders may ask for one; the first counts.
                self._pending.add(encode_command(SetSecret(self._random_bytes(SECRET_BYTES))))
            host = services_host(self._config.irc)
            if self._state.services_host != host:
                self._pending.add(encode_command(SetServicesHost(host)))
            self._readiness.leader_commit = 0
            if self._readiness.disk_failure or self._stop_deadline is not None:
                self._replica.transfer_leadership(None, self._now)
        if leadership[1]:
            self._pending.ask_again()

    def _tell_others(self) -> None:
        now = self._now.monotonic
        if now >= self._gossip_due:
            self._gossip_due = now + self._config.gossip_interval_s
            gossip = Gossip(self._census.own)
            self._to_peers.extend((peer, gossip) for peer in self._peers)
        status = self.status()
        shown = (status.state, status.leader, status.term)
        if shown != self._shown_status or now >= self._status_due:
            if shown[0] != self._shown_status[0]:
                self._note("info", "state", state=status.state, reason=status.reason)
            self._shown_status = shown
            self._status_due = now + self._config.status_interval_s
            self._to_balancers.extend((balancer, status) for balancer in self._trunks)

    def _note(self, level: str, event: str, **fields: object) -> None:
        self._notes.append(Note(level, event, fields))
