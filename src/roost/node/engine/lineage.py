"""Whether the rows before a gap come from the cluster's log, although the log has them no more.

    rows ...                | gap that a snapshot left | rows made from the log
    term 1 1 1 1 2 2 2 2 2  |                          |
                    ^ term here?  <-- the neighbour that sends the rows of the gap

Equal terms at one position mean that everything before it is equal, too (Raft's log matching).
Otherwise a majority has lost the entries of at least that term, and wrote others: the rows of that
term are fetched anew, and then the position before them is compared.
"""

from roost.chat.ids import Position
from roost.node.engine.effects import AddGap, LogEvent
from roost.node.engine.incidents import history_diverged
from roost.node.engine.terms import UNKNOWN_TERM, Terms


class Lineage:
    """Compares the stored rows with the neighbours', from the last gap back."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._end = Position(0)
        """Up to here the rows are in doubt; 0 if none is."""

    def doubt(self, end: Position) -> None:
        """Note that the log goes on behind a gap, which begins after `end`."""
        self._end = end

    def compare(
        self, first: Position, told: int, start: Position
    ) -> tuple[LogEvent, AddGap] | None:
        """Compare the term of the entry before `first` with what a neighbour told.

        Return what to say, and the gap to fetch first, if the rows from there back come from other
        entries. The store has rows from `start` on.
        """
        end, known = self._end, self._terms.at(self._end)
        if not end or first != end + 1:
            return None
        self._end = Position(0)
        if told in (UNKNOWN_TERM, known) or known == UNKNOWN_TERM or end < start:
            return None
        begin = max(self._terms.begin_of(end), start)
        self._end = Position(begin - 1)
        self._terms.skip(begin, end, told)
        return history_diverged(begin, end, known, told), AddGap(begin, end, told)
