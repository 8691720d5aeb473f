"""REDACT: delete a message.

The message and its author are looked up in the history; then the log decides. Messages that are not
in history, such as those to a room's operators only, cannot be deleted.

Source: ircv3.net/specs/extensions/message-redaction.
"""

import msgspec

from roost.chat import history
from roost.chat.changes import Said
from roost.chat.commands.messages import Redact
from roost.chat.history import KIND_MESSAGE, KIND_TAGMSG, KINDS, Anchor, Answer, Page, Row
from roost.chat.ids import Position, parse_message_id
from roost.irc.message import Message
from roost.ircd.context import Context, Question, Result
from roost.ircd.queries.conversations import find_conversation
from roost.ircd.rendering.packing import middle
from roost.ircd.serving.dispatch import command


@command("REDACT", parameters_min=2)
def redact(context: Context, message: Message) -> Result:
    """Look the message up, then ask the log."""
    target, wanted = message.parameters[:2]
    reason = message.parameters[2] if len(message.parameters) > 2 else ""
    context.targets = (middle(target), middle(wanted))
    conversation = find_conversation(context, target)
    if conversation is None:
        text = f"You cannot delete messages from {target}"
        context.fail("INVALID_TARGET", middle(target), text=text, is_specified=True)
        return None
    place = parse_message_id(wanted)
    if place is None or place[0] < conversation.excerpts[0].from_position:
        return _unknown(context)
    position, part = place
    page = Page(
        conversation=conversation.excerpts[0].conversation,
        limit=1,
        is_newest=False,
        after=Anchor(position, part - 1),
        before=Anchor(position, part + 1),
        kinds=KINDS,
        from_position=conversation.excerpts[0].from_position,
        more=conversation.excerpts[1:],
    )

    def show(later: Context, answer: Answer) -> Result:
        row = next((row for row in answer if isinstance(row, Row)), None)
        said = _said(row)
        if row is None or said is None:
            return _unknown(later)
        return (
            Redact(
                conversation.name,
                wanted,
                Position(row.position),
                row.part,
                row.time_ms,
                reason,
                said.source.user,
                said.source.account,
                said.source.nick,
                said.recipient_identity,
                said.source.account_id,
            ),
        )

    return Question((page,), show)


def _said(row: Row | None) -> Said | None:
    if row is None or row.kind not in (KIND_MESSAGE, KIND_TAGMSG):
        return None
    try:
        change = history.decode_change(row.record)
    except msgspec.MsgspecError:
        return None
    return change if isinstance(change, Said) else None


def _unknown(context: Context) -> Result:
    text = "This message does not exist or is too old"
    context.fail("UNKNOWN_MSGID", *context.targets, text=text, is_specified=True)
    return None
