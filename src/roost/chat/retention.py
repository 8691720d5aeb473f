"""How long a room's history is kept: its founder decides, and the log says what is dropped.

    founder: at most 30 days, 5000 messages   --SetRetention-->       state.retention
    the node in charge looks what is beyond   --ForgetRoomHistory-->  room.history_from

Nobody may read what is before `history_from`, from that entry on and on every node, wherever the
rows are. The nodes drop theirs afterwards, in small steps.
"""

from roost.chat.applied import Applied
from roost.chat.commands.cluster import ForgetRoomHistory
from roost.chat.commands.ownership import SetRetention
from roost.chat.dispatch import applies, applies_command
from roost.chat.ownership import answer_founder, find_own_room
from roost.chat.refusals import Reason
from roost.chat.state import Retention, User
from roost.chat.step import Step

DURATION_S_MIN = 60
"""Shorter makes little sense, and the log says only every few seconds what is dropped."""
DURATION_S_MAX = 100 * 365 * 86_400
MESSAGES_MAX = 100_000
"""The place of the oldest one is counted, in some 10 ms."""


@applies(SetRetention)
def set_retention(step: Step, user: User, operation: SetRetention) -> None:
    room = find_own_room(step, user, operation.room)
    if room is None:
        return
    seconds, messages = operation.duration_s, operation.messages
    is_span = seconds == 0 or DURATION_S_MIN <= seconds <= DURATION_S_MAX
    if not is_span or not 0 <= messages <= MESSAGES_MAX:
        step.refused(Reason.RETENTION_INVALID, room.name, str(MESSAGES_MAX))
        return
    if seconds or messages:
        step.state.retention[room.id] = Retention(seconds * 1000, messages)
    else:
        step.state.retention.pop(room.id, None)
    answer_founder(step, user, room, "kept")


@applies_command(ForgetRoomHistory)
def forget_room_history(step: Step, command: ForgetRoomHistory) -> Applied:
    """Let nobody read the history of a room before a position any more."""
    room = step.state.rooms.get(command.room)
    if room is None:
        step.state.retention.pop(command.room, None)
    elif command.room in step.state.retention and command.before <= step.position:
        room.history_from = max(room.history_from, command.before)
    return step.applied()
