"""PRIVMSG, NOTICE and TAGMSG (modern.ircdocs.horse, "Sending Messages")."""

from roost.chat.acceptance import accept_answers, may_write_to
from roost.chat.access import NO_CTCP_MODE, is_ctcp, is_for_operators, muting_mode
from roost.chat.changes import OPERATOR, VOICE, Said, Source
from roost.chat.commands.messages import Relay, Say
from roost.chat.directory import find_room
from roost.chat.dispatch import applies
from roost.chat.history import identity
from roost.chat.ids import FoldedNick, FoldedRoom, RoomId, UserId
from roost.chat.refusals import Reason
from roost.chat.state import User
from roost.chat.step import Step, has_operator_rights, source_of
from roost.irc.casemapping import fold_nick, fold_room
from roost.irc.names import is_valid_relayed_nick

_STATUS = {"@": OPERATOR, "+": VOICE}


@applies(Say)
def say(step: Step, user: User, operation: Say) -> None:
    """Send a message to a room or user; a NOTICE is never refused with a reply."""
    target = operation.target
    prefix = target[:1]
    if prefix == "#":
        _say_in_room(step, user, operation, target, "")
    elif prefix in _STATUS and target[1:2] in ("#", "@", "+"):
        name = target.lstrip("@+")
        _say_in_room(step, user, operation, name, target.removesuffix(name))
    else:
        _say_to_user(step, user, operation)


def _say_in_room(step: Step, user: User, operation: Say, name: str, prefixes: str) -> None:
    state = step.state
    room_id = state.room_names.get(FoldedRoom(fold_room(name)))
    if room_id is None:
        _refuse(step, operation, Reason.NO_SUCH_ROOM)
        return
    room = state.rooms[room_id]
    obstacle = muting_mode(room, user)
    if obstacle and is_for_operators(room, user, obstacle):
        obstacle, prefixes = "", "@"
    if NO_CTCP_MODE in room.modes and is_ctcp(operation.text, operation.breaks):
        obstacle = obstacle or NO_CTCP_MODE
    if obstacle:
        _refuse(step, operation, Reason.CANNOT_SEND, obstacle)
        return
    user.active_ms = step.time_ms
    # Of several prefixes the lowest counts, because it includes the others.
    prefix = ("+" if "+" in prefixes else "@") if prefixes else ""
    step.changed(
        Said(
            step.part,
            source_of(user),
            operation.verb,
            # Its number itself and not an equal one: messages are kept.
            room.id,
            UserId(0),
            prefix + room.name if prefix else room.name,
            _STATUS[prefix] if prefix else 0,
            operation.text,
            operation.tags,
            "",
            "",
            operation.breaks,
        )
    )


@applies(Relay)
def relay(step: Step, user: User, operation: Relay) -> None:
    """Say something in the name of somebody on another network, as an operator of the room.

    The username and the host are those of the relayer, so that everybody can see who it is, and ban
    or ignore them. It is nobody's account.
    """
    room = find_room(step.state, operation.room)
    if room is None:
        step.refused(Reason.NO_SUCH_ROOM, operation.room)
    elif user.id not in room.members:
        step.refused(Reason.NOT_IN_ROOM, room.name)
    elif not has_operator_rights(room, user):
        step.refused(Reason.NOT_OPERATOR, room.name)
    elif not is_valid_relayed_nick(operation.nick):
        step.refused(Reason.RELAYED_NICK_INVALID, operation.nick)
    elif NO_CTCP_MODE in room.modes and is_ctcp(operation.text):
        step.refused(Reason.CANNOT_SEND, operation.room, NO_CTCP_MODE)
    else:
        user.active_ms = step.time_ms
        step.changed(
            Said(
                step.part,
                Source(user.id, operation.nick, user.username, user.host),
                "PRIVMSG",
                room.id,
                UserId(0),
                room.name,
                0,
                operation.text,
                operation.tags,
                "",
                "",
                relayer=user.nick,
            )
        )


def _say_to_user(step: Step, user: User, operation: Say) -> None:
    recipient_id = step.state.nicks.get(FoldedNick(fold_nick(operation.target)))
    if recipient_id is None:
        _refuse(step, operation, Reason.NO_SUCH_NICK)
        return
    recipient = step.state.users[recipient_id]
    if not may_write_to(recipient, user):
        _refuse(step, operation, Reason.REGISTERED_ONLY)
        return
    accept_answers(step.state, user, recipient)
    user.active_ms = step.time_ms
    step.changed(
        Said(
            step.part,
            source_of(user),
            operation.verb,
            RoomId(0),
            recipient_id,
            recipient.nick,
            0,
            operation.text,
            operation.tags,
            identity(recipient_id, recipient.account_id),
            recipient.away if operation.verb == "PRIVMSG" else "",
            operation.breaks,
        )
    )


def _refuse(step: Step, operation: Say, reason: Reason, detail: str = "") -> None:
    if operation.verb != "NOTICE":
        step.refused(reason, operation.target, detail)
