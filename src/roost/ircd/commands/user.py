"""USER: set the username and the real name.

Source: modern.ircdocs.horse, "USER message".
"""

import re

from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.rendering.packing import cut
from roost.ircd.serving.dispatch import command

_UNFIT = re.compile(r"[^A-Za-z0-9._~+=-]")
"""Characters that must not be in the username of nick!user@host."""
FALLBACK = "user"
"""The username of a client whose own has no fit character: it can do nothing about the login name
that it takes from its system."""


@command("USER", parameters_min=4, is_before_registration=True, is_after_registration=False)
def user(context: Context, message: Message) -> Result:
    """Note username and real name.

    "The username MUST be silently truncated to the given length [...] it MUST not be empty." Nor
    may the real name be, as for SETNAME. Unfit characters of the username are left out.
    """
    settings = context.state.settings
    if not message.parameters[0] or not message.parameters[3]:
        context.reply(numerics.ERR_NEEDMOREPARAMS, "USER", "Not enough parameters")
        return None
    username = _UNFIT.sub("", message.parameters[0]) or FALLBACK
    registration = context.session.registration
    registration.username = cut(username, settings.username_bytes_max)
    registration.realname = cut(message.parameters[3], settings.realname_bytes_max)
    return None
