"""Lines that wait for the history store.

Source: ircv3.net/specs/extensions/chathistory.
"""

from collections.abc import Callable

import msgspec

from roost.chat.history import Answer, Query
from roost.irc.capabilities import Capability
from roost.ircd.context import Context, Question, RefusedError, Result
from roost.ircd.replies.refusals import send_refusal
from roost.ircd.sessions.outbox import Outbox
from roost.ircd.sessions.session import LocalSession


class _Asked(msgspec.Struct):
    context: Context
    show: Callable[[Context, Answer], Result]
    remaining: list[Query]
    """Queries to try, in order, while the answers are empty."""
    is_quiet: bool


class Questions:
    """The questions that are not answered yet."""

    def __init__(
        self,
        outbox: Outbox,
        is_served: Callable[[LocalSession], bool],
        go_on: Callable[[Context, Result], None],
    ) -> None:
        """`go_on` is called with the result of a line, once it is known."""
        self._outbox = outbox
        self._is_served = is_served
        self._go_on = go_on
        self._asked: dict[int, _Asked] = {}
        self._next_ticket = 1

    def ask(self, context: Context, question: Question) -> None:
        """Ask the history store, and let the line wait."""
        self._ask(_Asked(context, question.show, list(question.queries), question.is_quiet))

    def _ask(self, asked: _Asked) -> None:
        query = asked.remaining.pop(0)
        ticket = self._next_ticket
        self._next_ticket += 1
        context = asked.context
        if context.line:
            context.session.waiting_line = context.line
        self._asked[ticket] = asked
        self._outbox.query(ticket, query)

    def answer(self, ticket: int, answer: Answer, lack: str = "") -> None:
        """Show what was found in history; `lack` says why older messages may be missing, if so."""
        asked = self._take(ticket)
        if asked is None:
            return
        context = asked.context
        if not answer and asked.remaining:
            self._ask(asked)
            return
        result: Result = None
        try:
            result = asked.show(context, answer)
        except RefusedError as error:
            send_refusal(context, error.refusal)
        if lack and not asked.is_quiet:
            _warn(context, lack)
        self._go_on(context, result)

    def answer_failed(self, ticket: int, reason: str) -> None:
        """Say that the history store could not answer.

        Source: ircv3.net/specs/extensions/chathistory, "MESSAGE_ERROR"; soju.im/search, "Errors and
        Warnings".
        """
        asked = self._take(ticket)
        if asked is None:
            return
        context = asked.context
        if not asked.is_quiet:
            context.fail(_code(context), *context.targets, text=reason, is_specified=True)
        self._go_on(context, None)

    def _take(self, ticket: int) -> _Asked | None:
        asked = self._asked.pop(ticket, None)
        if asked is None or not self._is_served(asked.context.session):
            return None
        if asked.context.line:
            asked.context.session.waiting_line = 0
        return asked


def _code(context: Context) -> str:
    return "INTERNAL_ERROR" if context.command == "SEARCH" else "MESSAGE_ERROR"


def _warn(context: Context, text: str) -> None:
    """Say why an answer may not be whole."""
    if context.has(Capability.STANDARD_REPLIES):
        context.warn(_code(context), *context.targets, text=text)
    else:
        context.notice(f"*** {context.command}: {text}")
