"""JOIN, PART, TOPIC, KICK and INVITE (modern.ircdocs.horse, "Channel Operations")."""

from roost.chat.access import entry_refusal, is_private, lift_restrictions
from roost.chat.changes import OPERATOR, Invited, Joined, Kicked, Parted, TopicChanged
from roost.chat.commands import OPERATIONS_MAX
from roost.chat.commands.rooms import Invite, Join, Kick, Part, PartAll, SetTopic
from roost.chat.directory import find_room, find_user
from roost.chat.dispatch import applies
from roost.chat.entitlements import grant
from roost.chat.ids import FoldedRoom, Position, RoomId
from roost.chat.metadata import show_on_join
from roost.chat.refusals import Reason
from roost.chat.state import Member, Room, State, Topic, User
from roost.chat.step import Step, cut, has_operator_rights, mask_of, source_of
from roost.irc.casemapping import fold_room
from roost.irc.names import is_valid_room_name


@applies(Join)
def join(step: Step, user: User, operation: Join) -> None:
    """Enter a room; do nothing if the user is already in it."""
    state = step.state
    settings = state.settings
    if not is_valid_room_name(operation.room, settings.room_name_bytes_max):
        step.refused(Reason.BAD_ROOM_NAME, operation.room)
        return
    room = find_room(state, operation.room)
    if room is not None and user.id in room.members:
        return
    if len(user.rooms) >= settings.rooms_per_user_max:
        step.refused(Reason.TOO_MANY_ROOMS, operation.room)
        return
    if room is None:
        if not _make_space(state):
            step.refused(Reason.TOO_MANY_ROOMS_EXIST, operation.room)
            return
        room = _make_room(step, operation.room)
    else:
        obstacle = entry_refusal(room, user, operation.key)
        if obstacle is not None:
            other = _forward_target(state, room, user)
            if other is None:
                step.refused(obstacle, room.name)
                return
            step.refused(Reason.FORWARDED, room.name, other.name)
            room = other
    status = 0 if room.members or room.founder else OPERATOR
    rooms = _and_room(state, user, room)
    room.members[user.id] = Member(status, step.position)
    room.invited.pop(user.id, None)
    state.empty_rooms.pop(room.id, None)
    user.rooms = rooms
    source = source_of(user)
    step.changed(
        Joined(step.part, source, room.id, room.name, user.realname, user.away, status=status)
    )
    grant(step, room, user)
    show_on_join(step, room, user)


def _and_room(state: State, user: User, room: Room) -> tuple[RoomId, ...]:
    """Return a user's rooms and one more: the last member's own tuple if it is equal."""
    rooms = (*user.rooms, room.id)
    last = next(reversed(room.members), None)
    others = () if last is None else state.users[last].rooms
    return others if others == rooms else rooms


def _forward_target(state: State, room: Room, user: User) -> Room | None:
    """Return the room that a user enters instead, if there is one that lets them in.

    It does not forward again, so there are no circles.
    """
    other = state.rooms.get(room.forward) if room.forward else None
    if other is None or user.id in other.members:
        return None
    return None if entry_refusal(other, user, "") is not None else other


def _make_space(state: State) -> bool:
    """Forget the longest empty rooms if there are too many; return False if none is empty."""
    while len(state.rooms) >= state.settings.rooms_max:
        room_id = next(iter(state.empty_rooms), None)
        if room_id is None:
            return False
        room = state.rooms.pop(room_id)
        del state.room_names[FoldedRoom(fold_room(room.name))]
        del state.empty_rooms[room_id]
    return True


def _make_room(step: Step, name: str) -> Room:
    # An operation makes at most one room, and a line has at most OPERATIONS_MAX operations.
    room = Room(RoomId(step.position * OPERATIONS_MAX + step.operation), name, step.time_ms)
    step.state.rooms[room.id] = room
    step.state.room_names[FoldedRoom(fold_room(name))] = room.id
    return room


def remove_member(step: Step, room: Room, user: User) -> int:
    """Remove a user from a room without noting a change; return the status they had."""
    status = room.members.pop(user.id).status
    user.rooms = tuple(number for number in user.rooms if number != room.id)
    if not room.members:
        room.invited.clear()
        if not room.founder:
            release_empty_room(step, room)
    return status


def release_empty_room(step: Step, room: Room) -> None:
    """Open an empty, unregistered room for everybody, and let it be forgotten.

    If it was private, its history is closed: nobody knows any more who may read it.
    """
    step.state.empty_rooms[room.id] = None
    if is_private(room):
        room.history_from = Position(step.position + 1)
    lift_restrictions(room)


@applies(Part)
def part(step: Step, user: User, operation: Part) -> None:
    room = find_room(step.state, operation.room)
    if room is None:
        step.refused(Reason.NO_SUCH_ROOM, operation.room)
    elif user.id not in room.members:
        step.refused(Reason.NOT_IN_ROOM, room.name)
    else:
        _part(step, room, user, cut(operation.reason, step.state.settings.reason_bytes_max))


@applies(PartAll)
def part_all(step: Step, user: User, _operation: PartAll) -> None:
    for room_id in user.rooms:
        _part(step, step.state.rooms[room_id], user, "")


def _part(step: Step, room: Room, user: User, reason: str) -> None:
    status = remove_member(step, room, user)
    step.changed(Parted(step.part, source_of(user), room.id, room.name, reason, status))


@applies(SetTopic)
def set_topic(step: Step, user: User, operation: SetTopic) -> None:
    """Set or clear a topic; the same one again is no change."""
    room = find_room(step.state, operation.room)
    if room is None:
        step.refused(Reason.NO_SUCH_ROOM, operation.room)
        return
    if user.id not in room.members:
        step.refused(Reason.NOT_IN_ROOM, room.name)
        return
    if "t" in room.modes and not has_operator_rights(room, user):
        step.refused(Reason.NOT_OPERATOR, room.name)
        return
    text = cut(operation.topic, step.state.settings.topic_bytes_max)
    if text == (room.topic.text if room.topic else ""):
        return
    room.topic = Topic(text, mask_of(user), step.time_ms) if text else None
    step.changed(TopicChanged(step.part, source_of(user), room.id, room.name, text))


@applies(Kick)
def kick(step: Step, user: User, operation: Kick) -> None:
    room = find_room(step.state, operation.room)
    if room is None:
        step.refused(Reason.NO_SUCH_ROOM, operation.room)
        return
    if user.id not in room.members:
        step.refused(Reason.NOT_IN_ROOM, room.name)
        return
    if not has_operator_rights(room, user):
        step.refused(Reason.NOT_OPERATOR, room.name)
        return
    target = find_user(step.state, operation.nick)
    if target is None or target.id not in room.members:
        step.refused(Reason.USER_NOT_IN_ROOM, operation.nick, room.name)
        return
    reason = cut(operation.reason, step.state.settings.reason_bytes_max)
    status = remove_member(step, room, target)
    source = source_of(user)
    step.changed(
        Kicked(step.part, source, room.id, room.name, target.id, target.nick, reason, status)
    )


@applies(Invite)
def invite(step: Step, user: User, operation: Invite) -> None:
    """Invite a user; only operators may invite into an invite-only room.

    Only an operator's invitation lets the user past +i and bans: otherwise a member's earlier
    invitation would still do so after an operator has set them.
    """
    room = find_room(step.state, operation.room)
    # The target "SHOULD exist", and that means to have "at least one user on it".
    if room is None or not room.members:
        step.refused(Reason.NO_SUCH_ROOM, operation.room)
        return
    if user.id not in room.members:
        step.refused(Reason.NOT_IN_ROOM, room.name)
        return
    is_operator = has_operator_rights(room, user)
    if "i" in room.modes and not is_operator:
        step.refused(Reason.NOT_OPERATOR, room.name)
        return
    target = find_user(step.state, operation.nick)
    if target is None:
        step.refused(Reason.NO_SUCH_NICK, operation.nick)
        return
    if target.id in room.members:
        step.refused(Reason.ALREADY_IN_ROOM, target.nick, room.name)
        return
    if is_operator:
        room.invited.pop(target.id, None)
        while room.invited and len(room.invited) >= step.state.settings.invitations_per_room_max:
            del room.invited[next(iter(room.invited))]
        room.invited[target.id] = None
    step.changed(
        Invited(
            step.part,
            source_of(user),
            room.id,
            room.name,
            target.id,
            target.nick,
            target.away,
        )
    )
