"""Collects what a node has to send, until the turn's end."""

import msgspec

from roost.chat.commands import Command
from roost.chat.history import Query
from roost.ircd.sessions.work import Work
from roost.protocol.mesh import Whisper
from roost.protocol.trunk import Item


class ServerOutput(msgspec.Struct):
    """What the IRC side asks for after a turn.

    Items go to the balancers, in order, in one frame each; commands to the log, in order;
    queries to the history store; whispers to all other nodes, where they may be lost; jobs to
    whoever does slow work.
    """

    items: dict[str, list[Item]] = {}
    """By balancer."""
    commands: list[Command] = []
    queries: list[tuple[int, Query]] = []
    """With the ticket under which the answer is given back."""
    whispers: list[Whisper] = []
    jobs: list[tuple[int, Work]] = []
    """With the ticket under which the outcome is given back."""
    deeds: list[str] = []
    """What operators did, to be written into the node's own log."""
    is_rehash_due: bool = False
    """Whether the configuration is to be read again."""


class Outbox:
    """The output so far; filled by all parts of the IRC side."""

    def __init__(self) -> None:
        self._output = ServerOutput()

    def item(self, balancer: str, item: Item) -> None:
        """Send an item to a balancer, after those before it."""
        items = self._output.items.get(balancer)
        if items is None:
            items = self._output.items[balancer] = []
        items.append(item)

    def command(self, command: Command) -> None:
        """Ask the log to order a command."""
        self._output.commands.append(command)

    def query(self, ticket: int, query: Query) -> None:
        """Ask the history store."""
        self._output.queries.append((ticket, query))

    def job(self, ticket: int, work: Work) -> None:
        """Have slow work done."""
        self._output.jobs.append((ticket, work))

    def deed(self, text: str) -> None:
        """Have it logged what an operator did."""
        self._output.deeds.append(text)

    def rehash(self) -> None:
        """Have the configuration read again."""
        self._output.is_rehash_due = True

    def whisper(self, whisper: Whisper) -> None:
        """Tell the other nodes something that may be lost."""
        self._output.whispers.append(whisper)

    def forget_balancer(self, balancer: str) -> None:
        """Send nothing more to a balancer whose trunk is gone."""
        self._output.items.pop(balancer, None)

    def take(self) -> ServerOutput:
        """Give what was collected, and begin anew."""
        output = self._output
        self._output = ServerOutput()
        return output
