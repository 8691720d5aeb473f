"""Decides who sees a change, in one table.

    live delivery          resolves an audience to groups and sessions
    index of the missed    keys each change by the rooms, users and nicknames of its audience
    walk of the missed     asks `includes` about the client as it was at that moment
    answers                ask `is_in_answer` about the client that caused the change

A new kind of change needs an arm here and in `rendering.render`; the type checker asks for both.
"""

from functools import lru_cache
from typing import assert_never

from roost.chat import changes
from roost.chat.changes import Change, Said
from roost.chat.hosts import NOTICES_MODE
from roost.chat.ids import FoldedNick, RoomId, UserId
from roost.chat.operators import WALLOPS_MODE
from roost.chat.presence import UNATTENDED
from roost.irc.capabilities import Capability
from roost.irc.casemapping import fold_nick
from roost.ircd.delivery.told import Answer, Audience, Siblings
from roost.ircd.rendering.viewer import Viewer
from roost.protocol.mesh import Whisper

NOBODY = Audience()

_ECHO_MESSAGE = Capability.ECHO_MESSAGE.value


def audience(change: Change | Whisper) -> Audience:
    """Return who is told of a change or a typing notice."""
    match change:
        case Said() | Whisper():
            if change.room and not change.minimum_status:
                return _of_room_message(change.room)
            return _of_message(change)
        case changes.Joined() | changes.Parted():
            return _whole_room(change.room, siblings="always")
        case changes.TopicChanged() | changes.RoomModesChanged() | changes.RoomRenamed():
            return _whole_room(change.room)
        case changes.Kicked():
            return _whole_room(change.room, users=(change.user,))
        case changes.Invited():
            return _whole_room(change.room, users=(change.user,), answer="apart")
        case changes.Redacted():
            return _of_redaction(change)
        case changes.Quitted():
            return Audience(rooms=_ids(change.rooms), siblings="never")
        case changes.NickChanged():
            return _in_common(change.rooms)
        case changes.RealnameChanged() | changes.AccountChanged() | changes.HostChanged():
            is_news = not isinstance(change, changes.RealnameChanged) or change.is_news
            return _in_common(change.rooms, watched=change.source.nick if is_news else "")
        case changes.AwayChanged():
            return _of_absence(change)
        case changes.UserModesChanged():
            # An operator who sends OPER again gets no other modes.
            return Audience(siblings="always", answer="change") if change.changes else NOBODY
        case changes.MetadataChanged():
            return _of_metadata(change)
        case changes.ReadMarked():
            users = change.users if change.is_news else ()
            return Audience(users=users, needs=Capability.READ_MARKER.value, answer="change")
        case changes.WentOnline() | changes.WentOffline():
            return Audience(watched=change.folded, reaches_asker=True)
        case changes.OperatorsTold():
            return Audience(mode=NOTICES_MODE, answer="change")
        case changes.Wallopped():
            return Audience(mode=WALLOPS_MODE, answer="like others")
        case changes.Killed():
            return Audience(users=(change.user,), reaches_asker=True)
        case (
            changes.SessionOpened() | changes.SessionClosed() | changes.SessionAttached()
            | changes.SessionResumed() | changes.CapabilitiesChanged() | changes.MonitorChanged()
            | changes.SubscriptionsChanged() | changes.AccountRegistered()
            | changes.AccountUpdated() | changes.AlwaysOnChanged() | changes.OwnershipChanged()
            | changes.VirtualHostSet() | changes.Rehashed()
        ):  # fmt: skip
            return NOBODY
        case _:
            assert_never(change)


def _of_message(message: Said | Whisper) -> Audience:
    if not message.room:
        return Audience(
            users=(message.recipient,),
            siblings="always",
            answer="echo",
            # A message to oneself is both delivered and echoed.
            reaches_asker=message.recipient == message.source.user,
        )
    rooms, status = (message.room,), message.minimum_status
    return Audience(rooms, status, siblings="always", answer="echo")


def is_for_whole_room(message: Said) -> bool:
    """Return whether a message is for all in a room, and what its user's other clients show, too.

    What most are: whoever knows that need not look up the audience.
    """
    return bool(message.room) and not message.minimum_status


@lru_cache(maxsize=1024)
def _of_room_message(room: RoomId) -> Audience:
    """Return the audience of a message to a room; cached, because most changes are messages."""
    return _whole_room(room, siblings="always", answer="echo")


def _whole_room(
    room: RoomId,
    *,
    users: tuple[UserId, ...] = (),
    siblings: Siblings = "like others",
    answer: Answer = "change",
) -> Audience:
    return Audience(
        rooms=(room,), users=users, siblings=siblings, answer=answer, is_whole_room=True
    )


def _of_redaction(change: changes.Redacted) -> Audience:
    if change.room:
        return _whole_room(change.room)
    users = (change.recipient,) if change.recipient else ()
    return Audience(users=users, siblings="always", answer="change")


def _of_absence(change: changes.AwayChanged) -> Audience:
    # One unattended client says nothing about the user.
    is_of_user = change.is_news or change.message != UNATTENDED
    return _in_common(
        change.rooms,
        watched=change.source.nick if change.is_news else "",
        siblings="always" if is_of_user else "never",
        answer="apart",
    )


def _of_metadata(change: changes.MetadataChanged) -> Audience:
    is_presence = change.cause == "presence"
    return Audience(
        rooms=_ids(change.rooms),
        watched=change.folded,
        siblings="never" if is_presence else "always",
        answer="change" if change.cause == "account" else "apart",
    )


def _in_common(
    rooms: tuple[tuple[RoomId, str], ...],
    *,
    watched: str = "",
    siblings: Siblings = "always",
    answer: Answer = "change",
) -> Audience:
    """Return everybody who shares a room with the source, or watches it with extended-monitor."""
    return Audience(
        rooms=_ids(rooms),
        watched=FoldedNick(fold_nick(watched)),
        watchers_need=Capability.EXTENDED_MONITOR.value,
        siblings=siblings,
        answer=answer,
    )


def _ids(rooms: tuple[tuple[RoomId, str], ...]) -> tuple[RoomId, ...]:
    return tuple([room for room, _ in rooms])


def includes(told: Audience, viewer: Viewer, source: UserId) -> bool:
    """Return whether an audience includes a client; `source` is the user who caused the change."""
    if viewer.capabilities & told.needs != told.needs:
        return False
    if viewer.user == source and told.siblings != "like others":
        return told.siblings != "never"
    need = told.watchers_need
    is_watching = bool(told.watched) and told.watched in viewer.monitored
    return (
        viewer.user in told.users
        or any(viewer.rooms.get(room, -1) >= told.minimum_status for room in told.rooms)
        or (is_watching and viewer.capabilities & need == need)
        or (bool(told.mode) and told.mode in viewer.modes)
    )


def is_in_answer(told: Audience, viewer: Viewer, source: UserId) -> bool:
    """Return whether the answer shows a change to the client that caused it.

    What a service does for a client is part of the answer, if the client is told at all.
    """
    if viewer.user != source or told.answer == "like others":
        return includes(told, viewer, source)
    return is_answered(told, viewer.capabilities)


def is_answered(told: Audience, capabilities: int) -> bool:
    """Return whether the answer shows a change to a client of its source, unless "like others"."""
    if told.answer == "echo":
        return bool(capabilities & _ECHO_MESSAGE)
    return told.answer == "change"
