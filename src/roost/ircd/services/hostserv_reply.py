"""Replies of HostServ: what it did, and why it refused."""

from roost.chat.changes import VirtualHostSet
from roost.chat.hosts import HOST_BYTES_MAX
from roost.chat.refusals import Reason, Refusal
from roost.ircd.context import Context
from roost.ircd.rendering.packing import middle
from roost.ircd.services import voice

NAME = "HostServ"

_REFUSALS: dict[Reason, str] = {
    Reason.HOST_NOT_YOURS: "Only operators can set virtual hosts.",
    Reason.HOST_INVALID: (
        "{subject} cannot be a virtual host: it needs letters, digits, - and _, and a dot or a "
        f"slash, and at most {HOST_BYTES_MAX} of them."
    ),
    Reason.NO_SUCH_ACCOUNT: "{subject} is not an account.",
    Reason.NO_HOST: "You have no virtual host; ask an operator for one.",
}


def say(context: Context, text: str) -> None:
    voice.say(context, NAME, text)


def send_set(context: Context, change: VirtualHostSet) -> None:
    """Tell the client an account's new virtual host."""
    if not change.host:
        say(context, f"{change.account} no longer has a virtual host.")
    elif change.is_used:
        say(context, f"{change.account} is now shown under {change.host}.")
    else:
        say(context, f"{change.account} is now shown under the real host.")


def send_refused(context: Context, refusal: Refusal) -> None:
    template = _REFUSALS.get(refusal.reason, "This could not be done.")
    say(context, template.format(subject=middle(refusal.subject)))
