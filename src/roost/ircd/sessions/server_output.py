"""What the IRC side asks for after a turn."""

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
    operator_actions: list[str] = []
    """What operators did, for the node's own log file."""
    is_rehash_due: bool = False
    """Whether the node must read its configuration again."""
    is_whole: bool = True
    """Whether the last entry is shown wholly now."""
    size: int = 0
    """How many bytes the items have, about, and what finding their receivers has cost."""
