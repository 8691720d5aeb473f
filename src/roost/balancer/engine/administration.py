"""Requests of administrators and of machines that join: passed on to a node, and answered.

    operator, newcomer --request--> a node --> the log --> Told --> whoever asked

A request whose node is lost is *unsettled*: whoever asked repeats it under the same id.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from roost.balancer.engine.node_pool import Node, NodePool
from roost.chat.commands.administration import Administration
from roost.chat.versions import why_too_new
from roost.protocol.orders import AdministerAnswer
from roost.protocol.trunk import Ask, Told

ASKING_MAX = 64
"""Requests that wait for nodes at once; people make few."""
ABLE_STATES = ("ready", "draining")
"""States in which a node can reach the log, and knows it."""

Reply: TypeAlias = Callable[[AdministerAnswer], None]


class AdministrationDesk:
    """The requests that wait for an answer of a node."""

    def __init__(self, pool: NodePool) -> None:
        self._pool = pool
        self._asked: dict[int, tuple[str, Reply]] = {}
        self._tickets = 0

    def ask(self, request: str, operation: Administration, reply: Reply, now: float) -> None:
        """Pass a request on; `reply` gets the answer, once."""
        node = self._choose(now)
        if node is None or node.trunk is None:
            reply(AdministerAnswer("no node is ready", is_unsettled=True))
        elif node.hello is not None and why_too_new(operation, node.hello.speaks[1]):
            reply(AdministerAnswer(f"{node.name} does not know this yet: upgrade all nodes first"))
        elif len(self._asked) >= ASKING_MAX:
            reply(AdministerAnswer(f"{ASKING_MAX} requests wait already", is_unsettled=True))
        else:
            self._tickets += 1
            self._asked[self._tickets] = (node.name, reply)
            node.trunk.send(Ask(self._tickets, request, operation))

    def told(self, node: str, frame: Told) -> None:
        """Give an answer to whoever waits for it."""
        asked, reply = self._asked.get(frame.ticket, ("", None))
        if reply is not None and asked == node:
            del self._asked[frame.ticket]
            reply(AdministerAnswer(frame.problem, frame.data))

    def node_lost(self, name: str) -> None:
        """Tell those who waited for a node that they must ask again."""
        for ticket, (node, reply) in list(self._asked.items()):
            if node == name:
                del self._asked[ticket]
                reply(AdministerAnswer(f"{name} was lost before it answered", is_unsettled=True))

    def _choose(self, now: float) -> Node | None:
        """Return the leader if it is connected: it proposes soonest. Else any that can."""
        able = [
            node
            for node in self._pool
            if node.trunk is not None and node.health.status(now).state in ABLE_STATES
        ]
        leader = self._pool.leader(now)
        return min(able, key=partial(_rank, leader), default=None)


def _rank(leader: str, node: Node) -> tuple[bool, str]:
    return node.name != leader, node.name
