"""REDACT: messages are redacted by their authors or by operators.

Messages are not part of the state. The node that asks reads the message, which never changes, and
sends what it found; everything that may change is checked here.

Source: ircv3.net/specs/extensions/message-redaction.
"""

from msgspec.structs import replace

from roost.chat.changes import Redacted
from roost.chat.commands.messages import Redact
from roost.chat.directory import find_room
from roost.chat.dispatch import applies
from roost.chat.hosts import is_operator
from roost.chat.identities import account_then, identity_now, owners
from roost.chat.ids import FoldedNick, RoomId, UserId
from roost.chat.refusals import Reason
from roost.chat.state import Room, State, User
from roost.chat.step import Step, cut, has_operator_rights, source_of
from roost.irc.casemapping import fold_nick


@applies(Redact)
def redact(step: Step, user: User, operation: Redact) -> None:
    if operation.target.startswith("#"):
        _redact_in_room(step, user, operation)
    else:
        _redact_between_two(step, user, operation)


def _redact_in_room(step: Step, user: User, operation: Redact) -> None:
    room = find_room(step.state, operation.target)
    if room is None or room.id not in user.rooms:
        step.refused(Reason.REDACT_TARGET, operation.target)
    elif _may_redact(step, user, operation, room):
        _done(step, user, operation, room.id, room.name, UserId(0))


def _redact_between_two(step: Step, user: User, operation: Redact) -> None:
    if not _may_redact(step, user, operation, None):
        return
    # The nickname may now be used by somebody other than the message's recipient.
    recipient = step.state.nicks.get(FoldedNick(fold_nick(operation.target)), UserId(0))
    meant = identity_now(step.state, operation.recipient_identity, operation.position)
    name = operation.target
    if recipient:
        other = step.state.users[recipient]
        name = other.nick
        if all(meant != owner.identity for owner in owners(step.state, other)):
            recipient = UserId(0)
    operation = replace(operation, recipient_identity=meant)
    _done(step, user, operation, RoomId(0), name, recipient)


def _may_redact(step: Step, user: User, operation: Redact, room: Room | None) -> bool:
    if room is not None and (has_operator_rights(room, user) or is_operator(user)):
        return True
    if not _is_author(step.state, user, operation):
        step.refused(Reason.REDACT_FORBIDDEN, operation.target, operation.message)
        return False
    window_s = step.state.settings.redaction_window_s
    if window_s and step.time_ms - operation.time_ms > window_s * 1000:
        detail = f"{operation.message} {window_s:g}"
        step.refused(Reason.REDACT_WINDOW, operation.target, detail)
        return False
    return True


def _is_author(state: State, user: User, operation: Redact) -> bool:
    if not operation.author_account:
        return user.id == operation.author
    author = operation.author_account_id or account_then(
        state, operation.author_account, operation.position
    )
    return author != 0 and author == user.account_id


def _done(
    step: Step, user: User, operation: Redact, room: RoomId, name: str, recipient: UserId
) -> None:
    step.changed(
        Redacted(
            step.part,
            source_of(user),
            room,
            recipient,
            name,
            operation.message,
            operation.position,
            operation.number,
            cut(operation.reason, step.state.settings.reason_bytes_max),
            operation.author_nick,
            operation.recipient_identity,
        )
    )
