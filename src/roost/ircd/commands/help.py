"""HELP: explanations of the commands.

HELPOP, as older clients send it, is the same command.

Source: modern.ircdocs.horse, "HELP message".
"""

from roost.irc import numerics
from roost.irc.message import Message
from roost.ircd.context import Context, Result
from roost.ircd.rendering.packing import middle, pack
from roost.ircd.replies.help_topics import TOPICS
from roost.ircd.serving.dispatch import command

INDEX_COLUMNS = 60
"""Width of the index in bytes, which fits a narrow window."""


@command("HELP")
@command("HELPOP")
def explain(context: Context, message: Message) -> Result:
    """Explain a command, or list all."""
    subject = message.parameters[0] if message.parameters else ""
    if not subject:
        index = [*pack(TOPICS, INDEX_COLUMNS), "", "HELP <command> explains one of them."]
        _send_text(context, "*", "Commands", index)
        return None
    topic = TOPICS.get(subject.upper())
    if topic is None:
        context.reply(numerics.ERR_HELPNOTFOUND, middle(subject), "No help available on this topic")
        return None
    _send_text(context, middle(subject), f"The {subject.upper()} command", list(topic))
    return None


def _send_text(context: Context, subject: str, title: str, lines: list[str]) -> None:
    context.reply(numerics.RPL_HELPSTART, subject, title)
    context.reply(numerics.RPL_HELPTXT, subject, "")
    for line in lines[:-1]:
        context.reply(numerics.RPL_HELPTXT, subject, line)
    context.reply(numerics.RPL_ENDOFHELP, subject, lines[-1])
