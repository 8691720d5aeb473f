"""Which sessions move from a living node to another, and when.

    draining node   all sessions, as fast as others take them; those with unanswered lines last
    uneven nodes    idle sessions that have not been moved lately, a few at a time

A move is a failover without the wait: the session is bound again, under a higher generation, and
continues where its client has been served. While the nodes are even, no session is looked at.
"""

from collections.abc import Callable, Iterator
from itertools import islice

import msgspec

from roost.balancer.engine.limits import check_limits
from roost.balancer.engine.node_pool import Node, NodePool
from roost.balancer.engine.rebalancing import Rebalancer
from roost.balancer.engine.sessions import Session

CANDIDATES_MAX = 8
"""Sessions that are looked at for each one that may move: most are idle, and one that is not goes
to the end of the list."""
MOVE_S_MAX = 2.0
"""Time after which a move counts as done, confirmed or not: its node may have been lost."""


class MoveConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How fast sessions are moved."""

    at_once_max: int = 50
    """Concurrent moves that make nodes even: some milliseconds of a node's work, and no line has to
    wait for longer than that."""
    draining_at_once_max: int = 200
    """Concurrent moves off draining nodes; more, because an operator waits for them."""
    interval_s: float = 0.25
    """Average time between two checks whether the nodes are even. Each one varies by half of it,
    so that several balancers do not act in step."""
    cool_down_s: float = 30.0
    """How long a session that was moved to make nodes even is not moved again for that."""
    patience_s: float = 1.0
    """How long a draining node keeps sessions with unanswered lines. Then their lines are sent to
    the next node again, which is safe, but more work."""

    def __post_init__(self) -> None:
        check_limits(
            self,
            at_least_1=("at_once_max", "draining_at_once_max"),
            positive=("interval_s",),
            not_negative=("cool_down_s", "patience_s"),
        )


class PlannedMove(msgspec.Struct, frozen=True):
    """A session to be bound to another node."""

    session: Session
    source: Node
    target: Node | None
    """None for the strategy's choice."""


class _OngoingMove(msgspec.Struct, frozen=True):
    session: Session
    generation: int
    since: float


class MovePlanner:
    """Plans moves, and limits how many are ongoing."""

    def __init__(self, config: MoveConfig, pool: NodePool, random: Callable[[], float]) -> None:
        self._config = config
        self._pool = pool
        self._random = random
        self._rebalancer = Rebalancer()
        self._check_at = 0.0
        self._ongoing: list[_OngoingMove] = []

    @property
    def has_ongoing(self) -> bool:
        """Whether sessions are being moved."""
        return bool(self._ongoing)

    def due(self, now: float) -> list[PlannedMove]:
        """Return the moves to make now; call `made` for each."""
        self._ongoing = [one for one in self._ongoing if _is_ongoing(one, now)]
        moves: list[PlannedMove] = []
        if self._pool.has_available:
            allowed = self._config.draining_at_once_max - len(self._ongoing)
            for node in self._pool:
                draining_s = node.health.draining_s(now)
                if draining_s is not None and node.sessions and len(moves) < allowed:
                    is_gentle = draining_s < self._config.patience_s
                    found = _pick(
                        node.sessions,
                        allowed - len(moves),
                        _is_idle if is_gentle else _may_leave,
                    )
                    moves.extend(PlannedMove(session, node, None) for session in found)
        if not moves and now >= self._check_at:
            self._check_at = now + self._config.interval_s * (0.5 + self._random())
            moves.extend(self._even_out(now))
        return moves

    def made(self, move: PlannedMove, now: float) -> None:
        """Note that a session was bound again as planned."""
        session = move.session
        if move.target is not None:
            # A session that was drained may go back as soon as its node is ready.
            session.moved_at = now
        if session.is_registered:
            self._ongoing.append(_OngoingMove(session, session.generation, now))

    def _even_out(self, now: float) -> Iterator[PlannedMove]:
        allowed = self._config.at_once_max - len(self._ongoing)
        wanted: dict[str, list[Node]] = {}
        for move in self._rebalancer.plan(self._pool.loads(now), allowed):
            target = self._pool.find(move.target)
            assert target is not None, "the plan names a node that does not exist"
            wanted.setdefault(move.source, []).append(target)

        def may_move(session: Session) -> bool:
            is_cool = now - session.moved_at >= self._config.cool_down_s
            return is_cool and session.is_registered and _is_idle(session)

        for name, targets in wanted.items():
            source = self._pool.find(name)
            assert source is not None, "the plan names a node that does not exist"
            found = _pick(source.sessions, len(targets), may_move)
            for session, target in zip(found, targets, strict=False):
                yield PlannedMove(session, source, target)


def _pick(
    sessions: dict[int, Session], count: int, may_move: Callable[[Session], bool]
) -> list[Session]:
    """Return up to `count` sessions that may move; put those that may not at the end."""
    picked: list[Session] = []
    for session in list(islice(sessions.values(), count * CANDIDATES_MAX)):
        if len(picked) == count:
            break
        if may_move(session):
            picked.append(session)
        else:
            sessions[session.id] = sessions.pop(session.id)
    return picked


def _is_idle(session: Session) -> bool:
    """Return whether all of the client's lines are answered."""
    return session.last_line == session.acknowledged and _may_leave(session)


def _may_leave(session: Session) -> bool:
    """Return whether other nodes can serve the client, too, as far as is known."""
    return session.stranding is None


def _is_ongoing(move: _OngoingMove, now: float) -> bool:
    session = move.session
    return (
        session.is_open
        and session.generation == move.generation
        and not session.is_served
        and now - move.since < MOVE_S_MAX
    )
