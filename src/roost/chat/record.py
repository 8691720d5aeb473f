"""Which changes become history, and in which conversations."""

from msgspec.structs import replace

from roost.chat.applied import Applied
from roost.chat.changes import (
    Change,
    Joined,
    Kicked,
    NickChanged,
    Parted,
    Quitted,
    Redacted,
    RoomModesChanged,
    RoomRenamed,
    Said,
    TopicChanged,
)
from roost.chat.history import (
    KIND_EVENT,
    KIND_MESSAGE,
    KIND_REDACTED,
    KIND_REDACTED_TAGMSG,
    KIND_REDACTION,
    KIND_RENAME,
    KIND_TAGMSG,
    Row,
    decode_change,
    encode_change,
    identity_of,
    private_conversation,
    room_conversation,
)
from roost.chat.refusals import Refusal
from roost.irc.casemapping import fold_nick


def history_rows(applied: Applied) -> list[Row]:
    """Return the rows that an entry adds to history, equal on every node."""
    rows: list[Row] = []
    for change in applied.results:
        if type(change) is Said and change.room:
            # Most changes are such messages, so they are not tried for anything else. One for
            # operators only is not stored for everybody to read.
            if not change.minimum_status:
                rows.append(
                    Row(
                        room_conversation(change.room),
                        applied.position,
                        change.part,
                        applied.time_ms,
                        _kind_of_said(change),
                        "",
                        encode_change(change),
                    )
                )
            continue
        if type(change) is Refusal or not (conversations := _conversations(change)):
            continue
        kind, stored = _stored(change)
        record = encode_change(stored)
        for conversation, peer in conversations:
            rows.append(
                Row(
                    conversation,
                    applied.position,
                    change.part,
                    applied.time_ms,
                    kind,
                    peer,
                    record,
                )
            )
    return rows


def redacted(row: Row) -> Row:
    """Return the row that replaces a redacted message, equal on every node."""
    change = decode_change(row.record)
    assert isinstance(change, Said), "only messages can be redacted"
    kind = KIND_REDACTED_TAGMSG if change.verb == "TAGMSG" else KIND_REDACTED
    record = encode_change(replace(change, text="", tags=(), breaks=()))
    return replace(row, kind=kind, record=record)


def _kind_of_said(said: Said) -> int:
    return KIND_TAGMSG if said.verb == "TAGMSG" else KIND_MESSAGE


def _stored(change: Change) -> tuple[int, Change]:
    """Return the kind of a change's rows, and what they have of it."""
    match change:
        case Said():
            return _kind_of_said(change), change
        case Redacted():
            return KIND_REDACTION, change
        case RoomRenamed():
            # Only those who were there may know who was.
            return KIND_RENAME, replace(change, members=())
        case Quitted() | NickChanged():
            # Each room has its own row, which need not repeat the others.
            return KIND_EVENT, replace(change, rooms=())
        case _:
            return KIND_EVENT, change


def _conversations(change: Change) -> list[tuple[str, str]]:
    """Return the conversations of a change, each with the peer's nickname if it is private."""
    match change:
        case Said():
            return _conversations_of_private(change)
        case Redacted() if change.room:
            return [(room_conversation(change.room), "")]
        case Redacted():
            # The two conversations that hold the message.
            source = change.source
            mine = private_conversation(identity_of(source), fold_nick(change.target))
            theirs = private_conversation(change.recipient_identity, fold_nick(change.author_nick))
            if mine == theirs or not change.recipient_identity:
                return [(mine, change.target)]
            return [(mine, change.target), (theirs, change.author_nick)]
        case Joined() | Parted() | Kicked() | TopicChanged() | RoomModesChanged() | RoomRenamed():
            return [(room_conversation(change.room), "")]
        case Quitted() | NickChanged():
            return [(room_conversation(room), "") for room, _ in change.rooms]
        case _:
            return []


def _conversations_of_private(said: Said) -> list[tuple[str, str]]:
    source = said.source
    mine = private_conversation(identity_of(source), fold_nick(said.target))
    theirs = private_conversation(said.recipient_identity, fold_nick(source.nick))
    if mine == theirs:
        return [(mine, said.target)]
    return [(mine, said.target), (theirs, source.nick)]
