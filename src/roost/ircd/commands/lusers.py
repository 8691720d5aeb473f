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
    invisible = sum(HIDES_USER in user.modes for user in state.users.values())
    context.reply(
        numerics.RPL_LUSERCLIENT,
        f"There are {users - invisible} users and {invisible} invisible on 1 servers",
    )
    operators = sum(is_operator(user) for user in state.users.values())
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
