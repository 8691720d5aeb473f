"""Which sessions move from a node that lives to another, and when.

    draining node   everybody, as fast as the others take them; those with open questions last
    uneven nodes    idle sessions that have not been moved lately, a few at a time

Pure. A move is the way of a crash without the wait: the session is bound anew, under a higher
generation, and goes on from where its client has been served. While the nodes are even nothing
here looks at any session.
"""

from collections.abc import Callable, Iterator
from itertools import islice

import msgspec

from roost.balancer.engine.fleet import Fleet, Node
from roost.balancer.engine.rebalancing import Evening
from roost.balancer.engine.sessions import Session

LOOKED_AT_MAX = 8
"""Sessions that are looked at for each that may move: most are idle, and those that are not are
passed over once and then stand at the end of the line."""
UNDER_WAY_S = 2.0
"""After so long a move counts as done, whatever became of it: its node may have been lost."""


class MoveConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How hastily sessions are moved."""

    at_once_max: int = 50
    """Moves under way that make nodes even: some milliseconds of a node's work, which nobody's
    line has to wait behind for longer."""
    draining_at_once_max: int = 200
    """Moves under way off draining nodes; somebody waits for these."""
    interval_s: float = 0.25
    """Between two looks at whether the nodes are even, on average: each is between half and one
    and a half of it, so that several balancers do not move in step."""
    cool_down_s: float = 30.0
    """How long a session that was moved to make nodes even is not moved for that again."""
    patience_s: float = 1.0
    """How long a draining node keeps sessions that wait for an answer; their lines are given to
    the next node then, which is safe, only more work."""

    def __post_init__(self) -> None:
        for name in ("at_once_max", "draining_at_once_max"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.interval_s <= 0:
            raise ValueError("interval_s must be more than 0")
        for name in ("cool_down_s", "patience_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")


class PlannedMove(msgspec.Struct, frozen=True):
    """A session that is to be bound to another node."""

    session: Session
    source: Node
    target: Node | None
    """None for whichever the strategy chooses: the source wants it to go, it matters not where."""


class _UnderWay(msgspec.Struct, frozen=True):
    session: Session
    generation: int
    since: float


class Moves:
    """Plans moves; remembers those under way, to bound them."""

    def __init__(self, config: MoveConfig, fleet: Fleet, random: Callable[[], float]) -> None:
        self._config = config
        self._fleet = fleet
        self._random = random
        self._evening = Evening()
        self._look_at = 0.0
        self._under_way: list[_UnderWay] = []

    @property
    def under_way(self) -> int:
        """How many moves were not confirmed when they were looked at last."""
        return len(self._under_way)

    def due(self, now: float) -> list[PlannedMove]:
        """Give the moves to be made now; tell `made` of each that was."""
        self._under_way = [one for one in self._under_way if _is_open(one, now)]
        moves: list[PlannedMove] = []
        if self._fleet.can_serve:
            allowed = self._config.draining_at_once_max - len(self._under_way)
            for node in self._fleet:
                draining_s = node.health.draining_s(now)
                if draining_s is not None and node.sessions and len(moves) < allowed:
                    is_patient = draining_s < self._config.patience_s
                    found = _pick(
                        node.sessions,
                        allowed - len(moves),
                        _is_quiet if is_patient else _is_any,
                    )
                    moves.extend(PlannedMove(session, node, None) for session in found)
        if not moves and now >= self._look_at:
            self._look_at = now + self._config.interval_s * (0.5 + self._random())
            moves.extend(self._even_out(now))
        return moves

    def made(self, move: PlannedMove, now: float) -> None:
        """A session was bound anew as planned."""
        session = move.session
        if move.target is not None:
            # Only whims are counted: a drained session may go back as soon as it can.
            session.moved_at = now
        if session.is_registered:
            self._under_way.append(_UnderWay(session, session.generation, now))

    def _even_out(self, now: float) -> Iterator[PlannedMove]:
        allowed = self._config.at_once_max - len(self._under_way)
        wanted: dict[str, list[Node]] = {}
        for move in self._evening.plan(self._fleet.loads(now), allowed):
            target = self._fleet.find(move.target)
            assert target is not None, "the plan names a node that does not exist"
            wanted.setdefault(move.source, []).append(target)

        def may_move(session: Session) -> bool:
            is_cool = now - session.moved_at >= self._config.cool_down_s
            return is_cool and session.is_registered and _is_quiet(session)

        for name, targets in wanted.items():
            source = self._fleet.find(name)
            assert source is not None, "the plan names a node that does not exist"
            found = _pick(source.sessions, len(targets), may_move)
            for session, target in zip(found, targets, strict=False):
                yield PlannedMove(session, source, target)


def _pick(
    sessions: dict[int, Session], count: int, may_move: Callable[[Session], bool]
) -> list[Session]:
    """Find up to `count` sessions that may move; those that may not go to the end of the line."""
    picked: list[Session] = []
    for session in list(islice(sessions.values(), count * LOOKED_AT_MAX)):
        if len(picked) == count:
            break
        if may_move(session):
            picked.append(session)
        else:
            sessions[session.id] = sessions.pop(session.id)
    return picked


def _is_quiet(session: Session) -> bool:
    """Whether nothing that the client said is unanswered."""
    return session.last_line == session.acknowledged


def _is_any(_session: Session) -> bool:
    return True


def _is_open(move: _UnderWay, now: float) -> bool:
    session = move.session
    return (
        session.is_open
        and session.generation == move.generation
        and not session.is_served
        and now - move.since < UNDER_WAY_S
    )
