"""ChanServ's commands for network operators: other people's rooms; `chat.room_control` decides."""

from roost.chat.commands.control import GiveRoom, TakeRoom
from roost.chat.ids import FoldedRoom
from roost.chat.refusals import Reason, Refusal
from roost.chat.state import Room
from roost.irc.casemapping import fold_room
from roost.ircd.accounts.denial import find
from roost.ircd.context import Context, RefusedError, Result
from roost.ircd.services.chanserv import is_confirmed_by
from roost.ircd.services.chanserv_reply import NAME
from roost.ircd.services.registry import service_command


def _room_of(context: Context, name: str) -> Room:
    """Return any room, for an operator."""
    context.require_operator()
    state = context.state
    room = state.room_names.get(FoldedRoom(fold_room(name)))
    if room is None:
        raise RefusedError(Refusal(Reason.NO_SUCH_ROOM, name))
    return state.rooms[room]


@service_command(
    NAME,
    "SATRANSFER",
    words_min=2,
    usage="SATRANSFER <room> <account>",
    text="For operators: makes an account the founder of a room, registered or not.",
    synonyms=("SAREGISTER",),
)
def give(context: Context, words: tuple[str, ...]) -> Result:
    """Give a room to an account."""
    room, account = _room_of(context, words[0]), find(context.state, words[1])
    if account is None:
        raise RefusedError(Refusal(Reason.NO_SUCH_ACCOUNT, words[1]))
    return (GiveRoom(room.name, account.id),)


@service_command(
    NAME,
    "SADROP",
    words_min=1,
    usage="SADROP <room> [<code>]",
    text="For operators: ends the registration of a room, after a confirmation.",
)
def take(context: Context, words: tuple[str, ...]) -> Result:
    """Take a room from its founder."""
    room = _room_of(context, words[0])
    if not room.founder:
        raise RefusedError(Refusal(Reason.NOT_REGISTERED, room.name))
    if is_confirmed_by(context, room, words, f"SADROP {room.name}"):
        return (TakeRoom(room.name),)
    return None
