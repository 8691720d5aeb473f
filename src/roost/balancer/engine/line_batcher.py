"""From clients' lines to the nodes: one batch for each node, as often as the load allows.

    session with new lines --> queue -- unless held --> Batch of Lines to its node
    session above its rate --> throttled -- tick --> Lines to its node

A line that cannot be sent yet stays in its session.
"""

from roost.balancer.engine.node_pool import NodePool
from roost.balancer.engine.pacing import PaceConfig, Pacer
from roost.balancer.engine.sessions import Session
from roost.protocol.trunk import Batch, Lines

BATCH_BYTES_MAX = 1024 * 1024
"""In one frame, except for the lines of its last session. This is far more than people say at a
time, and far below the limit of a frame, even if many clients flood or have waited for a node."""


class _Pending:
    """A batch for one node."""

    def __init__(self) -> None:
        self.frames: list[Lines] = []
        self.size = 0
        """In bytes, at most."""


class LineBatcher:
    """Sends the lines of sessions to their nodes."""

    def __init__(self, pool: NodePool, config: PaceConfig) -> None:
        self._pool = pool
        self.queue: list[Session] = []
        """Sessions with new lines."""
        self._throttled: dict[int, Session] = {}
        self._pacer = Pacer(config)
        self._counted = (0, 0)
        """The lines and deliveries that the pacer knows of."""
        self.held_until: float | None = None
        """Lines wait for others until then, when `release` is called; None if they do not wait."""

    @property
    def has_sendable(self) -> bool:
        """Whether there are lines that need not wait for others."""
        return bool(self.queue) and self.held_until is None

    @property
    def has_throttled(self) -> bool:
        """Whether lines wait for tokens."""
        return bool(self._throttled)

    def add(self, session: Session) -> None:
        """Have a session's new lines sent, if it has any and a node."""
        if session.node and not session.is_queued and session.has_lines:
            session.is_queued = True
            self.queue.append(session)

    def discard(self, session: Session) -> None:
        """Do not send the throttled lines of a session that lost its node or is closed."""
        self._throttled.pop(session.id, None)

    def flush(self, lines: int, deliveries: int, now: float) -> None:
        """Send what is queued unless it is held; `lines` and `deliveries` count since the start."""
        if not self.queue or self.held_until is not None:
            return
        known_lines, known_deliveries = self._counted
        self._counted = (lines, deliveries)
        self._pacer.sent(lines - known_lines, deliveries - known_deliveries, now)
        self.held_until = self._pacer.due if self._pacer.due > now else None
        queue, self.queue = self.queue, []
        batches: dict[str, _Pending] = {}
        for session in queue:
            session.is_queued = False
            if session.is_open and session.node:
                frame = self._take_lines(session, now)
                if frame is not None:
                    batch = batches.get(session.node)
                    if batch is None:
                        batch = batches[session.node] = _Pending()
                    batch.frames.append(frame)
                    batch.size += session.kept_bytes
                    if batch.size >= BATCH_BYTES_MAX:
                        self._send(session.node, batches.pop(session.node).frames)
                if session.is_throttled or session.is_reading_paused:
                    session.adjust_reading()
        for name, batch in batches.items():
            self._send(name, batch.frames)

    def release(self) -> None:
        """Hold lines no longer."""
        self.held_until = None

    def flush_session(self, session: Session, now: float) -> None:
        """Send a session's lines at once."""
        frame = self._take_lines(session, now)
        if frame is not None:
            self._send(session.node, [frame])

    def flush_throttled(self, now: float) -> None:
        """Send the lines of throttled sessions for which there are tokens again."""
        for session in list(self._throttled.values()):
            self.flush_session(session, now)
            session.adjust_reading()

    def _take_lines(self, session: Session, now: float) -> Lines | None:
        first, lines = session.take_lines(now)
        if session.is_throttled:
            self._throttled[session.id] = session
        elif self._throttled:
            self._throttled.pop(session.id, None)
        return Lines(session.id, session.generation, first, lines) if lines else None

    def _send(self, name: str, frames: list[Lines]) -> None:
        node = self._pool.find(name)
        if node is not None and node.trunk is not None:
            node.trunk.send(frames[0] if len(frames) == 1 else Batch(tuple(frames)))
