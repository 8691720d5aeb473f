"""The rows that neighbours have asked for, until the store has read them."""

from roost.chat.ids import Position
from roost.node.engine.effects import ExportRows
from roost.node.engine.inputs import Exported
from roost.node.engine.terms import Terms
from roost.protocol.mesh import HistoryChunk, HistoryWant


def nothing(want: HistoryWant) -> HistoryChunk:
    """Return the answer to a neighbour that must ask another one."""
    return HistoryChunk(want.ticket, Position(want.first - 1), (), ())


class Exporting:
    """Who has asked for what."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._wants: dict[int, tuple[str, HistoryWant]] = {}
        self._void: set[int] = set()
        """The tickets of those that get nothing."""
        self._ticket = 0

    def begin(self, peer: str, want: HistoryWant) -> ExportRows:
        """Return the effect that reads the rows."""
        self._ticket += 1
        self._wants[self._ticket] = (peer, want)
        return ExportRows(self._ticket, want.first, want.last)

    def void(self, first: Position, last: Position) -> None:
        """Send nothing of what is being read of these positions: it may lack what has just come.

        A neighbour takes rows for whole but for the holes that this node told of before it sends.
        """
        for ticket, (_, want) in self._wants.items():
            if want.first <= last and first <= want.last:
                self._void.add(ticket)

    def end(self, result: Exported) -> tuple[str, HistoryChunk] | None:
        """Return what to send to whom; None if no neighbour has asked."""
        if result.ticket not in self._wants:
            return None
        peer, want = self._wants.pop(result.ticket)
        if result.ticket in self._void:
            self._void.remove(result.ticket)
            return peer, nothing(want)
        term = self._terms.at(Position(want.first - 1))
        return peer, HistoryChunk(want.ticket, result.covered, result.rows, result.missing, term)
