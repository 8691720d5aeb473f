"""Replies of ChanServ: what it did, and why it refused."""

from roost.chat.changes import OwnershipChanged
from roost.chat.refusals import Reason, Refusal
from roost.ircd.context import Context
from roost.ircd.rendering.packing import middle
from roost.ircd.services import voice

NAME = "ChanServ"

_DONE = {
    "registered": "{room} is yours now. What you set in it is kept while nobody is there.",
    "dropped": "{room} is nobody's any more.",
    "offered": "{room} is {account}'s once they say: TRANSFER ACCEPT {room}",
    "withdrawn": "{room} stays yours.",
    "transferred": "{room} is yours now.",
    "done": "Done.",
}

_REFUSALS: dict[Reason, str] = {
    Reason.NO_SUCH_ROOM: "{subject} does not exist.",
    Reason.NOT_OPERATOR: "You have to be an operator of {subject}.",
    Reason.NOT_LOGGED_IN: "You have to be logged in to an account.",
    Reason.NOT_FOUNDER: "You have no right to that in {subject}.",
    Reason.NOT_REGISTERED: "{subject} is not registered.",
    Reason.ALREADY_REGISTERED: "{subject} is registered already.",
    Reason.TOO_MANY_FOUNDED: "You own {detail} rooms, more are not allowed.",
    Reason.NO_SUCH_ACCOUNT: "{subject} is no account.",
    Reason.LIST_FULL: "{subject} has no space for more accounts.",
    Reason.USER_NOT_IN_ROOM: "{subject} is not in {detail}.",
}


def say(context: Context, text: str) -> None:
    voice.say(context, NAME, text)


def send_done(context: Context, change: OwnershipChanged) -> None:
    if change.what != "access":
        text = _DONE[change.what].format(room=change.name, account=change.account)
    elif change.letter:
        status = {"o": "operator", "v": "voice"}[change.letter]
        text = f"{change.account} has {status} in {change.name} from now on."
    else:
        text = f"{change.account} has no status of their own in {change.name} any more."
    say(context, text)


def send_refused(context: Context, refusal: Refusal) -> None:
    template = _REFUSALS.get(refusal.reason, "That could not be done.")
    subject, detail = middle(refusal.subject), middle(refusal.detail)
    say(context, template.format(subject=subject, detail=detail))
