"""Replies of HostServ: what it did, and why it refused."""

from roost.chat.changes import VirtualHostSet
from roost.chat.hosts import HOST_BYTES_MAX
from roost.chat.refusals import Reason, Refusal
from roost.ircd.context import Context
from roost.ircd.rendering.packing import middle
from roost.ircd.services import voice

NAME = "HostServ"

_REFUSALS: dict[Reason, str] = {
    Reason.HOST_NOT_YOURS: "Only operators give virtual hosts.",
    Reason.HOST_INVALID: (
        "{subject} cannot be a virtual host: it needs letters, digits, - and _, and a dot or a "
        f"slash, and at most {HOST_BYTES_MAX} of them."
    ),
    Reason.NO_SUCH_ACCOUNT: "{subject} is no account.",
    Reason.NO_HOST: "You have no virtual host; operators give them to accounts.",
}


def say(context: Context, text: str) -> None:
    voice.say(context, NAME, text)


def send_set(context: Context, change: VirtualHostSet) -> None:
    """Tell the client an account's new virtual host."""
    if not change.host:
        say(context, f"{change.account} has no virtual host any more.")
    elif change.is_used:
        say(context, f"{change.account} is shown under {change.host} from now on.")
    else:
        say(context, f"{change.account} is shown under the real host from now on.")


def send_refused(context: Context, refusal: Refusal) -> None:
    template = _REFUSALS.get(refusal.reason, "That could not be done.")
    say(context, template.format(subject=middle(refusal.subject)))
