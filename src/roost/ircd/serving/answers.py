"""Sends answers to the balancers, in parts of a bounded size."""

from collections.abc import Iterable

from roost.ircd.context import Context
from roost.ircd.rendering.pieces import cut_payload, join_lines
from roost.ircd.replies.labels import finish
from roost.ircd.serving.environment import Environment
from roost.ircd.sessions.outbox import Outbox
from roost.ircd.sessions.session import LocalSession
from roost.protocol.trunk import DeliverTo, Item, Reply


class Answers:
    """The way of an answer to its client; held back while the session's handover goes on."""

    def __init__(self, environment: Environment, outbox: Outbox) -> None:
        self._environment = environment
        self._outbox = outbox

    def send_registering(self, context: Context) -> None:
        """Send what a line of the registration was answered with; it is not acknowledged yet."""
        session, answered = context.session, context.session.registration
        payload = finish(context)
        context.lines.clear()
        if not payload:
            return
        part = answered.part
        answered.part += 1
        if part >= answered.skipped_parts:
            self.reply(session, context.line, part, payload, is_last=False)

    def send(self, context: Context, *, is_whole: bool) -> None:
        """Send lines in as many parts as their length asks for.

        The line is acknowledged when its answer is whole, unless it is to be heard again together
        with those that follow.
        """
        session = context.session
        is_last = is_whole and not session.is_unfinished
        bytes_max = self._environment.config.reply_part_bytes_max
        *pieces, last = cut_payload(finish(context), bytes_max)
        for piece in pieces:
            if session.part >= session.skipped_parts:
                self.reply(session, context.line, session.part, piece, is_last=False)
            session.part += 1
        if is_last or session.part >= session.skipped_parts:
            self.reply(session, context.line, session.part, last, is_last=is_last)
        session.part += 1
        if is_last:
            session.part = session.skipped_parts = 0

    def send_unasked(self, session: LocalSession, lines: Iterable[bytes]) -> None:
        """Send encoded lines that are no answer."""
        for piece in join_lines(lines, self._environment.config.reply_part_bytes_max):
            self.show(session, DeliverTo((session.id,), piece))

    def reply(
        self, session: LocalSession, line: int, part: int, payload: bytes, *, is_last: bool
    ) -> None:
        """Send one part of an answer; the last one acknowledges the line."""
        if not session.is_detached:
            self.show(session, Reply(session.id, session.generation, line, part, is_last, payload))

    def show(self, session: LocalSession, item: Item) -> None:
        """Send an item, or hold it back until the session is live."""
        if session.handover is not None:
            session.handover.items.append(item)
        else:
            self._outbox.item(session.balancer, item)
