"""Sends answers to the balancers, in parts of limited size."""

from collections.abc import Iterable

from roost.ircd.context import Context
from roost.ircd.rendering.pieces import cut_payload, join_lines
from roost.ircd.replies.labels import finish
from roost.ircd.serving.environment import Environment
from roost.ircd.sessions.outbox import Outbox
from roost.ircd.sessions.session import LocalSession
from roost.protocol.trunk import DeliverTo, Item, Reply


class Answers:
    """Sends answers, or holds them back while a session is being handed over."""

    def __init__(self, environment: Environment, outbox: Outbox) -> None:
        self._environment = environment
        self._outbox = outbox

    def send_registering(self, context: Context) -> None:
        """Send the answer to a line of the registration, which is not acknowledged yet."""
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
        """Send the lines of an answer in as many parts as needed.

        A whole answer acknowledges the client's line, unless that makes sense only together with
        the lines that follow.
        """
        session = context.session
        is_last = is_whole and not session.is_unfinished
        bytes_max = self._environment.config.reply_part_bytes_max
        last = finish(context) if context.lines or context.label else b""
        if len(last) > bytes_max:
            *pieces, last = cut_payload(last, bytes_max)
            for piece in pieces:
                if session.part >= session.skipped_parts:
                    self.reply(session, context.line, session.part, piece, is_last=False)
                session.part += 1
        if is_last or session.part >= session.skipped_parts:
            self.reply(session, context.line, session.part, last, is_last=is_last)
        session.part += 1
        if is_last:
            session.part = session.skipped_parts = 0

    def send_some(self, context: Context) -> None:
        """Send what there is so far of an answer, or of what the client did not ask for."""
        if not context.lines:
            return
        if context.line:
            self.send(context, is_whole=False)
        else:
            self.send_unasked(context.session, [finish(context)])
        context.lines.clear()

    def send_unasked(self, session: LocalSession, lines: Iterable[bytes]) -> None:
        """Send encoded lines that are not part of an answer."""
        for piece in join_lines(lines, self._environment.config.reply_part_bytes_max):
            self.show(session, DeliverTo((session.id,), piece))

    def reply(
        self, session: LocalSession, line: int, part: int, payload: bytes, *, is_last: bool
    ) -> None:
        """Send one part of an answer; the last one acknowledges the line."""
        if not session.is_detached:
            self.show(session, Reply(session.id, session.generation, line, part, is_last, payload))

    def show(self, session: LocalSession, item: Item) -> None:
        """Send an item now, or when the session is live."""
        if session.handover is not None:
            session.handover.items.append(item)
        else:
            self._outbox.item(session.balancer, item)
