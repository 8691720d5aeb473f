"""Neighbours' questions about history that they do not hold themselves."""

from roost.chat.history import Row, Span, Target
from roost.node.engine.effects import AnswerQuery
from roost.node.engine.inputs import Answered, AnswerFailed
from roost.protocol.mesh import HistoryAnswer, HistoryAsk

HEARD_MAX = 500
"""Questions that wait for the store at once; a neighbour can ask somebody else."""
ANSWER_BYTES_MAX = 8 * 1024 * 1024
"""Half a frame; a hundred ordinary messages are 30 KB."""
NOT_HERE = "not here"
TOO_LONG = "These messages are too long for one answer; ask for fewer"

_ROW_BYTES = 64
"""A row without its texts and its record."""


class Hearing:
    """The questions of neighbours that this node's store has been asked."""

    def __init__(self) -> None:
        self._heard: dict[int, tuple[str, int]] = {}
        """By the ticket for the store, which is negative: who asked, and with which ticket."""
        self._next_ticket = -2

    def receive(
        self, peer: str, ask: HistoryAsk, *, is_here: bool
    ) -> AnswerQuery | tuple[str, HistoryAnswer]:
        """Return the question for the store, or the answer that there is none."""
        query = ask.page or ask.targets or ask.search
        if query is None or not is_here or len(self._heard) >= HEARD_MAX:
            return peer, HistoryAnswer(ask.ticket, refusal=NOT_HERE)
        ticket = self._next_ticket
        self._next_ticket -= 1
        self._heard[ticket] = (peer, ask.ticket)
        return AnswerQuery(ticket, query, Span(ask.first, ask.last))

    def answered(self, result: Answered | AnswerFailed) -> tuple[str, HistoryAnswer] | None:
        """Return what to send to whom; None if no neighbour asked."""
        heard = self._heard.pop(result.ticket, None)
        if heard is None:
            return None
        peer, number = heard
        if isinstance(result, AnswerFailed):
            return peer, HistoryAnswer(number, refusal=result.reason)
        rows = tuple(one for one in result.answer if isinstance(one, Row))
        targets = tuple(one for one in result.answer if isinstance(one, Target))
        size = sum(_ROW_BYTES + len(row.record) + len(row.conversation) for row in rows)
        if size > ANSWER_BYTES_MAX:
            return peer, HistoryAnswer(number, refusal=TOO_LONG, is_final=True)
        return peer, HistoryAnswer(number, rows, targets)
