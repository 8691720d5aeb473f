"""ACCEPT: let people without an account write to oneself in spite of user mode R.

Source: the reference of Solanum and Hybrid; no specification has it.
"""

from roost.chat.commands.users import Accept
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.replies.targets import split_targets
from roost.ircd.serving.dispatch import command


@command("ACCEPT", parameters_min=1)
def accept(context: Context, message: Message) -> Result:
    """Accept each nickname, or with "-" no longer; "*" lists whom the user accepts."""
    words = [word for word in split_targets(context, message.parameters[0]) if word.strip("-")]
    if "*" in words:
        users = context.state.users
        for number in context.user.accepted:
            if number in users:
                context.reply(numerics.RPL_ACCEPTLIST, users[number].nick)
        context.reply(numerics.RPL_ENDOFACCEPT, "End of /ACCEPT list")
        return None
    added = tuple(word for word in words if not word.startswith("-"))
    removed = tuple(word[1:] for word in words if word.startswith("-"))
    return (Accept(added, removed),) if words else None
