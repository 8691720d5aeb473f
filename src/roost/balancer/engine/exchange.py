"""Connects clients with nodes: sessions on one side, trunks on the other.

    client lines ----> session (numbered, kept) -- unless held --> Batch of Lines to its node
    client bytes <---- outboxes <---- groups    <---------- Output of its node

Sockets and trunks are ports (`Client`, `Trunk`), time is an argument, and log events go to `note`.
Inputs may come in any order. After those of one turn of the event loop, if there `has_work`, the
driver calls `showing.go_on` and `flush_lines`; then it writes the outboxes in `relay.dirty`. At
`held_until` it calls `release_lines`, and sees whether there is work.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from roost.balancer.engine.client_info import ClientInfo
from roost.balancer.engine.counters import Counters
from roost.balancer.engine.detach_queue import DetachQueue
from roost.balancer.engine.exchange_config import ExchangeConfig
from roost.balancer.engine.health import SUSPENDED_S
from roost.balancer.engine.inbox import Inbox
from roost.balancer.engine.line_batcher import LineBatcher
from roost.balancer.engine.moves import MovePlanner, PlannedMove
from roost.balancer.engine.node_pool import Node, NodePool, Trunk
from roost.balancer.engine.placement import REFUSAL_NOTE_S, place, refused
from roost.balancer.engine.relay import Relay, leave_groups, rooms_of
from roost.balancer.engine.session_values import Known
from roost.balancer.engine.sessions import Client, Session, SessionIds
from roost.balancer.engine.showing import Showing
from roost.balancer.engine.timeouts import ClientTimeouts
from roost.balancer.engine.waiting_room import WaitingRoom
from roost.balancer.errors import RefusedNodeError, TrunkError
from roost.ops.throttling import ThrottledLog
from roost.protocol.greeting import SPEAKS, check_greeting
from roost.protocol.trunk import (
    PROTOCOL_VERSION,
    REFUSED,
    Attach,
    BalancerReport,
    Close,
    Detach,
    FromNode,
    Hello,
    Incarnation,
    Item,
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


class Note(Protocol):
    """Writes an event to the log."""

    def __call__(self, level: str, event: str, /, **fields: object) -> None: ...


class Exchange:
    """All sessions and all nodes of a balancer."""

    def __init__(
        self,
        config: ExchangeConfig,
        run: str,
        note: Note,
        random: Callable[[], float],
    ) -> None:
        """`run` is drawn at random, and names this run of the balancer to the log."""
        self._config = config
        self._run = run
        self._note = note
        self.counters = Counters()
        self.pool = NodePool(config.strategy, config.health)
        self.sessions: dict[int, Session] = {}
        """Every open session."""
        self.relay = Relay()
        limits = config.sessions
        self._lines = LineBatcher(self.pool, config.pace)
        self._waiting = WaitingRoom(self.relay, config.server_name, limits.waiting_notice_s)
        self._timeouts = ClientTimeouts(self.relay, limits, config.ping_line)
        self._detaches = DetachQueue(self.pool)
        self._moves = MovePlanner(config.moves, self.pool, random)
        self.ids = SessionIds()
        self._is_stopping = False
        self.showing = Showing(self.pool, self.relay, self._take_item, self._drop_trunk)
        self._ticked_at: float | None = None
        self._refusals = ThrottledLog(partial(note, "info"), "session-refused", REFUSAL_NOTE_S)

    # State

    @property
    def has_work(self) -> bool:
        """Whether there are lines to send, which are not held, or outboxes to write."""
        return bool(self._lines.has_sendable or self.relay.dirty or self.showing.has_more)

    @property
    def held_until(self) -> float | None:
        """When to call `release_lines`; None if lines are not held."""
        return self._lines.held_until

    @property
    def waiting_count(self) -> int:
        """How many sessions wait for a node."""
        return len(self._waiting)

    @property
    def detaching_count(self) -> int:
        """How many closed sessions no node has confirmed."""
        return len(self._detaches)

    # Clients

    def client_connected(self, client: Client, info: ClientInfo, now: float) -> Session:
        """Open a session for a client, and give it to a node if there is one."""
        limits = self._config.sessions
        session = Session(self.ids.next(), client, info, limits, now, self.pool.position)
        self.sessions[session.id] = session
        self.counters.sessions += 1
        self._timeouts.watch(session, now)
        self._bind(session, now)
        return session

    def client_spoke(self, session: Session, lines: list[bytes | None], now: float) -> None:
        """Receive lines from a client; None stands for one that was too long."""
        if not session.is_open:
            return
        self.counters.lines += len(lines)
        session.receive(lines, now)
        self._lines.add(session)
        session.adjust_reading()

    def flush_lines(self, now: float) -> None:
        """Send every session's new lines to its node unless they are held, a frame to each node."""
        self._lines.flush(self.counters.lines, self.relay.deliveries, now)

    def release_lines(self) -> None:
        """Hold lines no longer: for the driver's timer, which may be a little early."""
        self._lines.release()

    def client_lost(self, session: Session, reason: str, now: float) -> None:
        """Close the session of a client whose connection is lost, unless it is closed already."""
        if session.is_open:
            self._end(session, reason, now)

    def close_client(self, session: Session, text: str, reason: str, now: float) -> None:
        """Close a client's connection: `text` tells the client why, `reason` the others."""
        if session.is_open:
            session.client.finish(f"ERROR :{text}\r\n".encode())
            self._end(session, reason, now)

    def _end(self, session: Session, reason: str, now: float) -> None:
        """Remove an open session, and have a node tell everybody else."""
        if session.node:
            # What the client said before comes first.
            self._lines.flush_session(session, now)
        node = self._remove(session)
        if session.generation:
            self._detaches.add(Detach(session.id, session.generation, reason), node)

    def _remove(self, session: Session) -> Node | None:
        """Remove a session from everything; return the node that it was bound to."""
        session.is_open = False
        self.sessions.pop(session.id, None)
        self._waiting.remove(session)
        self._lines.discard(session)
        node = self.pool.find(session.node)
        if node is not None:
            leave_groups(node, session)
            node.sessions.pop(session.id, None)
            node.attaching.pop(session.id, None)
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
        """Bind a session to a node; if there is none, let it wait, counted from `waits_since`."""
        node, is_gap_allowed = target, False
        if node is None and self.ids.incarnation and not self._is_stopping:
            node, is_gap_allowed = place(self.pool, session, now)
        is_full = target is None and session.generation and node and not node.has_room
        if node is None or is_full:
            self._waiting.add(session, now if waits_since is None else waits_since)
            return
        assert node.trunk is not None, "a node without a trunk was chosen"
        self._waiting.remove(session)
        session.bind(node.name, now)
        node.sessions[session.id] = session
        if session.generation > 1:
            self.counters.rebound += 1
            node.attaching[session.id] = session
        attach = Attach(
            session=session.id,
            generation=session.generation,
            address=session.info.address,
            is_secure=session.info.is_secure,
            acknowledged=session.acknowledged,
            part=session.parts,
            position=session.position,
            certificate=session.info.certificate,
            is_gap_allowed=is_gap_allowed,
            nick=session.known.nick if is_gap_allowed else "",
            rooms=session.known.rooms if is_gap_allowed else (),
        )
        node.trunk.send(attach)
        node.health.grant_grace(now)
        if not session.is_registered:
            self._waiting.notify_served(session)
        self._lines.add(session)

    def _unbind(self, session: Session, node: Node, now: float) -> None:
        """End a session's binding to its node."""
        rooms = rooms_of(node, session)
        leave_groups(node, session)
        node.sessions.pop(session.id, None)
        node.attaching.pop(session.id, None)
        self._lines.discard(session)
        session.unbind(node.position, now, rooms)
        session.adjust_reading()

    def _evacuate(self, node: Node, since: float, now: float) -> None:
        """Give a node's sessions to others, because it has not been ready since `since`.

        Others are also told of the clients that left: a node that is cut off cannot tell anybody.
        """
        self.showing.finish_begun(node, now)
        sessions = list(node.sessions.values())
        released = []
        for session in sessions:
            released.append(Released(session.id, session.generation))
            self._unbind(session, node, now)
            self._bind(session, now, waits_since=since)
        if node.trunk is not None and released:
            node.trunk.send(Release(tuple(released)))
        departed = len(node.detaches)
        self._detaches.resend(node)
        self._note(
            "warning",
            "node-evacuated",
            node=node.name,
            sessions=len(sessions),
            departed=departed,
        )

    def move(self, moves: Iterable[PlannedMove], now: float) -> None:
        """Move sessions to other nodes as planned."""
        released: dict[str, list[Released]] = {}
        for move in moves:
            session, source = move.session, move.source
            self.showing.finish_begun(source, now)
            released.setdefault(source.name, []).append(Released(session.id, session.generation))
            self._unbind(session, source, now)
            self._bind(session, now, target=move.target)
            self._moves.made(move, now)
            self.counters.moved += 1
        for name, sessions in released.items():
            node = self.pool.find(name)
            if node is not None and node.trunk is not None:
                node.trunk.send(Release(tuple(sessions)))

    def _serve_waiting(self, now: float) -> None:
        """Give nodes the sessions and detaches that wait for one, first come, first served."""
        if not self.pool.has_available or not self.ids.incarnation:
            return
        for session in self._waiting.due(self.pool.places(), now):
            self._bind(session, now)
        self._detaches.send_unsent()

    # Nodes

    def node_connected(self, hello: Hello, trunk: Trunk, now: float) -> None:
        """Take in a node that announced itself over a new trunk.

        Raises:
            RefusedNodeError: It cannot be taken in; drop the trunk.
        """
        config = self._config
        reason = check_greeting(hello, PROTOCOL_VERSION, config.cluster)
        if reason:
            raise RefusedNodeError(reason)
        known = self.pool.find(hello.name)
        if known is not None and known.trunk is not None:
            if not known.health.is_silent(now):
                raise RefusedNodeError(f"a node named {hello.name!r} is connected already")
            self._drop_trunk(known, "it was silent, and another one took its place", now)
        node, is_new = self.pool.announce(hello, trunk, now)
        neighbours = self.pool.neighbours()
        version, incarnation = PROTOCOL_VERSION, self.ids.incarnation
        welcome = Welcome(
            version, config.cluster, config.name, incarnation, neighbours, self._run, SPEAKS
        )
        trunk.send(welcome)
        if is_new:
            for other in self.pool:
                if other is not node and other.trunk is not None:
                    other.trunk.send(Neighbours(neighbours))

    def node_lost(self, name: str, trunk: Trunk, reason: str, now: float) -> None:
        """Give the sessions of a node to others, because its trunk is lost; do so once."""
        node = self.pool.find(name)
        if node is None or node.trunk is not trunk:
            return
        self.showing.finish_begun(node, now)
        node.trunk = None
        node.report = None
        node.inbox = Inbox()
        if node.refusal:
            reason = f"it refuses this balancer: {node.refusal}"
        node.health.disconnected(reason, now)
        self._check_health(now)
        sessions = list(node.sessions.values())
        for session in sessions:
            self._unbind(session, node, now)
            self._bind(session, now)
        node.groups, node.rooms = {}, {}
        self._detaches.resend(node)
        self._note("warning", "node-lost", node=name, reason=reason, sessions=len(sessions))

    def _drop_trunk(self, node: Node, reason: str, now: float) -> None:
        if (trunk := node.trunk) is not None:
            self.node_lost(node.name, trunk, reason, now)
            trunk.drop(reason)

    def receive(self, name: str, trunk: Trunk, frame: FromNode, now: float) -> None:
        """Receive a frame from a node, unless it comes over a trunk that was given up.

        Raises:
            TrunkError: The frame makes no sense here; drop the trunk.
        """
        node = self.pool.find(name)
        if node is None or node.trunk is not trunk:
            return
        node.health.heard(now)
        match frame:
            case Output():
                node.inbox.add(frame)
                self.showing.show(node, now)
            case Status():
                node.report = frame
                node.refusal = frame.reason if frame.state == REFUSED else ""
                node.health.reported(*self.pool.judge(node, frame), now)
                node.inbox.note_applied(frame.applied)
                self.pool.advance(node, node.inbox.position)
                self.pool.note_report(node, frame)
                self._check_health(now)
            case Pong(nonce):
                node.certificate_days = frame.certificate_days
                node.health.answered(nonce, now)
            case Incarnation(number):
                self._take_incarnation(node, number, now)
            case Hello():
                raise TrunkError("it announced itself twice")

    def _take_incarnation(self, node: Node, number: int, now: float) -> None:
        """Complete the ids of the sessions, which all wait for this."""
        if self.ids.incarnation not in (0, number):
            raise TrunkError(f"it says incarnation {number}, this is {self.ids.incarnation}")
        if self.ids.incarnation or not number:
            return
        self.ids.incarnation = number
        self._note("info", "incarnation-given", incarnation=number, node=node.name)
        for session in self.sessions.values():
            session.id = self.ids.complete(session.id)
        self.sessions = {session.id: session for session in self.sessions.values()}
        self._waiting.renumber()
        self._serve_waiting(now)

    def _check_health(self, now: float) -> None:
        """Log changes in the nodes' health, and use nodes that have become available."""
        self.pool.refresh(now)
        for node in self.pool:
            status = node.health.status(now)
            if status.state != node.logged.state:
                node.logged = status
                level = "info" if status.is_ready else "warning"
                self._note(
                    level, "node-state", node=node.name, state=status.state, reason=status.reason
                )
        if len(self._waiting) or self._detaches.has_unsent:
            self._serve_waiting(now)

    # Output of nodes

    def _take_item(self, node: Node, item: Item, now: float) -> None:
        match item:
            case Reply():
                session = node.bound(item.session, item.generation)
                if session is not None:
                    self.relay.answer(session, item)
                    if item.is_last:
                        if node.attaching:
                            node.attaching.pop(session.id, None)
                        self._lines.add(session)
                        if session.is_reading_paused:
                            session.adjust_reading()
            case Serving(number, generation, nick):
                session = node.bound(number, generation)
                if session is not None:
                    session.served()
                    node.attaching.pop(number, None)
                    if nick:
                        session.known = Known(nick, session.known.rooms)
                    self._waiting.notify_served(session)
            case Close(number, generation, payload):
                self._take_close(node, number, generation, payload)
            case Refuse():
                self._take_refusal(node, item, now)
            case _:
                self.relay.show(node, item)

    def _take_close(self, node: Node, number: int, generation: int, payload: bytes) -> None:
        if self._detaches.confirm(node, number):
            return
        session = node.bound(number, generation)
        if session is not None:
            self._remove(session)
            session.client.finish(payload)

    def _take_refusal(self, node: Node, item: Refuse, now: float) -> None:
        session = node.bound(item.session, item.generation)
        if session is None:
            return
        self.counters.refused += 1
        self._refusals.log(now, node=node.name, reason=item.reason, so_far=self.counters.refused)
        self._unbind(session, node, now)
        stranding = refused(node, session, item.reaches, now)
        # Bound again later: the node could refuse it again in the same turn.
        self._waiting.add(session, stranding.since)

    # Time

    @property
    def needs_ticks(self) -> bool:
        """Whether clients, or their lines, wait for a tick."""
        return bool(self._waiting or self._lines.has_throttled or self._moves.has_ongoing)

    def tick(self, now: float) -> None:
        """Do what is due; call this several times a second: `ticking` says when."""
        pause_s = 0.0 if self._ticked_at is None else now - self._ticked_at
        self._ticked_at = now
        for node in list(self.pool):
            if pause_s >= SUSPENDED_S:
                node.health.discount_pause(pause_s)
            nonce = node.health.probe(now)
            if nonce is not None and node.trunk is not None:
                node.trunk.send(Ping(nonce))
            if node.health.is_timed_out(now, is_alone=not self.pool.has_other(node)):
                silence_s = now - node.health.heard_at
                self._drop_trunk(node, f"it was silent for {silence_s:.1f} s", now)
        self._check_health(now)
        for node in self.pool:
            since = node.health.unready_since(now)
            if since is not None and (node.sessions or node.detaches):
                self._evacuate(node, since, now)
        self.move(self._moves.due(now), now)
        self._lines.flush_throttled(now)
        self._waiting.notify_waiting(now)
        for found in self._timeouts.due(now, lambda session: self._can_register(session, now)):
            self.close_client(found.session, found.text, found.reason, now)

    def tell(self, report: BalancerReport, now: float) -> None:
        """Tell every node how this balancer is, and probe it with that: it is woken once."""
        for node in self.pool:
            if node.trunk is not None:
                node.trunk.send(report)
                nonce = node.health.probe_along(now)
                if nonce is not None:
                    node.trunk.send(Ping(nonce))

    def _can_register(self, session: Session, now: float) -> bool:
        node = self.pool.find(session.node)
        return node is not None and node.health.status(now).is_ready

    def stop(self, now: float) -> None:
        """Close every client, and tell the nodes; it is done when `detaching_count` is 0."""
        self._is_stopping = True
        for session in list(self.sessions.values()):
            self.close_client(session, "Server is shutting down", "Server is shutting down", now)
