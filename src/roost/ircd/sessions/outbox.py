"""Collects the output of a turn."""

from typing import Final, assert_never

from roost.chat.commands import Command
from roost.chat.history import Query
from roost.ircd.sessions.server_output import ServerOutput
from roost.ircd.sessions.work import Work
from roost.protocol.mesh import Whisper
from roost.protocol.trunk import (
    Close,
    Deliver,
    DeliverTo,
    Item,
    Join,
    Leave,
    Refuse,
    Reply,
    Serving,
)

ITEM_BYTES: Final = 56
"""More than an item takes in a frame beside its payload and its list of sessions."""
SESSION_BYTES = 9
"""The number of a session in a frame."""
RECEIVER_BYTES = 24
"""What it costs to find out whether and how a session is told of a change, in bytes that could be
sent meanwhile."""


def item_size(item: Item) -> int:
    """Return how many bytes an item takes in a frame, or a few more."""
    match item:
        case Deliver() | Reply() | Close():
            return ITEM_BYTES + len(item.payload)
        case DeliverTo(sessions, payload):
            return ITEM_BYTES + len(payload) + SESSION_BYTES * len(sessions)
        case Join():
            return ITEM_BYTES + SESSION_BYTES * len(item.sessions) + len(item.room.encode())
        case Leave():
            return ITEM_BYTES + SESSION_BYTES * len(item.sessions)
        case Refuse():
            return ITEM_BYTES + len(item.reason.encode())
        case Serving():
            return ITEM_BYTES + len(item.nick.encode())
        case _:
            assert_never(item)


class Outbox:
    """The output of this turn so far."""

    def __init__(self) -> None:
        self._output = ServerOutput()
        self.size = 0
        """How much this turn has done for clients so far, in bytes, about."""

    def item(self, balancer: str, item: Item) -> None:
        """Add an item for a balancer."""
        items = self._output.items
        if balancer in items:
            items[balancer].append(item)
        else:
            items[balancer] = [item]
        # Most are of this kind; finding out that a struct is not of a kind takes long.
        if type(item) is Reply:
            self.size += ITEM_BYTES + len(item.payload)
        else:
            self.size += item_size(item)

    def deliver(self, balancer: str, group: int, asker: int, payload: bytes) -> None:
        """Add lines for a group; `asker` is the session that is left out, or 0."""
        items = self._output.items
        item = Deliver(group, asker, payload)
        if balancer in items:
            items[balancer].append(item)
        else:
            items[balancer] = [item]
        self.size += ITEM_BYTES + len(payload)

    def looked_at(self, sessions: int) -> None:
        """Count the work for sessions that were looked at one by one, told anything or not."""
        self.size += RECEIVER_BYTES * sessions

    def command(self, command: Command) -> None:
        """Add a command for the log."""
        self._output.commands.append(command)

    def query(self, ticket: int, query: Query) -> None:
        """Add a query for the history store."""
        self._output.queries.append((ticket, query))

    def job(self, ticket: int, work: Work) -> None:
        """Add slow work."""
        self._output.jobs.append((ticket, work))

    def operator_action(self, text: str) -> None:
        """Add what an operator did."""
        self._output.operator_actions.append(text)

    def rehash(self) -> None:
        """Ask the node to read its configuration again."""
        self._output.is_rehash_due = True

    def whisper(self, whisper: Whisper) -> None:
        """Add a typing notice for the other nodes."""
        self._output.whispers.append(whisper)

    def forget_balancer(self, balancer: str) -> None:
        """Drop the items for a balancer whose trunk is gone."""
        self._output.items.pop(balancer, None)

    def take(self) -> ServerOutput:
        """Return what was collected, and start anew."""
        output = self._output
        output.size, self.size = self.size, 0
        self._output = ServerOutput()
        return output
