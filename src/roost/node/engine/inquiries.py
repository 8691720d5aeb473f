"""Clients' questions that are under way: to this node's store, to a neighbour, to the archive.

    query --> spread --> one part after the other --> answer, or why there is none

A part for a neighbour goes to one of those that hold all of it. A question changes nothing, so if a
neighbour dies, hangs or cannot answer, the next one is asked; whatever comes late is dropped. The
client gets one answer.

Where this node's store had too few of the latest messages, it will have too few the next time. So a
neighbour is asked *early* then, at the same time as the store.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeGuard

import msgspec

from roost.chat.history import Answer, Page, Query, Search, Targets
from roost.node.engine.effects import AnswerQuery, AskArchive
from roost.node.engine.elsewhere import Share
from roost.node.engine.spread import Part, Segment, Steps, UnavailableError, spread
from roost.protocol.mesh import HistoryAnswer, HistoryAsk

HERE = ""
"""The source of what this node's own store holds."""
NEIGHBOURS = "neighbours"
ARCHIVE = "archive"

ANSWER_S_MAX = 1.0
"""How long a neighbour may take: a hundred times what it takes as a rule."""
SEARCH_S_MAX = 2.0
"""The same for a search, which may take half a second itself."""
NOBODY = "Earlier messages are on nodes that cannot be reached at the moment; try again later"


class Outcome(NamedTuple):
    """What a client is told."""

    ticket: int
    answer: Answer | None
    """None if there is no answer; `text` says why."""
    text: str = ""
    """With an answer: why older messages may be missing from it, if they may."""


SHORT_MAX = 1_000
"""Conversations of which it is remembered that this node holds too little of them."""


class _Early(msgspec.Struct):
    """A question to a neighbour that may turn out to be needed."""

    part: Part
    asked: str
    number: int
    deadline: float
    answer: Answer | None = None


class _Inquiry(msgspec.Struct):
    ticket: int
    query: Query
    steps: Steps
    part: Part
    refused_by: list[str] = []
    """Neighbours that could not answer this part."""
    asked: str = ""
    """The neighbour that has the question."""
    number: int = 0
    """The ticket that the neighbour was given."""
    deadline: float = float("inf")
    reason: str = NOBODY
    """What to say if no neighbour can answer this part."""
    early: _Early | None = None


class Inquiries:
    """The questions of this node's clients."""

    def __init__(self) -> None:
        self._under_way: dict[int, _Inquiry] = {}
        self._with_neighbours: dict[int, _Inquiry] = {}
        """By the ticket that the neighbour was given."""
        self._unasked: list[_Inquiry] = []
        self._to_ask_early: list[tuple[_Inquiry, Part]] = []
        self._early: dict[int, _Inquiry] = {}
        """Those that have asked a neighbour early, by its ticket."""
        self._short: dict[str, None] = {}
        """Conversations of which this node's store had too little the last time."""
        self._next_number = 1
        self._outcomes: list[Outcome] = []
        self._questions: list[AnswerQuery | AskArchive] = []
        self._frames: list[tuple[str, HistoryAsk]] = []

    def begin(self, ticket: int, query: Query, segments: Sequence[Segment]) -> None:
        """Ask a question of a client; `segments` are next to each other, oldest first."""
        steps = spread(query, segments)
        inquiry = _Inquiry(ticket, query, steps, next(steps))
        self._under_way[ticket] = inquiry
        if _is_latest(query) and query.conversation in self._short:
            self._note_early(inquiry, segments)
        self._ask(inquiry)

    def _ask(self, inquiry: _Inquiry) -> None:
        segment, query = inquiry.part
        if segment.source == NEIGHBOURS:
            self._ask_neighbours(inquiry)
        elif segment.source == ARCHIVE:
            self._questions.append(AskArchive(inquiry.ticket, query, segment.span))
        else:
            self._questions.append(AnswerQuery(inquiry.ticket, query, segment.span))

    def _ask_neighbours(self, inquiry: _Inquiry) -> None:
        """Have a neighbour asked, unless one was asked early."""
        early, inquiry.early = inquiry.early, None
        if early is None or early.part.segment != inquiry.part.segment:
            self._unasked.append(inquiry)
        elif early.answer is not None:
            self._go_on(inquiry.ticket, _newest(early.answer, inquiry.part.query))
        else:
            del self._early[early.number]
            inquiry.asked, inquiry.number = early.asked, early.number
            inquiry.deadline = early.deadline
            self._with_neighbours[early.number] = inquiry

    def _note_early(self, inquiry: _Inquiry, segments: Sequence[Segment]) -> None:
        """Have a neighbour asked what it will be asked if this node's store has too few rows."""
        if [segment.source for segment in segments[-2:]] == [NEIGHBOURS, HERE]:
            self._to_ask_early.append((inquiry, Part(segments[-2], inquiry.query)))

    def _drop_early(self, inquiry: _Inquiry) -> None:
        early, inquiry.early = inquiry.early, None
        if early is not None:
            self._early.pop(early.number, None)

    def repeat(self, ticket: int) -> None:
        """Ask this node's store again, after what it lacked was fetched."""
        inquiry = self._under_way.get(ticket)
        if inquiry is not None:
            self._ask(inquiry)

    def start_again(self, ticket: int, segments: Sequence[Segment]) -> None:
        """Ask all of a question again: history is in other places than it was."""
        inquiry = self._under_way.get(ticket)
        if inquiry is not None:
            self._drop_early(inquiry)
            if inquiry.asked:
                self._take_back(inquiry)
            self.begin(ticket, inquiry.query, segments)

    @property
    def is_idle(self) -> bool:
        """Whether no question is under way."""
        return not self._under_way

    def is_under_way(self, ticket: int) -> bool:
        return ticket in self._under_way

    def answered(self, ticket: int, answer: Answer) -> None:
        """Go on with the store's answer to a part."""
        inquiry = self._under_way.get(ticket)
        is_here = inquiry is not None and inquiry.part.segment.source == HERE
        if is_here and inquiry is not None and _is_latest(query := inquiry.query):
            self._note_short(query.conversation, is_short=len(answer) < query.limit)
        self._go_on(ticket, answer)

    def _note_short(self, conversation: str, *, is_short: bool) -> None:
        self._short.pop(conversation, None)
        if is_short:
            self._short[conversation] = None
        if len(self._short) > SHORT_MAX:
            del self._short[next(iter(self._short))]

    def failed(self, ticket: int, reason: str) -> None:
        """Go on without an answer to a part; neighbours may have what the archive does not tell."""
        inquiry = self._under_way.get(ticket)
        if inquiry is not None and inquiry.part.segment.source == ARCHIVE:
            segment = inquiry.part.segment._replace(source=NEIGHBOURS)
            inquiry.part = inquiry.part._replace(segment=segment)
            inquiry.reason = reason
            self._unasked.append(inquiry)
        else:
            self._go_on(ticket, UnavailableError(reason))

    def _go_on(self, ticket: int, answer: Answer | UnavailableError) -> None:
        inquiry = self._under_way.get(ticket)
        if inquiry is None:
            return
        try:
            if isinstance(answer, UnavailableError):
                inquiry.part = inquiry.steps.throw(answer)
            else:
                inquiry.part = inquiry.steps.send(answer)
        except StopIteration as end:
            found = end.value
            self._end(Outcome(ticket, found.answer, found.lack))
        except UnavailableError as error:
            self._end(Outcome(ticket, None, str(error)))
        else:
            inquiry.refused_by, inquiry.reason = [], NOBODY
            self._ask(inquiry)

    def _end(self, outcome: Outcome) -> None:
        self._drop_early(self._under_way.pop(outcome.ticket))
        self._outcomes.append(outcome)

    # Neighbours

    def receive_answer(self, peer: str, frame: HistoryAnswer) -> None:
        """Take a neighbour's answer; one that comes too late is dropped."""
        waiting = self._early.get(frame.ticket)
        if waiting is not None and waiting.early is not None and waiting.early.asked == peer:
            del self._early[frame.ticket]
            if frame.refusal:
                waiting.early = None
            else:
                waiting.early.answer = frame.rows
            return
        inquiry = self._with_neighbours.get(frame.ticket)
        if inquiry is None or inquiry.asked != peer:
            return
        if frame.is_final:
            self._take_back(inquiry)
            self.failed(inquiry.ticket, frame.refusal)
        elif frame.refusal:
            self._ask_another(inquiry)
        else:
            self._take_back(inquiry)
            query = inquiry.part.query
            rows = frame.targets if isinstance(query, Targets) else _newest(frame.rows, query)
            self._go_on(inquiry.ticket, rows)

    def peer_disconnected(self, peer: str) -> None:
        """Ask others what a neighbour was asked."""
        for inquiry in [one for one in self._with_neighbours.values() if one.asked == peer]:
            self._ask_another(inquiry)
        for inquiry in list(self._early.values()):
            if inquiry.early is not None and inquiry.early.asked == peer:
                self._drop_early(inquiry)

    def _ask_another(self, inquiry: _Inquiry) -> None:
        inquiry.refused_by.append(inquiry.asked)
        self._take_back(inquiry)
        self._unasked.append(inquiry)

    def _take_back(self, inquiry: _Inquiry) -> None:
        del self._with_neighbours[inquiry.number]
        inquiry.asked, inquiry.deadline = "", float("inf")

    def advance(self, holders: dict[str, Share], now: float) -> None:
        """Ask neighbours what is due; `holders` are linked, each with what it holds."""
        for inquiry in [one for one in self._with_neighbours.values() if now >= one.deadline]:
            self._ask_another(inquiry)
        unasked, self._unasked = self._unasked, []
        for inquiry in unasked:
            asked = self._put(inquiry.part, holders, inquiry.refused_by, now)
            if asked is None:
                self.failed(inquiry.ticket, inquiry.reason)
                continue
            inquiry.asked, inquiry.number, inquiry.deadline = asked
            self._with_neighbours[inquiry.number] = inquiry
        to_ask_early, self._to_ask_early = self._to_ask_early, []
        for inquiry, part in to_ask_early:
            asked = self._put(part, holders, [], now)
            if asked is not None and self._under_way.get(inquiry.ticket) is inquiry:
                inquiry.early = _Early(part, *asked)
                self._early[inquiry.early.number] = inquiry

    def _put(
        self, part: Part, holders: dict[str, Share], refused_by: list[str], now: float
    ) -> tuple[str, int, float] | None:
        """Put a part to a neighbour; return which, with which ticket, and until when to wait."""
        segment, query = part
        candidates = [
            peer
            for peer, share in holders.items()
            if share.has(*segment.span) and peer not in refused_by
        ]
        if not candidates:
            return None
        # In turn, so that the questions of a busy node do not all go to one.
        number = self._next_number
        peer = candidates[number % len(candidates)]
        self._next_number += 1
        frame = HistoryAsk(
            number,
            *segment.span,
            page=query if isinstance(query, Page) else None,
            targets=query if isinstance(query, Targets) else None,
            search=query if isinstance(query, Search) else None,
        )
        self._frames.append((peer, frame))
        is_search = isinstance(query, Search)
        return peer, number, now + (SEARCH_S_MAX if is_search else ANSWER_S_MAX)

    def next_deadline(self) -> float:
        """Return when `advance` has something to do, in monotonic seconds."""
        if self._unasked or self._outcomes:
            return float("-inf")
        return min((one.deadline for one in self._with_neighbours.values()), default=float("inf"))

    # Output

    def take_outcomes(self) -> list[Outcome]:
        """Return what clients are to be told, once."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def take_output(
        self,
    ) -> tuple[list[AnswerQuery | AskArchive], list[tuple[str, HistoryAsk]]]:
        """Return the questions to the store and the archive, and those to neighbours, once."""
        questions, self._questions = self._questions, []
        frames, self._frames = self._frames, []
        return questions, frames


def _is_latest(query: Query) -> TypeGuard[Page]:
    """Return whether a query is for the latest messages of a conversation, however old they are."""
    if not isinstance(query, Page):
        return False
    return query.is_newest and query.after is query.before is query.around is None


def _newest(answer: Answer, query: Query) -> Answer:
    """Return as many of the newest rows as were asked for; an early question was for more."""
    if isinstance(query, Page) and query.is_newest:
        return answer[-query.limit :]
    return answer
