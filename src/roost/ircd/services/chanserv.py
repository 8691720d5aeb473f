"""ChanServ: rooms that belong to accounts.

Whoever registers a room is its founder, becomes its operator on entering, and decides to whom else
ChanServ gives a status. This module parses commands; `chat.ownership` decides.
"""

import hashlib
import hmac

from roost.chat.access import folded_account, is_founder
from roost.chat.changes import OPERATOR, VOICE
from roost.chat.commands.ownership import (
    AcceptRoom,
    ClearRoom,
    DropRoom,
    GiveStatus,
    RegisterRoom,
    SetAccess,
    SetRetention,
    TransferRoom,
)
from roost.chat.ids import FoldedAccount, FoldedRoom
from roost.chat.refusals import Reason, Refusal
from roost.chat.state import Retention, Room, State
from roost.irc import casemapping
from roost.ircd.context import Context, Result
from roost.ircd.queries.durations import read_duration, shown_span
from roost.ircd.queries.moments import human_time
from roost.ircd.queries.visibility import can_see_room
from roost.ircd.services.chanserv_reply import NAME, say, send_refused
from roost.ircd.services.registry import add_service, service_command

CODE_DIGITS = 8
"""Digits of a confirmation code, which prevents mistakes and need not be secret."""
LISTED_MAX = 100
"""Rooms that LIST shows at most."""

DAY_MS = 86_400_000

_STATUS = {"o": OPERATOR, "v": VOICE}

add_service(
    NAME,
    "CS",
    "ChanServ registers rooms. A registered room belongs to your account, even while it is empty.",
    send_refused,
)


def _find(context: Context, name: str) -> Room | None:
    """Return a room that the client may know of, or tell the client that there is none."""
    state = context.state
    room_id = state.room_names.get(FoldedRoom(casemapping.fold_room(name)))
    room = None if room_id is None else state.rooms[room_id]
    if room is not None and (can_see_room(context.user, room) or is_founder(room, context.user)):
        return room
    send_refused(context, Refusal(Reason.NO_SUCH_ROOM, name))
    return None


def _code(state: State, room: Room, purpose: str) -> str:
    """Return the code that confirms a command for a room; it is the same on every node."""
    text = f"{purpose} {room.id} {room.founder} {room.registered_ms}"
    return hmac.new(state.secret, text.encode(), hashlib.sha256).hexdigest()[:CODE_DIGITS]


def _is_confirmed(context: Context, room: Room, words: tuple[str, ...], purpose: str) -> bool:
    """Return whether the last word is the code; if not, tell the founder the code."""
    if not is_founder(room, context.user):
        # The state machine will say what is missing.
        return True
    return is_confirmed_by(context, room, words, purpose)


def is_confirmed_by(context: Context, room: Room, words: tuple[str, ...], purpose: str) -> bool:
    """Return whether the last word is the code; if not, tell the client the code."""
    code = _code(context.state, room, purpose)
    if words[-1].lower() == code:
        return True
    say(context, f"You cannot undo this alone. To confirm, send: {purpose} {code}")
    return False


@service_command(
    NAME,
    "REGISTER",
    words_min=1,
    usage="REGISTER <room>",
    text="Registers a room in which you are an operator.",
)
def register(_context: Context, words: tuple[str, ...]) -> Result:
    """Register a room, with the client's account as its founder."""
    return (RegisterRoom(words[0]),)


@service_command(
    NAME,
    "DROP",
    words_min=1,
    usage="DROP <room> [<code>]",
    text="Unregisters your room.",
    synonyms=("UNREGISTER",),
)
def drop(context: Context, words: tuple[str, ...]) -> Result:
    """Unregister a room, after a confirmation."""
    room = _find(context, words[0])
    if room is None or not _is_confirmed(context, room, words, f"DROP {room.name}"):
        return None
    return (DropRoom(room.name),)


@service_command(
    NAME,
    "TRANSFER",
    words_min=2,
    usage="TRANSFER <room> <account> [<code>] | TRANSFER ACCEPT <room>",
    text="Offers your room to another account, which must accept it. Offer it to"
    " yourself to take the offer back.",
)
def transfer(context: Context, words: tuple[str, ...]) -> Result:
    """Offer a room to another account, or accept an offer."""
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


@service_command(
    NAME,
    "OP",
    words_min=1,
    usage="OP <room> [<nick>]",
    text="Makes you or another member an operator.",
)
def op(context: Context, words: tuple[str, ...]) -> Result:
    """Make a member, by default oneself, an operator."""
    return _give(context, words, "o", is_added=True)


@service_command(NAME, "DEOP", words_min=1, usage="DEOP <room> [<nick>]", text="Undoes OP.")
def deop(context: Context, words: tuple[str, ...]) -> Result:
    return _give(context, words, "o", is_added=False)


@service_command(
    NAME,
    "VOICE",
    words_min=1,
    usage="VOICE <room> [<nick>]",
    text="Gives you or another member voice.",
)
def voice(context: Context, words: tuple[str, ...]) -> Result:
    """Give a member, by default oneself, voice."""
    return _give(context, words, "v", is_added=True)


@service_command(
    NAME, "DEVOICE", words_min=1, usage="DEVOICE <room> [<nick>]", text="Undoes VOICE."
)
def devoice(context: Context, words: tuple[str, ...]) -> Result:
    return _give(context, words, "v", is_added=False)


def _give(context: Context, words: tuple[str, ...], letter: str, *, is_added: bool) -> Result:
    nick = words[1] if len(words) > 1 else context.user.nick
    return (GiveStatus(words[0], nick, letter, is_added),)


@service_command(
    NAME,
    "AMODE",
    words_min=1,
    usage="AMODE <room> [<+o|-o|+v|-v> <account>]",
    text="Shows or changes the status that accounts get when they enter your room.",
)
def amode(context: Context, words: tuple[str, ...]) -> Result:
    """Show or change the accounts that have a status in a room."""
    room = _find(context, words[0])
    if room is None:
        return None
    if len(words) < 3:
        _list_access(context, room)
        return None
    sign, letter = words[1][:1], words[1][1:]
    if sign not in ("+", "-") or letter not in ("o", "v"):
        say(context, "Expected +o, -o, +v or -v, and an account.")
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
    say(context, f"End of list for {room.name}.")


@service_command(
    NAME, "INFO", words_min=1, usage="INFO <room>", text="Shows who owns a room, and since when."
)
def info(context: Context, words: tuple[str, ...]) -> Result:
    """Show the founder of a room, and since when it is registered."""
    room = _find(context, words[0])
    if room is None:
        return None
    if not room.founder:
        send_refused(context, Refusal(Reason.NOT_REGISTERED, room.name))
        return None
    accounts = context.state.accounts
    say(context, f"{room.name} belongs to {accounts[room.founder].name}.")
    say(context, f"It was registered {human_time(room.registered_ms)}.")
    if kept := _kept(context.state, room):
        say(context, f"Its history is kept {kept}.")
    if room.offered_to and folded_account(context.user) in (room.founder, room.offered_to):
        say(context, f"It is offered to {accounts[room.offered_to].name}.")
    return None


@service_command(
    NAME,
    "KEEP",
    words_min=2,
    usage="KEEP <room> <span|messages|span messages|ALL>",
    text="Sets how much of your room's history is kept, such as 30d, 5000, or 30d 5000.",
)
def keep(context: Context, words: tuple[str, ...]) -> Result:
    """Set for how long, or up to how many messages, a room's history is kept."""
    if words[1].upper() == "ALL":
        return (SetRetention(words[0], 0, 0),)
    duration_s = messages = 0
    for word in words[1:3]:
        seconds = None if word.isdigit() else read_duration(word)
        if word.isascii() and word.isdigit() and 0 < int(word[:9]) == int(word):
            messages = int(word)
        elif seconds:
            duration_s = seconds
        else:
            say(context, f"Expected a span such as 30d, a number of messages, or ALL, not {word}.")
            return None
    return (SetRetention(words[0], duration_s, messages),)


def _kept(state: State, room: Room) -> str:
    """Return how much of a room's history is kept, in words; empty for all."""
    settings = state.settings
    retention = state.retention.get(room.id, Retention(0, 0))
    span_ms = round(settings.history_days_max * DAY_MS)
    if retention.duration_ms:
        span_ms = min(span_ms or retention.duration_ms, retention.duration_ms)
    parts = [f"for {shown_span(span_ms // 1000)}"] if span_ms else []
    if retention.messages:
        parts.append(f"up to {retention.messages} messages")
    return ", ".join(parts)


@service_command(NAME, "LIST", usage="LIST", text="Lists your rooms.")
def list_rooms(context: Context, _words: tuple[str, ...]) -> Result:
    """List the client's own rooms."""
    rooms = context.state.founded.get(folded_account(context.user), {})
    for room_id in list(rooms)[:LISTED_MAX]:
        say(context, f"{context.state.rooms[room_id].name} is yours.")
    say(context, f"You own {len(rooms)} of up to {context.state.settings.rooms_per_founder_max}.")
    return None


@service_command(
    NAME, "UNBAN", words_min=1, usage="UNBAN <room>", text="Lifts the bans that match you."
)
def unban(_context: Context, words: tuple[str, ...]) -> Result:
    """Lift the bans that match the client."""
    return (ClearRoom(words[0], "own-bans"),)


@service_command(
    NAME,
    "CLEAR",
    words_min=2,
    usage="CLEAR <room> <bans|access|users>",
    text="Lifts all bans of your room, empties its AMODE list, or removes all other members.",
)
def clear(context: Context, words: tuple[str, ...]) -> Result:
    """Lift all bans, end all access, or remove all other members."""
    what = words[1].lower()
    if what not in ("bans", "access", "users"):
        say(context, "Expected BANS, ACCESS or USERS.")
        return None
    return (ClearRoom(words[0], what),)
