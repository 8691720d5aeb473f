"""From a node's output to the clients' outboxes.

    Deliver --> group --> outbox, outbox, outbox ...      one append for each member
    DeliverTo, Reply --> outbox

Groups belong to a node, and last as long as its trunk. Nothing is copied: all outboxes hold the
same bytes until they are written.
"""

from roost.balancer.engine.node_pool import Node
from roost.balancer.engine.sessions import Client, Session
from roost.protocol.trunk import Deliver, DeliverTo, Join, Leave, Reply


class Relay:
    """Puts bytes into outboxes, and lists those that have to be written."""

    def __init__(self) -> None:
        self.dirty: list[Client] = []
        """Clients with something in their outboxes, each once."""
        self.deliveries = 0
        """Payloads that were put into outboxes since the start."""

    def write(self, session: Session, payload: bytes) -> None:
        """Put bytes into a session's outbox."""
        client = session.client
        client.pieces.append(payload)
        if not client.is_dirty:
            self.mark(client)
        self.deliveries += 1

    def mark(self, client: Client) -> None:
        """Have a client written to."""
        if not client.is_dirty:
            client.is_dirty = True
            self.dirty.append(client)

    def deliver(self, node: Node, item: Deliver) -> None:
        """Append to all outboxes of a group but one; the only loop over a message's recipients."""
        members = node.groups.get(item.group)
        if members is None:
            return
        dirty, excluded, payload = self.dirty, item.excluded, item.payload
        for number, client in members.items():
            if number != excluded:
                client.pieces.append(payload)
                if not client.is_dirty:
                    client.is_dirty = True
                    dirty.append(client)
        self.deliveries += len(members) - (excluded in members)

    def show(self, node: Node, item: Deliver | DeliverTo | Join | Leave) -> None:
        """Do what an item of a node says; skip sessions that the node does not serve."""
        match item:
            case Deliver():
                self.deliver(node, item)
            case DeliverTo(numbers, payload):
                for number in numbers:
                    session = node.sessions.get(number)
                    if session is not None and session.is_served:
                        self.write(session, payload)
            case Join(group, numbers, room):
                _join(node, group, numbers, room)
            case Leave(group, numbers):
                _leave(node, group, numbers)

    def answer(self, session: Session, reply: Reply) -> None:
        """Give a client a part of an answer, unless it has got it already.

        Raises:
            AcknowledgementError: The reply acknowledges a line that the node was not sent.
        """
        if session.is_new_answer(reply.line, reply.part) and reply.payload:
            self.write(session, reply.payload)
        if reply.is_last:
            # Parts before the first acknowledgement only belong to the registration. The session
            # may be registered by then without having been shown what happened since.
            if not session.is_served:
                session.served()
            session.acknowledge(reply.line)


def rooms_of(node: Node, session: Session) -> tuple[str, ...]:
    """Return the rooms whose groups a session is in."""
    return tuple([room for group in session.groups if (room := node.rooms.get(group))])


def leave_groups(node: Node, session: Session) -> None:
    """Remove a session from all of its node's groups."""
    for group in session.groups:
        members = node.groups.get(group)
        if members is not None:
            members.pop(session.id, None)
            if not members:
                _end(node, group)
    session.groups = ()


def _join(node: Node, group: int, numbers: tuple[int, ...], room: str) -> None:
    for number in numbers:
        session = node.sessions.get(number)
        if session is None or not session.is_served:
            continue
        members = node.groups.get(group)
        if members is None:
            members = node.groups[group] = {}
            node.rooms[group] = room
        if number not in members:
            members[number] = session.client
            session.groups = (*session.groups, group)


def _leave(node: Node, group: int, numbers: tuple[int, ...]) -> None:
    members = node.groups.get(group)
    if members is None:
        return
    for number in numbers:
        if members.pop(number, None) is not None:
            session = node.sessions[number]
            session.groups = tuple(one for one in session.groups if one != group)
    if not members:
        _end(node, group)


def _end(node: Node, group: int) -> None:
    del node.groups[group]
    del node.rooms[group]
