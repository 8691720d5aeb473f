"""ChanServ: rooms that belong to accounts.

Whoever registers a room owns it: the founder is its operator whenever they enter, and says whom
else ChanServ makes one. The state machine decides (`chat.ownership`); here is what people type.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import NamedTuple

from roost.chat.access import folded_account, is_founder
from roost.chat.changes import OPERATOR, VOICE
from roost.chat.commands import (
    AcceptRoom,
    ClearRoom,
    DropRoom,
    GiveStatus,
    RegisterRoom,
    SetAccess,
    TransferRoom,
)
from roost.chat.ids import FoldedAccount, FoldedRoom
from roost.chat.refusals import Reason, Refusal
from roost.chat.state import Room, State
from roost.irc import casemapping
from roost.ircd.chanserv_reply import NAME, say, send_refused
from roost.ircd.context import Context, Result
from roost.ircd.moments import human_time
from roost.ircd.packing import middle
from roost.ircd.visibility import can_see_room

CODE_DIGITS = 8
"""Of a confirmation code: it guards against mistakes, not against anybody."""
LISTED_MAX = 100
"""Rooms that LIST names at most."""

_STATUS = {"o": OPERATOR, "v": VOICE}


def _find(context: Context, name: str) -> Room | None:
    """Find a room that the client may know of; says so if there is none."""
    state = context.state
    room_id = state.room_names.get(FoldedRoom(casemapping.fold_room(name)))
    room = None if room_id is None else state.rooms[room_id]
    if room is not None and (can_see_room(context.user, room) or is_founder(room, context.user)):
        return room
    send_refused(context, Refusal(Reason.NO_SUCH_ROOM, name))
    return None


def _code(state: State, room: Room, purpose: str) -> str:
    """Make the code that confirms something for this room, the same on every node."""
    text = f"{purpose} {room.id} {room.founder} {room.registered_ms}"
    return hmac.new(state.secret, text.encode(), hashlib.sha256).hexdigest()[:CODE_DIGITS]


def _is_confirmed(context: Context, room: Room, words: tuple[str, ...], purpose: str) -> bool:
    """Whether the last word is the code; if not, the founder is told it."""
    if not is_founder(room, context.user):
        # The state machine says what is missing.
        return True
    code = _code(context.state, room, purpose)
    if words[-1].lower() == code:
        return True
    say(context, f"This cannot be undone by you alone. To confirm it, say: {purpose} {code}")
    return False


def register(_context: Context, words: tuple[str, ...]) -> Result:
    """Become the founder of a room."""
    return (RegisterRoom(words[0]),)


def drop(context: Context, words: tuple[str, ...]) -> Result:
    """Let a room be nobody's, once that is confirmed."""
    room = _find(context, words[0])
    if room is None or not _is_confirmed(context, room, words, f"DROP {room.name}"):
        return None
    return (DropRoom(room.name),)


def transfer(context: Context, words: tuple[str, ...]) -> Result:
    """Offer a room to another account, or accept one."""
    if words[0].upper() == "ACCEPT":
        return (AcceptRoom(words[1]),)
    room = _find(context, words[0])
    if room is None:
        return None
    is_withdrawn = casemapping.fold_nick(words[1]) == room.founder
    purpose = f"TRANSFER {room.name} {words[1]}"
    if not is_withdrawn and not _is_confirmed(context, room, words, purpose):
        return None
    return (TransferRoom(room.name, words[1]),)


def op(context: Context, words: tuple[str, ...]) -> Result:
    """Make oneself or somebody else an operator."""
    return _give(context, words, "o", is_added=True)


def deop(context: Context, words: tuple[str, ...]) -> Result:
    """Take that again."""
    return _give(context, words, "o", is_added=False)


def voice(context: Context, words: tuple[str, ...]) -> Result:
    """Give oneself or somebody else a voice."""
    return _give(context, words, "v", is_added=True)


def devoice(context: Context, words: tuple[str, ...]) -> Result:
    """Take that again."""
    return _give(context, words, "v", is_added=False)


def _give(context: Context, words: tuple[str, ...], letter: str, *, is_added: bool) -> Result:
    nick = words[1] if len(words) > 1 else context.user.nick
    return (GiveStatus(words[0], nick, letter, is_added),)


def amode(context: Context, words: tuple[str, ...]) -> Result:
    """Show which accounts have a status in a room, or change that."""
    room = _find(context, words[0])
    if room is None:
        return None
    if len(words) < 3:
        _list_access(context, room)
        return None
    sign, letter = words[1][:1], words[1][1:]
    if sign not in ("+", "-") or letter not in ("o", "v"):
        say(context, "Give +o, -o, +v or -v, and an account.")
        return None
    present = room.access.get(FoldedAccount(casemapping.fold_nick(words[2])), 0)
    if sign == "-" and is_founder(room, context.user) and present != _STATUS[letter]:
        say(context, f"{words[2]} does not have +{letter} in {room.name}.")
        return None
    return (SetAccess(room.name, words[2], letter if sign == "+" else ""),)


def _list_access(context: Context, room: Room) -> None:
    if not is_founder(room, context.user) and not room.access.get(folded_account(context.user)):
        send_refused(context, Refusal(Reason.NOT_FOUNDER, room.name))
        return
    accounts = context.state.accounts
    say(context, f"{accounts[room.founder].name} is the founder of {room.name}.")
    for folded, status in room.access.items():
        letter = "o" if status & OPERATOR else "v"
        say(context, f"{accounts[folded].name} has +{letter}.")
    say(context, f"End of the list of {room.name}.")


def info(context: Context, words: tuple[str, ...]) -> Result:
    """Say whose a room is, and since when."""
    room = _find(context, words[0])
    if room is None:
        return None
    if not room.founder:
        send_refused(context, Refusal(Reason.NOT_REGISTERED, room.name))
        return None
    accounts = context.state.accounts
    say(context, f"{room.name} belongs to {accounts[room.founder].name}.")
    say(context, f"It was registered {human_time(room.registered_ms)}.")
    if room.offered_to and folded_account(context.user) in (room.founder, room.offered_to):
        say(context, f"It is offered to {accounts[room.offered_to].name}.")
    return None


def list_rooms(context: Context, _words: tuple[str, ...]) -> Result:
    """Name the rooms that one owns."""
    rooms = context.state.founded.get(folded_account(context.user), {})
    for room_id in list(rooms)[:LISTED_MAX]:
        say(context, f"{context.state.rooms[room_id].name} is yours.")
    say(context, f"You own {len(rooms)} of up to {context.state.settings.rooms_per_founder_max}.")
    return None


def unban(_context: Context, words: tuple[str, ...]) -> Result:
    """Lift the bans that match oneself."""
    return (ClearRoom(words[0], "own-bans"),)


def clear(context: Context, words: tuple[str, ...]) -> Result:
    """Lift all bans, end all access, or remove everybody else."""
    what = words[1].lower()
    if what not in ("bans", "access", "users"):
        say(context, "Give BANS, ACCESS or USERS.")
        return None
    return (ClearRoom(words[0], what),)


class Entry(NamedTuple):
    """Something that ChanServ can be asked."""

    handler: Callable[[Context, tuple[str, ...]], Result]
    words_min: int
    usage: str
    help: str


COMMANDS: dict[str, Entry] = {
    "REGISTER": Entry(
        register, 1, "REGISTER <room>", "Makes a room yours, of which you are an operator."
    ),
    "DROP": Entry(drop, 1, "DROP <room> [<code>]", "Lets a room of yours be nobody's again."),
    "TRANSFER": Entry(
        transfer,
        2,
        "TRANSFER <room> <account> [<code>] | TRANSFER ACCEPT <room>",
        "Offers a room of yours to another account, which has to accept. Offered to yourself, it"
        " stays yours.",
    ),
    "OP": Entry(op, 1, "OP <room> [<nick>]", "Makes you, or somebody else, an operator."),
    "DEOP": Entry(deop, 1, "DEOP <room> [<nick>]", "Takes it again."),
    "VOICE": Entry(voice, 1, "VOICE <room> [<nick>]", "Gives you, or somebody else, a voice."),
    "DEVOICE": Entry(devoice, 1, "DEVOICE <room> [<nick>]", "Takes it again."),
    "AMODE": Entry(
        amode,
        1,
        "AMODE <room> [<+o|-o|+v|-v> <account>]",
        "Says what accounts are made whenever they enter a room of yours, or shows the list.",
    ),
    "INFO": Entry(info, 1, "INFO <room>", "Says whose a room is, and since when."),
    "LIST": Entry(list_rooms, 0, "LIST", "Names the rooms that are yours."),
    "UNBAN": Entry(unban, 1, "UNBAN <room>", "Lifts the bans that match you."),
    "CLEAR": Entry(
        clear,
        2,
        "CLEAR <room> <bans|access|users>",
        "Lifts all bans of a room of yours, empties its list of AMODEs, or removes everybody else.",
    ),
}


def is_asked(target: str) -> bool:
    """Whether a message to this target is for ChanServ: it is no user, and keeps no history."""
    return casemapping.fold_nick(target) == casemapping.fold_nick(NAME)


def answer(context: Context, text: str) -> Result:
    """Answer what somebody says to ChanServ."""
    context.targets = (NAME,)
    word, *words = text.split() or ["HELP"]
    name = word.upper()
    entry = COMMANDS.get(_SYNONYMS.get(name, name))
    if name == "HELP":
        _help(context, words[0].upper() if words else "")
    elif entry is None:
        say(context, f"There is no {middle(word)}. Say HELP for what there is.")
    elif len(words) < entry.words_min:
        say(context, f"Say more: {entry.usage}")
    else:
        return entry.handler(context, tuple(words))
    return None


_SYNONYMS = {"UNREGISTER": "DROP"}


def _help(context: Context, name: str) -> None:
    entry = COMMANDS.get(_SYNONYMS.get(name, name))
    if entry is not None:
        say(context, entry.usage)
        say(context, entry.help)
        return
    say(context, "A room that you register belongs to your account, also while nobody is in it.")
    for one in COMMANDS.values():
        say(context, f"{one.usage}: {one.help}")
