"""KLINE, DLINE and what lifts them: bans from the whole network.

There is one list (see `roost.chat.bans`); the two names are what operators know from elsewhere,
DLINE for addresses and KLINE for everything. STATS k shows it.
"""

import re

from roost.chat.bans import normalise_ban, read_network
from roost.chat.commands.operators import AddBan, RemoveBan
from roost.chat.refusals import Reason, Refusal
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, RefusedError, Result
from roost.ircd.serving.dispatch import command

_UNITS_S = {"": 60, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
"""A number alone means minutes, as in other servers."""
_SPAN = re.compile(r"([0-9]{1,9})([smhdwy]?)")
_DURATION = re.compile(r"(?:[0-9]{1,9}[smhdwy])+|[0-9]{1,9}")


@command("KLINE", parameters_min=1)
def kline(context: Context, message: Message) -> Result:
    """Ban a mask, an account or an address."""
    return _ban(context, message)


@command("DLINE", parameters_min=1)
def dline(context: Context, message: Message) -> Result:
    """Ban an address or a network of them."""
    return _ban(context, message, is_address=True)


@command("UNKLINE", parameters_min=1)
def unkline(context: Context, message: Message) -> Result:
    """Lift a ban."""
    context.require_operator()
    return (RemoveBan(message.parameters[0]),)


@command("UNDLINE", parameters_min=1)
def undline(context: Context, message: Message) -> Result:
    """Lift a ban."""
    return unkline(context, message)


def read_duration(text: str) -> int | None:
    """Read "90", "1h30m" or "7d" as seconds; None for what is no duration."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(int(number) * _UNITS_S[unit] for number, unit in _SPAN.findall(text))


def _ban(context: Context, message: Message, *, is_address: bool = False) -> Result:
    context.require_operator()
    words = list(message.parameters)
    duration_s = 0
    if len(words) > 1:
        span = read_duration(words[0])
        if span is not None:
            duration_s = span
            del words[0]
    mask = normalise_ban(words[0])
    if not mask or (is_address and read_network(mask) is None):
        raise RefusedError(Refusal(Reason.BAN_INVALID, words[0]))
    if len(words) > 1 and words[1].upper() == "ON":
        # "ON <server>" comes from networks whose servers have bans of their own.
        context.reply(numerics.ERR_NOPRIVILEGES, "A ban holds on every node, leave out ON")
        return None
    reason = words[1] if len(words) > 1 and words[1] else "no reason given"
    return (AddBan(mask, reason, duration_s),)
