"""Replies of ChanServ: what it did, and why it refused."""

from roost.chat.changes import OwnershipChanged
from roost.chat.refusals import Reason, Refusal
from roost.ircd.context import Context
from roost.ircd.rendering.packing import middle
from roost.ircd.services import voice

NAME = "ChanServ"

_DONE = {
    "registered": "{room} is now registered to you. Its settings are kept while it is empty.",
    "dropped": "{room} is no longer registered.",
    "offered": "{room} will belong to {account} when they send: TRANSFER ACCEPT {room}",
    "withdrawn": "You keep {room}.",
    "transferred": "{room} now belongs to you.",
    "kept": "Done. INFO {room} shows how long its history is kept.",
    "done": "Done.",
}

_REFUSALS: dict[Reason, str] = {
    Reason.NO_SUCH_ROOM: "{subject} does not exist.",
    Reason.NOT_OPERATOR: "You must be an operator of {subject}.",
    Reason.NOT_LOGGED_IN: "You must be logged in to an account.",
    Reason.NOT_FOUNDER: "You are not allowed to do that in {subject}.",
    Reason.NOT_REGISTERED: "{subject} is not registered.",
    Reason.ALREADY_REGISTERED: "{subject} is already registered.",
    Reason.TOO_MANY_FOUNDED: "You already own {detail} rooms, which is the limit.",
    Reason.RETENTION_INVALID: "It must be a span from 1m to 100y, or up to {detail} messages.",
    Reason.NO_SUCH_ACCOUNT: "{subject} is not an account.",
    Reason.NOT_NETWORK_OPERATOR: "Only network operators can do this.",
    Reason.LIST_FULL: "The access list of {subject} is full.",
    Reason.USER_NOT_IN_ROOM: "{subject} is not in {detail}.",
}


def say(context: Context, text: str) -> None:
    voice.say(context, NAME, text)


def send_done(context: Context, change: OwnershipChanged) -> None:
    if change.what != "access":
        text = _DONE[change.what].format(room=change.name, account=change.account)
    elif change.letter:
        status = {"o": "operator", "v": "voice"}[change.letter]
        text = f"{change.account} now has {status} in {change.name}."
    else:
        text = f"{change.account} no longer has a status in {change.name}."
    say(context, text)


def send_refused(context: Context, refusal: Refusal) -> None:
    template = _REFUSALS.get(refusal.reason, "This could not be done.")
    subject, detail = middle(refusal.subject), middle(refusal.detail)
    say(context, template.format(subject=subject, detail=detail))
