"""RENAME: a room gets another name and stays the same room.

Source: ircv3.net/specs/extensions/channel-rename.
"""

from roost.chat.access import is_founder
from roost.chat.changes import RoomMember, RoomRenamed
from roost.chat.commands.rooms import RenameRoom
from roost.chat.directory import find_room
from roost.chat.dispatch import applies
from roost.chat.ids import FoldedRoom
from roost.chat.read_markers import move_markers
from roost.chat.refusals import Reason
from roost.chat.state import Room, User
from roost.chat.step import Step, cut, has_operator_rights, source_of
from roost.irc.casemapping import fold_room
from roost.irc.names import is_valid_room_name


@applies(RenameRoom)
def rename_room(step: Step, user: User, operation: RenameRoom) -> None:
    """Rename a room; only its founder may, or an operator if it is not registered."""
    state = step.state
    room = find_room(state, operation.room)
    if room is None:
        step.refused(Reason.NO_SUCH_ROOM, operation.room)
        return
    if user.id not in room.members:
        step.refused(Reason.NOT_IN_ROOM, room.name)
        return
    is_allowed = is_founder(room, user) if room.founder else has_operator_rights(room, user)
    if not is_allowed:
        step.refused(Reason.NOT_OPERATOR, room.name)
        return
    new = operation.name
    old, folded = FoldedRoom(fold_room(room.name)), FoldedRoom(fold_room(new))
    bytes_max = state.settings.room_name_bytes_max
    is_too_soon = step.time_ms - room.renamed_ms < state.settings.rename_pause_s * 1000
    if not is_valid_room_name(new, bytes_max) or new == room.name or is_too_soon:
        step.refused(Reason.CANNOT_RENAME, room.name, new)
        return
    if folded != old and folded in state.room_names:
        step.refused(Reason.NAME_IN_USE, room.name, new)
        return
    reason = cut(operation.reason, state.settings.reason_bytes_max)
    former, room.name, room.renamed_ms = room.name, new, step.time_ms
    del state.room_names[old]
    state.room_names[folded] = room.id
    move_markers(state, room, old)
    topic = room.topic
    step.changed(
        RoomRenamed(
            step.part,
            source_of(user),
            room.id,
            former,
            new,
            reason,
            "s" in room.modes,
            (topic.text, topic.setter, topic.time_ms) if topic else None,
            _members(step, room),
        )
    )


def _members(step: Step, room: Room) -> tuple[RoomMember, ...]:
    users = step.state.users
    return tuple(
        RoomMember(source_of(users[user_id]), users[user_id].realname, member.status)
        for user_id, member in room.members.items()
    )
