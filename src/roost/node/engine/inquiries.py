"""Clients' questions that are under way: to this node's store, to a neighbour, to the archive.

    query --> spread --> one part after the other --> answer, or why there is none

A part for a neighbour goes to one of those that hold all of it. A question changes nothing, so if a
neighbour dies, hangs or cannot answer, the next one is asked; whatever comes late is dropped. The
client gets one answer.
"""

from collections.abc import Sequence
from typing import NamedTuple

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


class Inquiries:
    """The questions of this node's clients."""

    def __init__(self) -> None:
        self._under_way: dict[int, _Inquiry] = {}
        self._with_neighbours: dict[int, _Inquiry] = {}
        """By the ticket that the neighbour was given."""
        self._unasked: list[_Inquiry] = []
        self._next_number = 1
        self._outcomes: list[Outcome] = []
        self._questions: list[AnswerQuery | AskArchive] = []
        self._frames: list[tuple[str, HistoryAsk]] = []

    def begin(self, ticket: int, query: Query, segments: Sequence[Segment]) -> None:
        """Ask a question of a client; `segments` are next to each other, oldest first."""
        steps = spread(query, segments)
        inquiry = _Inquiry(ticket, query, steps, next(steps))
        self._under_way[ticket] = inquiry
        self._ask(inquiry)

    def _ask(self, inquiry: _Inquiry) -> None:
        segment, query = inquiry.part
        if segment.source == NEIGHBOURS:
            self._unasked.append(inquiry)
        elif segment.source == ARCHIVE:
            self._questions.append(AskArchive(inquiry.ticket, query, segment.span))
        else:
            self._questions.append(AnswerQuery(inquiry.ticket, query, segment.span))

    def repeat(self, ticket: int) -> None:
        """Ask this node's store again, after what it lacked was fetched."""
        inquiry = self._under_way.get(ticket)
        if inquiry is not None:
            self._ask(inquiry)

    def start_again(self, ticket: int, segments: Sequence[Segment]) -> None:
        """Ask all of a question again: history is in other places than it was."""
        inquiry = self._under_way.get(ticket)
        if inquiry is not None:
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
        """Go on with the answer to a part."""
        self._go_on(ticket, answer)

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
        del self._under_way[outcome.ticket]
        self._outcomes.append(outcome)

    # Neighbours

    def receive_answer(self, peer: str, frame: HistoryAnswer) -> None:
        """Take a neighbour's answer; one that comes too late is dropped."""
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
            is_targets = isinstance(inquiry.part.query, Targets)
            self._go_on(inquiry.ticket, frame.targets if is_targets else frame.rows)

    def peer_disconnected(self, peer: str) -> None:
        """Ask others what a neighbour was asked."""
        for inquiry in [one for one in self._with_neighbours.values() if one.asked == peer]:
            self._ask_another(inquiry)

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
            span = inquiry.part.segment.span
            candidates = [
                peer
                for peer, share in holders.items()
                if share.has(*span) and peer not in inquiry.refused_by
            ]
            if not candidates:
                self.failed(inquiry.ticket, inquiry.reason)
                continue
            # In turn, so that the questions of a busy node do not all go to one.
            peer = candidates[self._next_number % len(candidates)]
            self._ask_neighbour(inquiry, peer, now)

    def _ask_neighbour(self, inquiry: _Inquiry, peer: str, now: float) -> None:
        segment, query = inquiry.part
        inquiry.asked, inquiry.number = peer, self._next_number
        self._next_number += 1
        is_search = isinstance(query, Search)
        inquiry.deadline = now + (SEARCH_S_MAX if is_search else ANSWER_S_MAX)
        self._with_neighbours[inquiry.number] = inquiry
        frame = HistoryAsk(
            inquiry.number,
            *segment.span,
            page=query if isinstance(query, Page) else None,
            targets=query if isinstance(query, Targets) else None,
            search=query if isinstance(query, Search) else None,
        )
        self._frames.append((peer, frame))

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
