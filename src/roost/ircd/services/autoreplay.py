"""SET AUTOREPLAY-LINES of NickServ, and what it shares with AUTOREPLAY.

`chat.autoreplay` keeps the choices; `serving.replaying` shows the messages.
"""

from roost.chat.autoreplay import CHANGES, LINES_MAX, UNSET
from roost.chat.changes import AccountUpdated
from roost.chat.commands.users import SetAutoreplay
from roost.chat.directory import account_of
from roost.irc.capabilities import Capability
from roost.ircd.context import Context, Result
from roost.ircd.services import voice
from roost.ircd.services.always_on import NAME

WORDS = f"a number from 1 to {LINES_MAX}, OFF or DEFAULT"


def lines_for(context: Context) -> int:
    """Return how many messages of a room the client is shown when it enters; mostly 0."""
    limit = context.config.chathistory_max
    known = context.state.sessions.get(context.session.id)
    if known is not None and known.autoreplay != UNSET:
        return min(known.autoreplay, limit)
    if context.has(Capability.CHATHISTORY):
        return 0
    account = account_of(context.state, context.user)
    if account is not None and account.autoreplay != UNSET:
        return min(account.autoreplay, limit)
    if context.has(Capability.BATCH):
        return 0
    return min(context.config.autoreplay_lines, limit)


def choose(word: str, *, is_for_account: bool) -> SetAutoreplay | str:
    """Return the operation for what somebody typed, or what they should have typed."""
    named = {"OFF": 0, "DEFAULT": UNSET}.get(word.upper())
    if named is not None:
        return SetAutoreplay(named, is_for_account)
    is_number = word.isascii() and word.isdigit() and len(word) <= len(str(LINES_MAX))
    if not is_number or int(word) > LINES_MAX:
        return f"The number of lines must be {WORDS}"
    return SetAutoreplay(int(word), is_for_account)


def set_lines(context: Context, words: tuple[str, ...]) -> Result:
    """Choose for the account; `words` is a number, OFF or DEFAULT."""
    chosen = choose(words[0] if words else "", is_for_account=True)
    if isinstance(chosen, str):
        voice.say(context, NAME, f"SET AUTOREPLAY-LINES: {chosen}.")
        return None
    return (chosen,)


def send_chosen(context: Context, change: AccountUpdated) -> bool:
    """Say what was chosen; return whether the change was a choice."""
    if change.what not in CHANGES.values():
        return False
    lines, is_account = int(change.detail), change.what == CHANGES[True]
    whom = "Clients that cannot ask for history" if is_account else "This client"
    verb = "are" if is_account else "is"
    if lines == UNSET:
        text = f"{whom} {verb} shown earlier messages as everybody's."
    elif lines == 0:
        text = f"{whom} {verb} shown no earlier messages."
    else:
        shown = min(lines, context.config.chathistory_max)
        text = f"{whom} {verb} shown up to {shown} earlier messages of each room that you enter."
    if is_account:
        voice.say(context, NAME, text, change.source.nick)
    else:
        context.notice(f"*** {text}")
    return True


def describe(context: Context) -> str:
    """Say what a client is shown that enters a room."""
    lines = lines_for(context)
    what = f"up to {lines} earlier messages" if lines else "no earlier messages"
    return f"This client is shown {what} of a room that it enters; AUTOREPLAY takes {WORDS}"
