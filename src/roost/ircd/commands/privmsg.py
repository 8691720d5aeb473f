"""PRIVMSG, NOTICE and TAGMSG: send messages to rooms and users.

Source: modern.ircdocs.horse, "Sending Messages"; ircv3.net/specs/extensions/message-tags.
"""

from roost.chat.commands.messages import Say
from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, RefusedError, Result
from roost.ircd.delivery.whispering import is_whisper, whisper_to
from roost.ircd.replies.refusals import send_refusal
from roost.ircd.replies.targets import split_targets
from roost.ircd.services.hearing import hear, is_heard
from roost.ircd.serving.dispatch import command


@command("PRIVMSG")
def privmsg(context: Context, message: Message) -> Result:
    """Send a text to each target."""
    if not message.parameters or not message.parameters[0].strip(","):
        context.reply(numerics.ERR_NORECIPIENT, "No recipient given (PRIVMSG)")
        return None
    if len(message.parameters) < 2 or not message.parameters[1]:
        context.reply(numerics.ERR_NOTEXTTOSEND, "No text to send")
        return None
    if is_heard(message.parameters[0]):
        return hear(context, message)
    return _say(context, message, message.parameters[1])


@command("NOTICE")
def notice(context: Context, message: Message) -> Result:
    """Send a text to each target, without replying to errors.

    "Automatic replies must never be sent in response to a NOTICE message. This rule also applies
    to servers -- they must not send any error back to the client."
    """
    if len(message.parameters) < 2 or not message.parameters[0] or not message.parameters[1]:
        return None
    if is_heard(message.parameters[0]):
        return hear(context, message)
    result = _say(context, message, message.parameters[1])
    context.lines.clear()
    return result


@command("TAGMSG", parameters_min=1)
def tagmsg(context: Context, message: Message) -> Result:
    """Send tags without text; typing notices bypass the log, because nobody needs them later."""
    if not message.parameters[0].strip(","):
        context.reply(numerics.ERR_NEEDMOREPARAMS, "TAGMSG", "Not enough parameters")
        return None
    if is_heard(message.parameters[0]):
        return None
    tags = client_tags(message)
    if not is_whisper(tags):
        return _say(context, message, "")
    for target in _targets(context, message):
        try:
            whisper_to(context, target, tags)
        except RefusedError as error:
            send_refusal(context, error.refusal)
    return None


def _say(context: Context, message: Message, text: str) -> tuple[Say, ...]:
    tags = client_tags(message) if message.tags else ()
    if "," not in message.parameters[0]:
        return (Say(message.command, message.parameters[0], text, tags),)
    targets = _targets(context, message)
    return tuple([Say(message.command, target, text, tags) for target in targets])


def _targets(context: Context, message: Message) -> tuple[str, ...]:
    """Return the targets, each one once."""
    limit = context.state.settings.targets_per_line_max
    targets = split_targets(context, message.parameters[0], limit)
    return tuple(dict.fromkeys([target for target in targets if target]))


def client_tags(message: Message) -> tuple[tuple[str, str], ...]:
    """Return the tags to relay: "client-only tags are prefixed with a plus sign"."""
    return tuple([tag for tag in message.tags if tag[0].startswith("+") and len(tag[0]) > 1])
