"""SEARCH: find messages by words, sender, conversation and time.

It searches what CHATHISTORY would show to the client: its rooms and its private conversations.

Source: soju.im/search (codeberg.org/emersion/soju, doc/ext/search.md).
"""

from collections.abc import Mapping

import msgspec

from roost.chat import history
from roost.chat.history import Answer, Excerpt, Owner, Row, Search
from roost.chat.identities import owners
from roost.chat.words import words_of_text
from roost.irc.casemapping import fold_nick
from roost.irc.message import Message, unescape_tag_value
from roost.ircd.context import Context, Question, Result
from roost.ircd.queries.conversations import find_conversation
from roost.ircd.queries.moments import parse_timestamp
from roost.ircd.rendering.packing import middle
from roost.ircd.rendering.renaming import as_in_history
from roost.ircd.serving.dispatch import command

BATCH = "soju.im/search"
ATTRIBUTES = ("after", "before", "from", "in", "limit", "text")
WORDS_MAX = 16
"""As many words as people type; each is looked up separately."""
_LIMIT_DIGITS_MAX = 9


class _InvalidError(Exception):
    """An attribute is invalid; has its name, and the reason for people."""

    def __init__(self, attribute: str, text: str) -> None:
        super().__init__(text)
        self.attribute = attribute
        self.text = text


@command("SEARCH", parameters_min=1)
def search(context: Context, message: Message) -> Result:
    try:
        query, names = _read(context, _attributes(message.parameters[0]))
    except _InvalidError as error:
        code = "INVALID_PARAMS"
        context.fail(code, middle(error.attribute), text=error.text, is_specified=True)
        return None

    def show(later: Context, answer: Answer) -> None:
        _show(later, answer, names)

    if not query.limit or not (query.conversations or query.owners):
        show(context, ())
        return None
    return Question((query,), show)


def _attributes(text: str) -> dict[str, str]:
    """Parse attributes, which are written like message tags."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if not part:
            continue
        if name not in ATTRIBUTES:
            raise _InvalidError(name, f"The attributes are {', '.join(ATTRIBUTES)}")
        found[name] = unescape_tag_value(value)
    return found


def _read(context: Context, given: Mapping[str, str]) -> tuple[Search, dict[str, str]]:
    """Return the query, and the names of the rooms by conversation."""
    conversations, names, searchers = _places(context, given.get("in", ""))
    words = tuple(words_of_text(given.get("text", "")))
    if given.get("text") and not words:
        raise _InvalidError("text", "The text has no letter or digit to search for")
    if len(words) > WORDS_MAX:
        raise _InvalidError("text", f"A text can have at most {WORDS_MAX} words")
    limit = given.get("limit", str(context.config.chathistory_max))
    if not (limit.isascii() and limit.isdigit()) or len(limit) > _LIMIT_DIGITS_MAX:
        raise _InvalidError("limit", "The limit is not a number")
    query = Search(
        words=words,
        sender=fold_nick(given.get("from", "")),
        conversations=conversations,
        owners=searchers,
        after_ms=_time(given, "after"),
        before_ms=_time(given, "before"),
        limit=min(int(limit), context.config.chathistory_max),
        # "If `after` is specified, messages SHOULD be searched from that time. Otherwise, messages
        # SHOULD be searched from the `before` time".
        is_newest="after" not in given,
    )
    return query, names


def _places(
    context: Context, wanted: str
) -> tuple[tuple[Excerpt, ...], dict[str, str], tuple[Owner, ...]]:
    """Return the conversations to search, the rooms' names, and who searches their own."""
    state, user = context.state, context.user
    if wanted:
        conversation = find_conversation(context, wanted)
        if conversation is None:
            raise _InvalidError("in", f"Messages of {wanted} could not be retrieved")
        names = {excerpt.conversation: conversation.name for excerpt in conversation.excerpts}
        return conversation.excerpts, names, ()
    rooms = [state.rooms[room] for room in user.rooms]
    keys = [history.room_conversation(room.id) for room in rooms]
    return (
        tuple(Excerpt(key, room.history_from) for key, room in zip(keys, rooms, strict=True)),
        {key: room.name for key, room in zip(keys, rooms, strict=True)},
        owners(state, user),
    )


def _time(given: Mapping[str, str], name: str) -> int:
    if name not in given:
        return -1
    time_ms = parse_timestamp(given[name])
    if time_ms is None:
        raise _InvalidError(name, "The time is not YYYY-MM-DDThh:mm:ss.sssZ")
    return time_ms


def _show(context: Context, answer: Answer, names: Mapping[str, str]) -> None:
    rows = [row for row in answer if isinstance(row, Row)]
    try:
        changes = [history.decode_change(row.record) for row in rows]
    except msgspec.MsgspecError:
        text = "The search could not be run"
        context.fail("INTERNAL_ERROR", text=text, is_specified=True)
        return
    with context.batch(BATCH):
        for row, change in zip(rows, changes, strict=True):
            name = names.get(row.conversation, "")
            shown = as_in_history(change, name) if name.startswith("#") else change
            context.show_change(shown, row.position, row.time_ms)
