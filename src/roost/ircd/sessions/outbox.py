"""Collects the output of a turn."""

import msgspec

from roost.chat.commands import Command
from roost.chat.history import Query
from roost.ircd.sessions.work import Work
from roost.protocol.mesh import Whisper
from roost.protocol.trunk import Item


class ServerOutput(msgspec.Struct):
    """What the IRC side asks for after a turn.

    Items go to the balancers, in order, in one frame for each; commands to the log, in order;
    queries to the history store; whispers to all other nodes, and may be lost; jobs to the
    driver's threads.
    """

    items: dict[str, list[Item]] = {}
    """By balancer."""
    commands: list[Command] = []
    queries: list[tuple[int, Query]] = []
    """Each with the ticket that its answer will carry."""
    whispers: list[Whisper] = []
    jobs: list[tuple[int, Work]] = []
    """Each with the ticket that its outcome will carry."""
    deeds: list[str] = []
    """What operators did, for the node's own log file."""
    is_rehash_due: bool = False
    """Whether the node must read its configuration again."""


class Outbox:
    """The output of this turn so far."""

    def __init__(self) -> None:
        self._output = ServerOutput()

    def item(self, balancer: str, item: Item) -> None:
        """Add an item for a balancer."""
        items = self._output.items.get(balancer)
        if items is None:
            items = self._output.items[balancer] = []
        items.append(item)

    def command(self, command: Command) -> None:
        """Add a command for the log."""
        self._output.commands.append(command)

    def query(self, ticket: int, query: Query) -> None:
        """Add a query for the history store."""
        self._output.queries.append((ticket, query))

    def job(self, ticket: int, work: Work) -> None:
        """Add slow work."""
        self._output.jobs.append((ticket, work))

    def deed(self, text: str) -> None:
        """Add what an operator did."""
        self._output.deeds.append(text)

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
        self._output = ServerOutput()
        return output
