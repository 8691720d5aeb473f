"""Links to messages, for people to pass on: ircs://chat.example:6697/%23room?msgid=2a-0.

Source: the `irc` scheme (draft-butcher-irc-url); `msgid` is an addition of this client.
"""

from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.state import State

_PERSON = ",isnick"


class MessageLink(NamedTuple):
    """Where a link leads."""

    target: str
    """A room or a nickname; empty if the link is nothing but a message id."""
    msgid: str


def message_link(state: State, conversation: Conversation, msgid: str) -> str:
    """Return the link to a message."""
    scheme = "ircs" if state.connection.is_secure else "irc"
    host = state.connection.address.rpartition("://")[2]
    person = _PERSON if conversation.kind is ConversationKind.PRIVATE else ""
    target = quote(conversation.target, safe="")
    return f"{scheme}://{host}/{target}{person}?msgid={quote(msgid, safe='')}"


def parse_message_link(text: str) -> MessageLink | None:
    """Parse a link to a message, or a message id alone; return None if it is neither."""
    text = text.strip()
    if not text or " " in text:
        return None
    if "://" not in text:
        return MessageLink("", text) if "/" not in text and "=" not in text else None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    msgids = parse_qs(parts.query).get("msgid", [])
    # A "#" that is not written as %23 begins the fragment.
    path = f"#{parts.fragment}" if parts.fragment and parts.path in ("", "/") else parts.path
    if parts.fragment and not msgids:
        path, _, query = path.partition("?")
        msgids = parse_qs(query).get("msgid", [])
    target = unquote(path.lstrip("/")).removesuffix(_PERSON)
    if parts.scheme.lower() not in ("irc", "ircs") or not msgids or not target:
        return None
    return MessageLink(target, msgids[0])
