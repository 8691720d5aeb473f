"""Brings a cluster back from the only data directory that is left: `roost recover`.

A majority of the voters is lost for good, so nobody can be elected any more. The surviving node's
log gets entries that make it the only voter and the only node of the cluster. That breaks what Raft
promises: what the others had confirmed and this node does not have is gone. So it happens only on
an operator's order, on a node that does not run.

    stored log --> + Configuration(this node) + RemoveNode(each other) --> stored log

The other nodes do not belong to the cluster any more, which keeps an old disk that turns up later
from making a second history: nodes and balancers refuse it.
"""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from roost.chat.apply import apply_entry
from roost.chat.commands import Command, encode_command
from roost.chat.commands.administration import Administer, FoundCluster, RemoveNode
from roost.chat.ids import Position
from roost.chat.snapshot import decode_state
from roost.chat.state import State
from roost.node.errors import StartError
from roost.raft.membership import Membership, encode_configuration
from roost.raft.messages import (
    ENTRY_COMMAND,
    ENTRY_CONFIGURATION,
    Configuration,
    Entry,
    HardState,
    Persist,
    Stored,
)
from roost.storage import DataDirectory, Identity, LogStore, StorageError

TERM_STEP = 1_000
"""How far the term rises: above any that the others can have reached before they were lost."""


class Survey(NamedTuple):
    """What a data directory holds, and what is known to be missing."""

    position: int
    """The last entry."""
    time_ms: int
    """When that was made."""
    voters: tuple[str, ...]
    others: tuple[str, ...]
    """The other nodes that belong to the cluster."""
    ahead: tuple[tuple[str, int], ...]
    """Nodes that are known to have had more entries, perhaps this one, and how many more."""
    findings: tuple[str, ...]
    """Damage, in words."""


class Survivor:
    """An open data directory of a node that does not run."""

    def __init__(self, name: str, members: tuple[str, ...], log: LogStore, stored: Stored) -> None:
        """`members` are those of the node's file; they count if the log names nobody."""
        self._name = name
        self._members = members
        self._log = log
        self._stored = stored
        self._state = _replay(stored)

    def survey(self) -> Survey:
        """Return what is here."""
        last, _, time_ms = _end_of(self._stored)
        membership = Membership(
            self._name, self._members, self._stored.snapshot, self._stored.entries
        )
        return Survey(
            position=last,
            time_ms=time_ms,
            voters=membership.latest.voters,
            others=self._others(),
            ahead=tuple(
                (known.name, known.index - last)
                for known in self._stored.positions
                if known.index > last
            ),
            findings=self._log.findings,
        )

    def recover(self) -> None:
        """Make this node the only one of the cluster, durably.

        Raises:
            StorageError: the disk cannot be written.
        """
        last, last_term, time_ms = _end_of(self._stored)
        term = max(self._stored.hard_state.term, last_term) + TERM_STEP
        commands: list[Command] = [FoundCluster((self._name,))]
        commands += [
            Administer(secrets.token_hex(16), RemoveNode(other)) for other in self._others()
        ]
        alone = encode_configuration(Configuration((self._name,)))
        entries = [Entry(last + 1, term, time_ms, ENTRY_CONFIGURATION, alone)]
        for index, command in enumerate(commands, last + 2):
            entries.append(Entry(index, term, time_ms, ENTRY_COMMAND, encode_command(command)))
        persist = Persist(
            number=1,
            # Neither a floor nor amnesia counts any more: there is nobody who could tell more.
            hard_state=HardState(term=term),
            snapshot=None,
            entries=tuple(entries),
            messages=(),
            positions=(),
        )
        self._log.write([persist])

    def _others(self) -> tuple[str, ...]:
        known = tuple(self._state.nodes) or self._members
        return tuple(name for name in known if name != self._name)


@contextlib.contextmanager
def open_survivor(
    data: Path, cluster: str, name: str, members: tuple[str, ...]
) -> Iterator[Survivor]:
    """Open a data directory while the context lasts.

    Raises:
        StartError: there is none, it is not this node's, or a process uses it.
    """
    if not (data / "log.db").exists():
        raise StartError(f"{data} holds no log: there is nothing to bring back")
    with contextlib.ExitStack() as opened:
        try:
            directory = opened.enter_context(
                DataDirectory.open(data, Identity(cluster, name), is_founding=False)
            )
            log = LogStore(directory)
            opened.callback(log.close)
            stored = log.load()
        except StorageError as error:
            raise StartError(str(error)) from error
        if not _end_of(stored)[0]:
            raise StartError(f"the log in {data} is empty: there is nothing to bring back")
        yield Survivor(name, members, log, stored)


def _end_of(stored: Stored) -> tuple[int, int, int]:
    """Return index, term and time of the last entry; zeros if there is none."""
    if stored.entries:
        last = stored.entries[-1]
        return last.index, last.term, last.time_ms
    if stored.snapshot is not None:
        return stored.snapshot.index, stored.snapshot.term, stored.snapshot.time_ms
    return 0, 0, 0


def _replay(stored: Stored) -> State:
    """Return the chat state after the last entry."""
    state = decode_state(stored.snapshot.data) if stored.snapshot is not None else State()
    for entry in stored.entries:
        if entry.index > state.position and entry.kind == ENTRY_COMMAND:
            apply_entry(state, entry.data, Position(entry.index), entry.time_ms)
    return state
