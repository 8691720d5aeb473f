"""INVITE: invite somebody into a room, or list one's own invitations.

Source: modern.ircdocs.horse, "INVITE message", "RPL_INVITELIST (336)".
"""

from roost.chat.commands.rooms import Invite
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.serving.dispatch import command


@command("INVITE")
def invite(context: Context, message: Message) -> Result:
    """Ask the log to invite; without parameters, list the valid invitations."""
    if not message.parameters:
        for room in context.state.rooms.values():
            if context.user.id in room.invited:
                context.reply(numerics.RPL_INVITELIST, room.name)
        context.reply(numerics.RPL_ENDOFINVITELIST, "End of /INVITE list")
        return None
    if len(message.parameters) < 2:
        context.reply(numerics.ERR_NEEDMOREPARAMS, "INVITE", "Not enough parameters")
        return None
    nick, room_name = message.parameters[:2]
    return (Invite(room=room_name, nick=nick),)
