"""KLINE, DLINE, UNKLINE and UNDLINE: bans from the whole network.

There is one list (see `roost.chat.bans`), which STATS k shows. Operators know the two names from
other servers: DLINE is for addresses, KLINE for everything.
"""

from roost.chat.bans import normalise_ban, read_network
from roost.chat.commands.operators import AddBan, RemoveBan
from roost.chat.refusals import Reason, Refusal
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, RefusedError, Result
from roost.ircd.queries.durations import read_duration
from roost.ircd.serving.dispatch import command


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
    context.require_operator()
    return (RemoveBan(message.parameters[0]),)


@command("UNDLINE", parameters_min=1)
def undline(context: Context, message: Message) -> Result:
    return unkline(context, message)


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
        # "ON <server>" is for networks whose servers have their own bans.
        context.reply(numerics.ERR_NOPRIVILEGES, "A ban holds on every server, leave out ON")
        return None
    reason = words[1] if len(words) > 1 and words[1] else "no reason given"
    return (AddBan(mask, reason, duration_s),)
