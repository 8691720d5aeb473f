"""The balancer's mind: clients on one side, nodes on the other, sessions in between.

    client lines ----> session (numbered, kept) -- at its pace --> Batch of Lines to each node
    client bytes <---- outboxes <---- groups    <---- Output of its node

Pure: sockets and trunks are ports (`Client`, `Trunk`), time is an argument, and what people should
read goes to `note`. It knows lines, not IRC. Inputs may be given in any order; after those of one
turn of the loop, and when `lines_due` has come, the driver calls `pass_lines_on`; it writes the
outboxes in `relay.dirty`.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

import msgspec

from roost.balancer.engine.departures import Departures
from roost.balancer.engine.fleet import Fleet, Node, Trunk
from roost.balancer.engine.health import HealthConfig
from roost.balancer.engine.moves import MoveConfig, Moves, PlannedMove
from roost.balancer.engine.pacing import Pace, PaceConfig
from roost.balancer.engine.patience import Patience, WaitingRoom
from roost.balancer.engine.relay import Relay, leave_groups
from roost.balancer.engine.sessions import (
    AcknowledgementError,
    Client,
    Departure,
    Numbering,
    Session,
    SessionLimits,
)
from roost.balancer.engine.strategy import StrategyConfig
from roost.balancer.errors import RefusedNodeError, TrunkError
from roost.ops.throttling import ThrottledLog
from roost.protocol.greeting import check_greeting
from roost.protocol.trunk import (
    PROTOCOL_VERSION,
    Attach,
    Batch,
    Close,
    FromNode,
    Hello,
    Item,
    Lines,
    Neighbours,
    Output,
    Ping,
    Pong,
    Refuse,
    Release,
    Released,
    Reply,
    Serving,
    Status,
    Welcome,
)

REFUSALS_MAX = 20
"""After so many refusals in a row a session is told that nobody can serve it."""
REFUSAL_NOTE_S = 1.0
"""Between two notes of refusals."""
SLEEP_S = 0.5
"""If so much time lies between two ticks, this process itself was asleep, or all but."""


BATCH_BYTES_MAX = 1024 * 1024
"""In one frame, and one session's lines more: far more than people say in a moment, and far below
a frame's limit, however many clients flood us at once or have waited for a node."""


class Note(Protocol):
    """Takes an event for the log: its level, its name, and its facts."""

    def __call__(self, level: str, event: str, /, **fields: object) -> None:
        """Log it."""


class ExchangeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the exchange needs to know."""

    name: str
    cluster: str
    server_name: str
    ping_line: str
    sessions: SessionLimits
    strategy: StrategyConfig
    health: HealthConfig
    moves: MoveConfig
    pace: PaceConfig = PaceConfig()


class Counters(msgspec.Struct):
    """What has happened since the start."""

    sessions: int = 0
    lines: int = 0
    rebound: int = 0
    """Times that a session was given to another node, for whatever reason."""
    refused: int = 0
    """Times that a node would not take a session."""
    moved: int = 0
    """Those of them that were planned: off a draining node, or to even the nodes out."""


class _Batching(msgspec.Struct):
    """Lines that are about to go to one node."""

    frames: list[Lines] = []
    size: int = 0
    """In bytes, at most."""


class Exchange:
    """All sessions and all nodes of a balancer."""

    def __init__(
        self,
        config: ExchangeConfig,
        incarnation: int,
        note: Note,
        random: Callable[[], float],
    ) -> None:
        self._config = config
        self._note = note
        self.counters = Counters()
        self.fleet = Fleet(config.strategy, config.health)
        self.sessions: dict[int, Session] = {}
        """Every open session."""
        self.relay = Relay()
        limits = config.sessions
        self._waiting = WaitingRoom(self.relay, config.server_name, limits.waiting_notice_s)
        self._patience = Patience(self.relay, limits, config.ping_line)
        self._departures = Departures(self.fleet)
        self._moves = Moves(config.moves, self.fleet, random)
        self._throttled: dict[int, Session] = {}
        self._talking: list[Session] = []
        self._pace = Pace(config.pace)
        self._paced = (0, 0)
        """The lines and deliveries that the pace knows of."""
        self._numbering = Numbering(incarnation)
        self._is_stopping = False
        self._ticked_at: float | None = None
        self._refusals = ThrottledLog(partial(note, "info"), "session-refused", REFUSAL_NOTE_S)

    # How things are

    @property
    def has_work(self) -> bool:
        """Whether there are lines to be passed on or outboxes to be written."""
        return bool(self._talking or self.relay.dirty)

    @property
    def lines_due(self) -> float | None:
        """When lines are to be passed on; None when there are none."""
        return self._pace.due if self._talking else None

    @property
    def waiting_count(self) -> int:
        """How many sessions no node serves."""
        return len(self._waiting)

    @property
    def departing_count(self) -> int:
        """How many clients are gone without a node's confirmation."""
        return len(self._departures)

    # Clients

    def client_connected(
        self,
        client: Client,
        address: str,
        now: float,
        *,
        is_secure: bool = False,
        certificate: str = "",
    ) -> Session:
        """Make a session for a client, and give it to a node if there is one."""
        number = self._numbering.take()
        limits = self._config.sessions
        session = Session(
            number,
            client,
            address,
            limits,
            now,
            is_secure=is_secure,
            position=self.fleet.position,
            certificate=certificate,
        )
        self.sessions[number] = session
        self.counters.sessions += 1
        self._patience.watch(session, now)
        self._bind(session, now)
        return session

    def client_spoke(self, session: Session, lines: list[bytes | None], now: float) -> None:
        """Take lines from a client; None stands for one that was too long."""
        if not session.is_open:
            return
        self.counters.lines += len(lines)
        session.receive(lines, now)
        self._has_lines(session)
        session.adjust_reading()

    def client_lost(self, session: Session, reason: str, now: float) -> None:
        """A client's connection is gone for `reason`; nothing happens if we have closed it."""
        if session.is_open:
            self._forget(session, reason, now)

    def close_client(self, session: Session, text: str, reason: str, now: float) -> None:
        """Close a client's connection: `text` tells the client why, `reason` the others."""
        if session.is_open:
            session.client.finish(_error(text))
            self._forget(session, reason, now)

    def _forget(self, session: Session, reason: str, now: float) -> None:
        """Drop an open session, and see to it that a node learns that the client is gone."""
        if session.node:
            # What the client said before it went comes first.
            self._send_lines(session, now)
        node = self._drop(session)
        if session.generation:
            departure = Departure(session.id, session.generation, reason)
            self._departures.depart(departure, node)

    def _drop(self, session: Session) -> Node | None:
        """Take a session out of everything; gives the node that it was bound to."""
        session.is_open = False
        self.sessions.pop(session.id, None)
        self._waiting.leave(session)
        self._throttled.pop(session.id, None)
        node = self.fleet.find(session.node)
        if node is not None:
            leave_groups(node, session)
            node.sessions.pop(session.id, None)
        return node

    # Binding

    def _bind(
        self,
        session: Session,
        now: float,
        *,
        target: Node | None = None,
        waits_since: float | None = None,
    ) -> None:
        """Give a session to a node; if there is none, it waits, and does `waits_since` then."""
        node = target
        if node is None and not self._is_stopping:
            node = self.fleet.choose(now, avoid=session.refused_by)
        if node is None:
            self._waiting.enter(session, now if waits_since is None else waits_since)
            return
        assert node.trunk is not None, "a node without a trunk was chosen"
        self._waiting.leave(session)
        session.bind(node.name, now)
        node.sessions[session.id] = session
        if session.generation > 1:
            self.counters.rebound += 1
        attach = Attach(
            session=session.id,
            generation=session.generation,
            address=session.address,
            is_secure=session.is_secure,
            acknowledged=session.acknowledged,
            part=session.parts,
            position=session.position,
            certificate=session.certificate,
        )
        node.trunk.send(attach)
        node.health.burdened(now)
        if not session.is_registered:
            self._waiting.welcome(session)
        self._has_lines(session)

    def _unbind(self, session: Session, node: Node, now: float) -> None:
        """Take a session from its node, so that it can be given to another."""
        leave_groups(node, session)
        node.sessions.pop(session.id, None)
        self._throttled.pop(session.id, None)
        session.unbind(node.position, now)
        session.adjust_reading()

    def _evacuate(self, node: Node, since: float, now: float) -> None:
        """A node lives and cannot serve, which it says `since` then: give its sessions away."""
        sessions = list(node.sessions.values())
        released = []
        for session in sessions:
            released.append(Released(session.id, session.generation))
            self._unbind(session, node, now)
            self._bind(session, now, waits_since=since)
        if node.trunk is not None:
            node.trunk.send(Release(tuple(released)))
        self._note("warning", "node-evacuated", node=node.name, sessions=len(sessions))

    def move(self, moves: Iterable[PlannedMove], now: float) -> None:
        """Give sessions to other nodes while their own ones live; it is all done in this turn."""
        released: dict[str, list[Released]] = {}
        for move in moves:
            session, source = move.session, move.source
            released.setdefault(source.name, []).append(Released(session.id, session.generation))
            self._unbind(session, source, now)
            self._bind(session, now, target=move.target)
            self._moves.made(move, now)
            self.counters.moved += 1
        for name, sessions in released.items():
            node = self.fleet.find(name)
            if node is not None and node.trunk is not None:
                node.trunk.send(Release(tuple(sessions)))

    def _serve_waiting(self, now: float) -> None:
        """Give waiting sessions and departures to nodes, first come, first served."""
        if not self.fleet.can_serve:
            return
        for session in self._waiting.queue():
            self._bind(session, now)
        self._departures.tell_untold()

    # Lines

    def _has_lines(self, session: Session) -> None:
        if session.node and session.has_lines and not session.is_talking:
            session.is_talking = True
            self._talking.append(session)

    def pass_lines_on(self, now: float) -> None:
        """Send every session's new lines to its node if they are due, one frame to each node."""
        if not self._talking or now < self._pace.due:
            return
        known_lines, known_deliveries = self._paced
        self._paced = (self.counters.lines, self.relay.deliveries)
        lines, deliveries = self._paced
        self._pace.went(lines - known_lines, deliveries - known_deliveries, now)
        talking, self._talking = self._talking, []
        batches: dict[str, _Batching] = {}
        for session in talking:
            session.is_talking = False
            if session.is_open and session.node:
                frame = self._take_lines(session, now)
                if frame is not None:
                    batch = batches.setdefault(session.node, _Batching())
                    batch.frames.append(frame)
                    batch.size += session.kept_bytes
                    if batch.size >= BATCH_BYTES_MAX:
                        self._send(session.node, batches.pop(session.node).frames)
                session.adjust_reading()
        for name, batch in batches.items():
            self._send(name, batch.frames)

    def _send_lines(self, session: Session, now: float) -> None:
        """Send a session's lines to its node, due or not."""
        frame = self._take_lines(session, now)
        if frame is not None:
            self._send(session.node, [frame])

    def _take_lines(self, session: Session, now: float) -> Lines | None:
        first, lines = session.take_lines(now)
        if session.is_throttled:
            self._throttled[session.id] = session
        elif self._throttled:
            self._throttled.pop(session.id, None)
        return Lines(session.id, session.generation, first, lines) if lines else None

    def _send(self, name: str, frames: list[Lines]) -> None:
        node = self.fleet.find(name)
        if node is not None and node.trunk is not None:
            node.trunk.send(frames[0] if len(frames) == 1 else Batch(tuple(frames)))

    # Nodes

    def node_connected(self, hello: Hello, trunk: Trunk, now: float) -> None:
        """A node announced itself over a new trunk.

        Raises:
            RefusedNodeError: it cannot be let in; the trunk is to be dropped.
        """
        config = self._config
        reason = check_greeting(hello, PROTOCOL_VERSION, config.cluster)
        if reason:
            raise RefusedNodeError(reason)
        known = self.fleet.find(hello.name)
        if known is not None and known.trunk is not None:
            if not known.health.is_silent(now):
                raise RefusedNodeError(f"a node named {hello.name!r} is connected already")
            old = known.trunk
            self.node_lost(hello.name, old, "it was silent, and another one took its place", now)
            old.drop("it was silent, and another one took its place")
        node, is_news = self.fleet.announce(hello, trunk, now)
        neighbours = self.fleet.neighbours()
        incarnation = self._numbering.incarnation
        trunk.send(Welcome(PROTOCOL_VERSION, config.cluster, config.name, incarnation, neighbours))
        if is_news:
            for other in self.fleet:
                if other is not node and other.trunk is not None:
                    other.trunk.send(Neighbours(neighbours))

    def node_lost(self, name: str, trunk: Trunk, reason: str, now: float) -> None:
        """A node's trunk is gone; nothing happens if that is known already."""
        node = self.fleet.find(name)
        if node is None or node.trunk is not trunk:
            return
        node.trunk = None
        node.status = None
        node.health.disconnected(reason, now)
        self._judge(now)
        sessions = list(node.sessions.values())
        for session in sessions:
            self._unbind(session, node, now)
            self._bind(session, now)
        node.groups = {}
        self._departures.tell_again(node)
        self._note("warning", "node-lost", node=name, reason=reason, sessions=len(sessions))

    def receive(self, name: str, trunk: Trunk, frame: FromNode, now: float) -> None:
        """Take a node's frame; nothing happens if it comes over a trunk that was given up.

        Raises:
            TrunkError: the frame makes no sense here; the trunk is to be dropped.
        """
        node = self.fleet.find(name)
        if node is None or node.trunk is not trunk:
            return
        node.health.heard(now)
        match frame:
            case Output(position, items):
                try:
                    for item in items:
                        self._take_item(node, item, now)
                except AcknowledgementError as error:
                    raise TrunkError(str(error)) from error
                self.fleet.shown(node, position)
            case Status():
                node.status = frame
                node.health.reported(frame.state, frame.reason, now)
                self.fleet.shown(node, frame.applied)
                self.fleet.note_load(node, frame)
                self._judge(now)
            case Pong(nonce):
                node.health.answered(nonce, now)
            case Hello():
                raise TrunkError("it announced itself twice")

    def _judge(self, now: float) -> None:
        self.fleet.refresh(now)
        for node in self.fleet:
            verdict = node.judge(now)
            if verdict.state != node.shown.state:
                node.shown = verdict
                level = "info" if verdict.is_ready else "warning"
                self._note(
                    level, "node-state", node=node.name, state=verdict.state, reason=verdict.reason
                )
        if len(self._waiting) or self._departures.has_untold:
            self._serve_waiting(now)

    # What nodes show

    def _take_item(self, node: Node, item: Item, now: float) -> None:
        match item:
            case Reply(number, generation):
                session = _bound(node, number, generation)
                if session is not None:
                    self.relay.answer(session, item)
                    if item.is_last:
                        self._has_lines(session)
                        session.adjust_reading()
            case Serving(number, generation):
                session = _bound(node, number, generation)
                if session is not None:
                    session.is_served = True
                    self._waiting.welcome(session)
            case Close(number, generation, payload):
                self._take_close(node, number, generation, payload)
            case Refuse(number, generation, reason):
                self._take_refusal(node, number, generation, reason, now)
            case _:
                self.relay.show(node, item)

    def _take_close(self, node: Node, number: int, generation: int, payload: bytes) -> None:
        if self._departures.confirm(node, number):
            return
        session = _bound(node, number, generation)
        if session is not None:
            self._drop(session)
            session.client.finish(payload)

    def _take_refusal(
        self, node: Node, number: int, generation: int, reason: str, now: float
    ) -> None:
        session = _bound(node, number, generation)
        if session is None:
            return
        self._note_refusal(node, reason, now)
        self._unbind(session, node, now)
        session.refused_by = node.name
        session.refusals += 1
        if session.refusals > REFUSALS_MAX:
            text = "Closing link: no node can serve you, please reconnect"
            self.close_client(session, text, "No node could serve the client", now)
        else:
            # Not at once: a node that refuses today may refuse again in the same turn.
            self._waiting.enter(session, now)

    def _note_refusal(self, node: Node, reason: str, now: float) -> None:
        """Note a refusal; thousands of sessions can be refused at once."""
        self.counters.refused += 1
        refused = self.counters.refused
        self._refusals.log(now, node=node.name, reason=reason, so_far=refused)

    # Time

    def tick(self, now: float) -> None:
        """Do what is due; call several times a second."""
        pause_s = 0.0 if self._ticked_at is None else now - self._ticked_at
        self._ticked_at = now
        for node in list(self.fleet):
            if pause_s >= SLEEP_S:
                node.health.forgive(pause_s)
            nonce = node.health.probe(now)
            if nonce is not None and node.trunk is not None:
                node.trunk.send(Ping(nonce))
            is_alone = not self.fleet.has_other(node)
            if node.trunk is not None and node.health.is_given_up(now, is_alone=is_alone):
                silence_s = now - node.health.heard_at
                trunk, reason = node.trunk, f"it was silent for {silence_s:.1f} s"
                self.node_lost(node.name, trunk, reason, now)
                trunk.drop(reason)
        self._judge(now)
        for node in self.fleet:
            since = node.health.unready_since(now)
            if since is not None and node.sessions:
                self._evacuate(node, since, now)
        self.move(self._moves.due(now), now)
        for session in list(self._throttled.values()):
            self._send_lines(session, now)
            session.adjust_reading()
        self._waiting.tell(now)
        for expiry in self._patience.due(now, lambda session: self._could_register(session, now)):
            self.close_client(expiry.session, expiry.text, expiry.reason, now)

    def _could_register(self, session: Session, now: float) -> bool:
        node = self.fleet.find(session.node)
        return node is not None and node.judge(now).is_ready

    # The end

    def stop(self, now: float) -> None:
        """Close every client, and tell the nodes; `departing_count` says how far that is."""
        self._is_stopping = True
        for session in list(self.sessions.values()):
            self.close_client(session, "Server is shutting down", "Server is shutting down", now)


def _error(text: str) -> bytes:
    return f"ERROR :{text}\r\n".encode()


def _bound(node: Node, number: int, generation: int) -> Session | None:
    """Give the session if the node serves it under this generation."""
    session = node.sessions.get(number)
    return session if session is not None and session.generation == generation else None
