"""CHATHISTORY: earlier messages.

They are rendered by the same function as live ones, so they are the same bytes, except for the
batch tag. Clients without the capability may ask too, because people type the command by hand.

Source: ircv3.net/specs/extensions/chathistory.
"""

import msgspec

from roost.chat import history
from roost.chat.changes import Said
from roost.chat.history import KIND_REDACTED, Answer, Row, Target
from roost.chat.identities import owners
from roost.irc.capabilities import Capability
from roost.irc.message import Message
from roost.ircd.context import Context, Question, Result
from roost.ircd.queries import history_paging
from roost.ircd.queries.conversations import BATCH, Conversation, find_conversation
from roost.ircd.queries.history_selectors import InvalidRequestError, Selection, parse_selection
from roost.ircd.rendering.lines import format_time
from roost.ircd.rendering.packing import middle
from roost.ircd.rendering.renaming import as_in_history
from roost.ircd.serving.dispatch import command

REDACTED = "(taken back)"
"""Replaces the text of a redacted message, for clients that know redaction and get events."""
TARGETS_BATCH = "draft/chathistory-targets"


@command("CHATHISTORY")
def chathistory(context: Context, message: Message) -> Result:
    """Ask the history store; `_show_messages` or `_show_targets` shows the answer."""
    try:
        selection = parse_selection(message.parameters)
    except InvalidRequestError as error:
        _fail(context, error.code, *error.context, text=error.text)
        return None
    given = message.parameters[0]
    if selection.subcommand == "TARGETS":
        context.targets = (given,)
        return _ask_for_targets(context, selection)
    context.targets = (given, middle(selection.target))
    conversation = find_conversation(context, selection.target)
    if conversation is None:
        _fail(
            context,
            "INVALID_TARGET",
            given,
            middle(selection.target),
            text="Messages could not be retrieved",
        )
        return None
    return _ask_for_messages(context, selection, conversation)


def _ask_for_messages(context: Context, selection: Selection, conversation: Conversation) -> Result:
    limit = min(selection.limit, context.config.chathistory_max)

    def show(later: Context, answer: Answer) -> None:
        _show_messages(later, answer, conversation)

    if limit == 0:
        show(context, ())
        return None
    pages = history_paging.pages(
        selection,
        conversation.excerpts,
        limit=limit,
        kinds=history_paging.kinds_shown(context.session.capabilities),
    )
    return Question(pages, show)


def _show_messages(context: Context, answer: Answer, conversation: Conversation) -> None:
    rows = [row for row in answer if isinstance(row, Row)]
    try:
        changes = [history.decode_change(row.record) for row in rows]
    except msgspec.MsgspecError:
        _fail(context, "MESSAGE_ERROR", *context.targets, text="Messages could not be retrieved")
        return
    with context.batch(BATCH, conversation.name):
        for row, change in zip(rows, changes, strict=True):
            if row.kind == KIND_REDACTED and isinstance(change, Said):
                change = msgspec.structs.replace(change, text=REDACTED)
            shown = as_in_history(change, conversation.name)
            context.show_change(shown, row.position, row.time_ms)


def _ask_for_targets(context: Context, selection: Selection) -> Result:
    state, user = context.state, context.user
    limit = min(selection.limit, context.config.chathistory_max)
    if limit == 0:
        _show_targets(context, ())
        return None
    rooms = tuple(
        (history.room_conversation(room.id), room.name, room.history_from)
        for room in (state.rooms[room_id] for room_id in user.rooms)
    )
    query = history_paging.targets(selection, owners(state, user), rooms, limit=limit)
    return Question((query,), _show_targets)


def _show_targets(context: Context, answer: Answer) -> None:
    """List conversations, the one with the oldest last message first."""
    targets = [target for target in answer if isinstance(target, Target)]
    with context.batch(TARGETS_BATCH):
        for target in sorted(targets, key=lambda target: target.time_ms):
            context.send("CHATHISTORY", "TARGETS", target.name, format_time(target.time_ms))


def _fail(context: Context, code: str, *parameters: str, text: str) -> None:
    """Send FAIL, which the extension prescribes to clients that have negotiated it."""
    is_specified = context.has(Capability.CHATHISTORY)
    context.fail(code, *parameters, text=text, is_specified=is_specified)
