"""What network operators and administrators do with registered rooms of others."""

from roost.chat.commands.control import GiveRoom, TakeRoom
from roost.chat.control import Asker, controls
from roost.chat.directory import account_by_id, find_room
from roost.chat.entitlements import grant
from roost.chat.ids import FoldedAccount
from roost.chat.ownership import disown, own, release
from roost.chat.refusals import Reason
from roost.chat.step import Step
from roost.irc.casemapping import fold_nick


@controls(GiveRoom)
def give_room(step: Step, operation: GiveRoom, asker: Asker) -> None:
    """Make an account the founder of a room; it may own more rooms than it could register."""
    state = step.state
    room, account = find_room(state, operation.room), account_by_id(state, operation.account)
    if room is None:
        step.refused(Reason.NO_SUCH_ROOM, operation.room)
        return
    if account is None:
        step.refused(Reason.NO_SUCH_ACCOUNT)
        return
    folded = FoldedAccount(fold_nick(account.name))
    if room.founder == folded:
        step.refused(Reason.ALREADY_REGISTERED, room.name)
        return
    if room.founder:
        disown(state, room)
    else:
        room.registered_ms = step.time_ms
    own(state, room, folded)
    room.access.pop(folded, None)
    for user in state.users_by_account.get(folded, {}):
        if user in room.members:
            grant(step, room, state.users[user])
    asker.did(f"gave the room {room.name} to the account {account.name}")


@controls(TakeRoom)
def take_room(step: Step, operation: TakeRoom, asker: Asker) -> None:
    """End a room's registration; members keep the status that they have."""
    room = find_room(step.state, operation.room)
    if room is None:
        step.refused(Reason.NO_SUCH_ROOM, operation.room)
        return
    if not room.founder:
        step.refused(Reason.NOT_REGISTERED, room.name)
        return
    founder = step.state.accounts[room.founder].name
    release(step, room)
    asker.did(f"took the room {room.name} from the account {founder}")
