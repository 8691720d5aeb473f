"""Typing notices: TAGMSG that bypasses the log, because nobody needs it later.

Whether the client may speak is decided by this node's state, which may be a moment behind. That
does no harm, because a notice leaves no trace.

Source: ircv3.net/specs/client-tags/typing.
"""

from roost.chat.acceptance import may_write_to
from roost.chat.access import muting_mode
from roost.chat.changes import OPERATOR, VOICE
from roost.chat.ids import RoomId, UserId
from roost.chat.refusals import Reason, Refusal
from roost.chat.step import source_of
from roost.irc.capabilities import Capability
from roost.irc.names import is_room_name
from roost.ircd.context import Context, RefusedError
from roost.ircd.rendering.messages import lines_of_whisper
from roost.protocol.mesh import Whisper

TYPING_TAGS = ("+typing", "+draft/typing")

_STATUS = {"@": OPERATOR, "+": VOICE}


def is_whisper(tags: tuple[tuple[str, str], ...]) -> bool:
    """Return whether a TAGMSG with these tags is a typing notice and nothing else."""
    return bool(tags) and all(name in TYPING_TAGS for name, _ in tags)


def whisper_to(context: Context, target: str, tags: tuple[tuple[str, str], ...]) -> None:
    """Pass on a typing notice, and echo it.

    Raises:
        RefusedError: the client may not speak there, as for a message.
    """
    name = target.lstrip("@+")
    if is_room_name(name):
        whisper = _to_room(context, target, name, tags)
    else:
        user = context.find_user(target)
        if not may_write_to(user, context.user):
            raise RefusedError(Refusal(Reason.REGISTERED_ONLY, target))
        whisper = Whisper(
            source=source_of(context.user),
            room=RoomId(0),
            recipient=user.id,
            target=user.nick,
            minimum_status=0,
            tags=tags,
            time_ms=context.now.wall_ms,
        )
    context.whispers.append(whisper)
    if context.has(Capability.ECHO_MESSAGE):
        context.lines += lines_of_whisper(whisper, context.session.capabilities)


def _to_room(
    context: Context, target: str, name: str, tags: tuple[tuple[str, str], ...]
) -> Whisper:
    room = context.find_room(name)
    obstacle = muting_mode(room, context.user)
    if obstacle:
        raise RefusedError(Refusal(Reason.CANNOT_SEND, target, obstacle))
    prefixes = target[: len(target) - len(name)]
    # Of several prefixes the lowest counts, because it addresses more people.
    prefix = ("+" if "+" in prefixes else "@") if prefixes else ""
    return Whisper(
        source=source_of(context.user),
        room=room.id,
        recipient=UserId(0),
        target=prefix + room.name,
        minimum_status=_STATUS.get(prefix, 0),
        tags=tags,
        time_ms=context.now.wall_ms,
    )
