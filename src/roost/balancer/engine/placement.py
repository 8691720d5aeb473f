"""Chooses a node for a session: one that can still show its client everything that it missed.

    an available node reaches back far enough     the least loaded one
    only one that is held down or draining does   that one
    none that answers does                        wait a moment for the nodes that do not answer,
                                                  then go on with a gap, which the client is told of

Nodes say in their reports how far back they reach. A client that is registering has no position of
its own: only refusals say which nodes cannot go on with it.
"""

import math
from collections.abc import Callable

from roost.balancer.engine.health import DRAINING, HELD_DOWN
from roost.balancer.engine.node_pool import Node, NodePool
from roost.balancer.engine.session_values import Stranding
from roost.balancer.engine.sessions import Session

PATIENCE_S = 3.0
"""How long a client waits for a node that may have what it missed: a process starts again in less,
and longer would hurt more than what is lost."""
PAUSE_S = 0.25
"""Time until a node that refused a session, for another reason, is asked again, and until a session
without a node looks for one again. There can be thousands of both."""
REFUSAL_NOTE_S = 1.0
"""Between two log events about refused sessions, of which there can be thousands at once."""


def place(pool: NodePool, session: Session, now: float) -> tuple[Node | None, bool]:
    """Return the node for a session, and whether its client has to accept a gap.

    None if the session must wait. Updates `session.stranding`.
    """
    if not pool.has_available:
        return None, False
    if session.stranding is None and not session.is_registered:
        return pool.choose(now), False

    def is_able(node: Node) -> bool:
        return _refused_until(node, session) <= now and not _is_out_of_reach(node, session)

    node = pool.choose(now, is_able)
    if node is not None:
        return node, False
    stranding = session.stranding = session.stranding or Stranding(now)
    node = _reserve(pool, now, is_able)
    if node is not None:
        return node, False
    is_over = now - stranding.since >= PATIENCE_S
    if is_over or all(_is_known_unable(other, session) for other in pool):
        node = pool.choose(now, lambda other: not _is_paused(other, session, now))
    if node is None:
        stranding.search_at = now + PAUSE_S
    return node, node is not None


def refused(node: Node, session: Session, reaches: int, now: float) -> Stranding:
    """Note that a node refused a session, forever if the node `reaches` back too little."""
    node.reaches = max(node.reaches, reaches)
    stranding = session.stranding = session.stranding or Stranding(now)
    stranding.refused[node.name] = math.inf if reaches else now + PAUSE_S
    return stranding


def _reserve(pool: NodePool, now: float, is_able: Callable[[Node], bool]) -> Node | None:
    """Return a node that normally gets no clients, but could serve some for a while."""
    able = [
        node
        for node in pool
        if node.health.status(now).state in (HELD_DOWN, DRAINING) and is_able(node)
    ]
    return min(able, key=lambda node: len(node.sessions), default=None)


def _refused_until(node: Node, session: Session) -> float:
    return session.stranding.refused.get(node.name, -math.inf) if session.stranding else -math.inf


def _is_paused(node: Node, session: Session, now: float) -> bool:
    return now < _refused_until(node, session) < math.inf


def _is_out_of_reach(node: Node, session: Session) -> bool:
    return session.is_registered and node.reaches > session.position


def _is_known_unable(node: Node, session: Session) -> bool:
    """Return whether asking the node, once it is ready, would be in vain."""
    is_known = node.trunk is not None and node.report is not None
    return _refused_until(node, session) == math.inf or (
        is_known and _is_out_of_reach(node, session)
    )
