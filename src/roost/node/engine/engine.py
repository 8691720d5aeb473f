"""One node, without its I/O: log, chat state and IRC side put together.

    inputs  --receive--> Engine --take_effects--> effects

A driver (asyncio in `roost.node.driver`, a virtual clock in the simulation) gives it all inputs of
one turn, then carries the turn's effects out in order. Committed entries flow one way: log -> apply
-> history rows and what clients are shown. It looks at no clock, and no peer can make it fail.
"""

from collections.abc import Callable
from itertools import count
from typing import assert_never, cast

from roost.chat.applied import Applied
from roost.chat.commands import Command, encode_command
from roost.chat.ids import Position
from roost.chat.snapshot import decode_state
from roost.chat.state import State
from roost.chat.versions import as_of
from roost.instant import Instant
from roost.ircd.server import Server
from roost.log import Log
from roost.log.requests import Answer, Refusal, Watched, WatchEnded
from roost.node.engine import inputs, upkeep
from roost.node.engine.administration import AdministrationDesk
from roost.node.engine.applier import Applier
from roost.node.engine.astray import Astray
from roost.node.engine.balancers import OVER, Balancers
from roost.node.engine.belonging import Belonging
from roost.node.engine.census import Census
from roost.node.engine.cluster_clock import ClusterClock
from roost.node.engine.condition import Condition
from roost.node.engine.config import EngineConfig
from roost.node.engine.deadlines import TICK_LATE_S, Deadlines, next_tick
from roost.node.engine.effects import (
    DoWork,
    Effect,
    HistoryState,
    LogEvent,
    ReloadConfiguration,
    in_order,
    sending,
)
from roost.node.engine.forgetting import Forgetting
from roost.node.engine.historian import Historian
from roost.node.engine.holding import make_holding
from roost.node.engine.incidents import disk_set_back
from roost.node.engine.inputs import Input
from roost.node.engine.outputs import OUTPUT_BYTES_MAX, Outputs
from roost.node.engine.pending import PendingCommands
from roost.node.engine.phase import phase_of
from roost.node.engine.readiness import Readiness
from roost.node.engine.registry import RegistryTeller
from roost.node.engine.reporting import Reporting
from roost.node.engine.routine import LINES, LOG, OTHER, kind_of
from roost.node.engine.snapshots import Snapshots
from roost.node.engine.versions import Versions
from roost.protocol.mesh import Gossip, HistoryFrame, PeerFrame, PeerHello, Whispers
from roost.protocol.trunk import (
    Ask,
    Attach,
    BalancerReport,
    Batch,
    Detach,
    Drain,
    FromBalancer,
    FromNode,
    Lines,
    Release,
    Status,
    Welcome,
)
from roost.raft.messages import MESSAGES, Message

AT_ONCE = float("-inf")
"""A deadline: the next turn is due as soon as the inputs that have come are taken."""


class Engine:
    """A node's decisions: `receive` each input of a turn, then `take_effects` once."""

    _kind = OTHER
    """What the next turn has to look at."""
    _shown_bytes = 0
    """What clients are shown in this turn, beside what was put off in earlier ones."""

    def __init__(
        self,
        config: EngineConfig,
        log: Log,
        history: HistoryState,
        random: Callable[[], float],
        now: Instant,
        *,
        random_bytes: Callable[[int], bytes] | None = None,
        is_drained: bool = False,
    ) -> None:
        name = config.raft.name
        self._clock = ClusterClock(len(config.raft.members), config.clock_offset_ms_max, now)
        self._config = config
        self._versions = Versions(name, config.version_max, config.settings)
        self._random_bytes = random_bytes
        """Unguessable ones; without, sessions cannot be resumed."""
        state = decode_state(log.start.data) if log.start else State()
        self._log = log
        self._server = Server(config.irc, state, random)
        self._pending = PendingCommands()
        newcomers = self._server.newcomers
        self._census = Census(config.balancer_grace_s, config.gossip_interval_s, newcomers)
        self._outputs = Outputs(state.position, self._census.has_trunk)
        self._balancers = Balancers(self._census, name, config.raft.members)
        self._registry = RegistryTeller()
        self._readiness = Readiness(is_drained=is_drained)
        self._belonging = Belonging(name, config.raft.members)
        holding = make_holding(config, history, log)
        self.history = self._historian = Historian(
            history, state.position, log.last_index, time_ms=state.time_ms, holding=holding
        )
        self._desk = AdministrationDesk(lambda node: self._historian.why_needed(name, node))
        self._snapshots = Snapshots(
            config.snapshot_entries, config.snapshot_bytes, config.retained_entries, phase_of(name)
        )
        self._deadlines = Deadlines(log, self._pending, self._historian)
        self._forgetting = Forgetting(history, self._snapshots, log, holding)
        self._applier = Applier(
            state,
            self._server,
            self._pending,
            self._historian,
            self._snapshots,
            self._watch_applied,
            config.version_max,
        )
        self._peers: list[str] = []
        self._astray = Astray(config.kept_aside, log, holding, self._peers)
        self._effects: list[Effect] = []
        self._to_peers: list[tuple[str, PeerFrame]] = []
        self._to_balancers: list[tuple[str, FromNode]] = []
        self._leadership, self._tick_due = (0, ""), now.monotonic - TICK_LATE_S
        self._round_trips: dict[str, float] = {}
        parts = (self._readiness, self._astray, self._belonging, self._versions, self._peers, log)
        shown = (self._applier, self._outputs, self._historian, self._clock, self._server)
        self._condition = Condition(*parts, *shown, self._round_trips)
        self._reporting = Reporting(config.status_interval_s, self._pending, self._balancers)
        self._activity, self._now = self._reporting.activity, now
        self._stop_deadline: float | None = None

    # What others may look at

    @property
    def state(self) -> State:
        """The chat state, to be read only."""
        return self._applier.state

    @property
    def log(self) -> Log:
        """The log, to be read only."""
        return self._log

    @property
    def session_count(self) -> int:
        """How many clients this node serves."""
        return self._server.session_count

    @property
    def is_stopped(self) -> bool:
        """Whether, after `Stop`, another node can lead, or has had the time to."""
        return self._stop_deadline is not None and (
            not self._log.is_in_charge
            or len(self._belonging.nodes) == 1
            or self._now.monotonic >= self._stop_deadline
        )

    @property
    def needs_turn(self) -> bool:
        """Whether what came since the last turn may lead to anything."""
        log = self._log
        is_new = (log.term, log.leader) != self._leadership
        return self._kind != LOG or is_new or log.has_output or self._pending.has_unproposed

    def status(self) -> Status:
        """Return what this node tells balancers about itself."""
        return self._condition.status()

    def next_deadline(self) -> float:
        """Return when the next `Tick` is due, in monotonic seconds; `AT_ONCE` if work is left."""
        if self._applier.has_more or self._server.has_work:
            return AT_ONCE
        return self._deadlines.next(self._tick_due)

    def receive(self, event: Input, now: Instant) -> None:
        """Take in what happened. Nothing below sees this node's own wall clock."""
        self._now = now = self._clock.read(now)
        self._kind = max(self._kind, kind_of(event))
        match event:
            case inputs.TrunkFrameReceived(balancer, frame):
                self._receive_from_balancer(balancer, frame)
            case inputs.PeerFrameReceived(peer, frame):
                self._receive_from_peer(peer, frame)
            case inputs.Persisted() | Answer() | Refusal() | Watched() | WatchEnded():
                self._log.receive(event, now)
            case inputs.HistoryWritten(applied):
                self._history_written(applied)
            case inputs.HistoryErased() | inputs.KeptFound() | inputs.RoomTrimmed():
                self._effects.extend(self._forgetting.receive(event))
            case inputs.SnapshotMade() | inputs.SnapshotFailed():
                self._effects.extend(self._snapshots.receive(event))
            case _ if isinstance(event, inputs.HistoryResult):
                self._historian.receive(event)
            case inputs.WorkDone(ticket, outcome):
                self._server.job_done(ticket, outcome)
            case inputs.Tick():
                self._tick(now)
            case inputs.RoundTripMeasured(peer, milliseconds):
                self._round_trips[peer] = milliseconds
            case inputs.ClockMeasured(peer, wall_ms, sent, received):
                self._clock.measure(peer, wall_ms, sent, received)
            case inputs.LagMeasured(milliseconds):
                self._condition.lag_ms = milliseconds
            case inputs.Congested(balancers):
                self._server.congested(balancers)
            case inputs.PeerConnected(peer, version):
                self._versions.peer_connected(peer, version)
                self._peer_connected(peer)
            case inputs.PeerDisconnected(peer):
                self._peer_disconnected(peer)
            case inputs.PeerRefused(peer, version):
                self._versions.refused(version) if version else self._belonging.refused(peer)
            case inputs.TrunkConnected(welcome):
                self._trunk_connected(welcome)
            case inputs.TrunkDisconnected(balancer):
                self._trunk_disconnected(balancer)
            case inputs.StorageFailed(reason):
                self._effects.extend(self._readiness.disk_failed(reason))
                self._log.hand_over(self._now)
            case inputs.StorageRecovered():
                self._effects.extend(self._readiness.disk_recovered())
            case inputs.Reconfigured(irc):
                self._server.reconfigure(irc)
            case inputs.Leave():
                self._readiness.is_leaving = True
            case inputs.Stop():
                self._stop_deadline = now.monotonic + upkeep.HAND_OVER_S
                self._condition.is_stopping = True
                self._log.hand_over(self._now)
            case _:
                assert_never(event)

    def _peer_connected(self, peer: str) -> None:
        if peer not in self._peers:
            self._peers.append(peer)
        self._belonging.linked(peer)
        self._to_peers.append((peer, self._census.gossip(self._log.positions())))
        self._historian.peer_connected(peer)
        self._log.peer_connected(peer, self._now)
        self._pending.propose_again()

    def _peer_disconnected(self, peer: str) -> None:
        if peer in self._peers:
            self._peers.remove(peer)
        self._round_trips.pop(peer, None)
        self._versions.peer_disconnected(peer)
        self._clock.forget(peer)
        self._census.peer_disconnected(peer)
        self._historian.peer_disconnected(peer)
        self._log.peer_disconnected(peer, self._now)

    def _receive_from_peer(self, peer: str, frame: PeerFrame) -> None:
        match frame:
            case _ if type(frame) in MESSAGES:
                self._log.receive_message(peer, cast("Message", frame), self._now)
            case _ if isinstance(frame, HistoryFrame):
                self._historian.receive_frame(peer, frame)
            case Whispers(whispers):
                for whisper in whispers:
                    self._server.whisper(whisper)
            case Gossip():
                self._census.reported(peer, frame)
                if had := self._log.learn_positions(frame.positions, self._now):
                    self._effects.append(disk_set_back(had, self._log.last_index, peer))
            case PeerHello():
                self._note("warning", "unexpected-handshake", peer=peer)

    def _trunk_connected(self, welcome: Welcome) -> None:
        self._balancers.connected(welcome.name, welcome.run)
        self._server.trunk_connected(welcome.name)
        self._to_balancers.append((welcome.name, self.status()))
        self._look_at_balancers()

    def _look_at_balancers(self) -> None:
        for found in self._balancers.look(self.state, self._now.monotonic):
            if not isinstance(found, tuple):
                self._propose(found)
                continue
            self._to_balancers.append(found)
            if isinstance(found[1], Status):
                self._note("error", "balancer-refused", balancer=found[0], reason=OVER)
                self._trunk_disconnected(found[0])

    def _trunk_disconnected(self, balancer: str) -> None:
        if self._balancers.disconnected(balancer):
            self._server.trunk_disconnected(balancer)

    def _receive_from_balancer(self, balancer: str, frame: FromBalancer) -> None:
        if not self._census.has_trunk(balancer):
            return
        if isinstance(frame, Batch):
            self._server.receive_lines(balancer, frame.lines, self._now)
        elif isinstance(frame, Attach | Lines | Detach | Release):
            self._server.receive(balancer, frame, self._now)
        elif isinstance(frame, Drain):
            self._effects.extend(self._readiness.drain(balancer, is_wanted=frame.is_wanted))
        elif isinstance(frame, Ask):
            asked = self._desk.ask(balancer, frame, self.state, self._log, self._propose)
            self._to_balancers.extend(asked)
        elif isinstance(frame, BalancerReport):
            self._balancers.reported(balancer, frame)

    def _history_written(self, applied: Position) -> None:
        self._historian.written(applied)
        compact = self._snapshots.history_written(applied)
        if compact is not None:
            snapshot = compact.snapshot
            self._log.compact(snapshot, compact.first_index)
            self._note("info", "snapshot", position=snapshot.index, bytes=len(snapshot.data))

    def _tick(self, now: Instant) -> None:
        has_work = self._applier.has_more or self._server.has_work
        is_the_logs = not has_work and self._deadlines.is_the_logs(now.monotonic)
        self._log.note_time(self._clock.is_compared)
        self._log.tick(now)
        if is_the_logs and self._reporting.is_ready and self._log.status().fault is None:
            return
        self._kind = OTHER
        if now.monotonic < self._tick_due:
            return
        self._tick_due = next_tick(now, self._config.tick_s)
        self._server.tick(now)
        self._effects.extend(self._astray.look(now.monotonic))
        if self._clock.is_abdication_due(now):
            self._log.hand_over(self._now)
        if self._log.is_in_charge:
            raising = self._versions.to_raise(self.state, self._log, self._config.raft.members)
            dropped = self._forgetting.take_commands(self.state)
            keeping = upkeep.while_leading(self.state, self._census, now)
            for command in (*raising, *dropped, *keeping):
                self._propose(command)
            upkeep.tend(self._log, self.state, now)
        self._look_at_balancers()
        configure = self._versions.to_configure(self.state)
        if configure is not None and self.status().state in ("configuring", "ready"):
            self._propose(configure)

    def take_effects(self) -> list[Effect]:
        """Return what the turn's inputs lead to, in the order in which to carry it out."""
        if self._kind != LOG or not self._obey_log():
            self._applier.begin_turn()
            self._server.take_answers(self._historian.take_outcomes())
            self._server.work(OUTPUT_BYTES_MAX)
            # What was put off must not keep anybody from being served now.
            self._shown_bytes = -self._server.output_size
            for number in count():
                # What clients asked for since goes to the log in this turn, not in the next.
                self._take_server_output()
                self._watch_leadership()
                self._propose_pending()
                if (number and not self._log.has_output) or not self._advance():
                    break
            self._take_write()
            self._kind = max(self._kind, LINES)
            if self._kind == OTHER or not self._reporting.is_ready:
                self._kind = OTHER
                self._keep_house()
            if (make := self._snapshots.take_due(self.state)) is not None:
                self._effects.append(make)
        self._deadlines.looked_at, self._kind = self._kind, LOG
        self._effects.extend(sending(self._to_peers, self._to_balancers))
        effects, self._effects = in_order(self._effects), []
        return effects

    def _obey_log(self) -> bool:
        """Do what the log wants, if that is all that this turn has to do; return whether it was."""
        has_committed = self._log.has_committed or self._applier.has_more
        if has_committed or self._server.has_work or self._pending.has_unproposed:
            return False
        output = self._log.take_output()
        self._to_peers.extend(output.messages)
        self._effects.extend(output.effects)
        return (self._log.term, self._log.leader) == self._leadership

    def _keep_house(self) -> None:
        """Find out what has changed, and what is to be done about it."""
        self._take_history()
        self._effects.extend(self._versions.look(self.state, self._log))
        self._effects.extend(self._forgetting.look(self.state, self._now.monotonic))
        if changed := self._belonging.look(self.state, self._log, self._now.monotonic):
            self._effects.extend(changed)
            self._historian.follow(self._belonging.others, self._belonging.nodes_changed)
        self._clock.follow(self._config.raft.name, self._log.voters or self._belonging.nodes)
        self._tell_others()

    def _advance(self) -> bool:
        """Do what the log wants; return whether clients may want something because of it."""
        output = self._log.take_output()
        self._to_peers.extend(output.messages)
        self._effects.extend(output.effects)
        if output.snapshot is not None:
            self._applier.install(output.snapshot)
            self._kind = OTHER
            self._note("info", "snapshot-installed", position=output.snapshot.index)
        self._applier.add(output.committed, self._now.monotonic)
        has_applied = self._applier.apply_some(OUTPUT_BYTES_MAX - self._shown_bytes)
        is_new = (self._log.term, self._log.leader) != self._leadership
        return has_applied or is_new or output.snapshot is not None

    def _propose(self, command: Command) -> None:
        self._pending.add(encode_command(as_of(command, self.state.version)))

    def _propose_pending(self) -> None:
        due = self._pending.take_due(self._now.monotonic)
        if due and not (self._condition.has_time and self._log.propose(due, self._now)):
            self._pending.put_back(due)

    def _watch_applied(self, applied: Applied) -> None:
        if failure := applied.failure:
            self._note("error", "entry-skipped", position=applied.position, reason=failure)
        self._activity.applied(applied)
        if not applied.session:
            self._kind = OTHER
            self._look_at_balancers()
            self._to_balancers.extend(self._desk.settled(applied, self.state, self._log))

    def _take_write(self) -> None:
        position, now, wants = self.state.position, self._now.monotonic, self._snapshots.wants_sync
        write = self._historian.take_write(position, now, wants_sync=wants)
        if write is not None:
            self._snapshots.history_writing()
            self._effects.append(write)

    def _take_history(self) -> None:
        now, is_in_charge = self._now.monotonic, self._log.is_in_charge
        effects, frames = self._historian.take_output(self._peers, now, is_in_charge=is_in_charge)
        self._effects.extend(effects)
        self._to_peers.extend(frames)

    def _take_server_output(self) -> None:
        output = self._server.take_output()
        self._shown_bytes += output.size
        self._to_balancers.extend(self._outputs.cut(self.state.position, output))
        for command in output.commands:
            self._propose(command)
        for ticket, query in output.queries:
            self._historian.ask(ticket, query)
            self._kind = OTHER
        for ticket, work in output.jobs:
            self._effects.append(DoWork(ticket, work))
        for action in output.operator_actions:
            self._note("info", "operator", action=action)
        if output.is_rehash_due:
            self._effects.append(ReloadConfiguration())
        if output.whispers:
            whispers = Whispers(tuple(output.whispers))
            self._to_peers.extend((peer, whispers) for peer in self._peers)

    def _watch_leadership(self) -> None:
        if (leadership := (self._log.term, self._log.leader)) == self._leadership:
            return
        self._leadership = leadership
        self._kind = OTHER
        self._server.is_in_charge = self._log.is_in_charge
        self._note("info", "leader", term=leadership[0], leader=leadership[1] or "unknown")
        if self._server.is_in_charge:
            self._census.begin_leadership()
            self._tick_due = self._now.monotonic - TICK_LATE_S  # at once
            for command in upkeep.on_election(self.state, self._config.irc, self._random_bytes):
                self._propose(command)
            if self._readiness.disk_failure or self._stop_deadline is not None:
                self._log.hand_over(self._now)
        if leadership[1]:
            self._pending.propose_again()

    def _tell_others(self) -> None:
        now = self._now.monotonic
        if gossip := self._census.news(self._log.positions, now):
            self._to_peers.extend((peer, gossip) for peer in self._peers)
        self._to_balancers.extend(self._registry.news(self.state, self._census.trunks))
        log = self._log.status()
        present = (self._condition.judge(log)[0], log.leader, log.term)
        report = self._reporting.take(present, self.status, self.state, now)
        if report is not None:
            if report.is_new_state:
                self._note("info", "state", state=report.status.state, reason=report.status.reason)
                self._tick_due = min(self._tick_due, now - TICK_LATE_S)  # at once
            self._to_balancers.extend((name, report.status) for name in self._census.trunks)

    def _note(self, level: str, event: str, **fields: object) -> None:
        self._effects.append(LogEvent(level, event, fields))
