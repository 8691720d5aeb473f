"""LUSERS: the numbers of users and rooms.

They come from the replicated state, so all nodes show the same ones for the whole cluster. The
number of connections that are not registered is what the nodes tell each other.

Source: modern.ircdocs.horse, "LUSERS message".
"""

from roost.chat.hosts import is_operator
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.queries.visibility import HIDES_USER
from roost.ircd.replies.addressing import is_for_us
from roost.ircd.serving.dispatch import command

COUNTED_AT_ONCE_MAX = 500
"""Users who are counted whenever somebody asks, in a tenth of a millisecond."""
COUNTED_S = 1.0
"""Time between two counts of more users."""


@command("LUSERS")
def lusers(context: Context, message: Message) -> Result:
    """Count users and rooms.

    "Servers MUST reply with RPL_LUSERCLIENT and RPL_LUSERME, and SHOULD also include all those
    defined below", so none is left out for being 0, except RPL_LUSERUNKNOWN. As on all networks,
    the invisible are not among the users of RPL_LUSERCLIENT.
    """
    if not is_for_us(context, message.parameters, 1):
        return None
    state = context.state
    users = len(state.users)
    most = max(users, state.users_max_seen)
    invisible, operators = _counts(context)
    context.reply(
        numerics.RPL_LUSERCLIENT,
        f"There are {users - invisible} users and {invisible} invisible on 1 servers",
    )
    context.reply(numerics.RPL_LUSEROP, str(operators), "operator(s) online")
    unknown = 0 if context.newcomers is None else context.newcomers.count
    if unknown:
        context.reply(numerics.RPL_LUSERUNKNOWN, str(unknown), "unknown connection(s)")
    context.reply(numerics.RPL_LUSERCHANNELS, str(len(state.rooms)), "channels formed")
    context.reply(numerics.RPL_LUSERME, f"I have {users} clients and 0 servers")
    context.reply(
        numerics.RPL_LOCALUSERS,
        str(users),
        str(most),
        f"Current local users {users}, max {most}",
    )
    context.reply(
        numerics.RPL_GLOBALUSERS,
        str(users),
        str(most),
        f"Current global users {users}, max {most}",
    )
    return None


def _counts(context: Context) -> tuple[int, int]:
    """Return how many users are invisible, and how many are operators; of a crowd a second ago.

    Everybody who registers is told. So a crowd that comes at once is not counted for each of them.
    """
    kept, now = context.newcomers, context.now.monotonic
    users = context.state.users
    if kept is not None and len(users) > COUNTED_AT_ONCE_MAX and now < kept.counted_until:
        invisible, operators = kept.counts
        return min(invisible, len(users)), operators
    # Most have no modes, so that this takes 10 ms for 300,000 users.
    special = [user for user in users.values() if user.modes]
    counts = (
        sum(HIDES_USER in user.modes for user in special),
        sum(is_operator(user) for user in special),
    )
    if kept is not None:
        kept.counts, kept.counted_until = counts, now + COUNTED_S
    return counts
