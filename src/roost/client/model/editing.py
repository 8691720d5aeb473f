"""Edit a message: say it again as it should be, then delete the earlier version.

IRC has no specification for edits. So the new version is an ordinary message, with a client-only
tag that names the earlier one, and the earlier one is redacted once the new one is confirmed. Other
clients see a new message and a deletion; nothing is lost if either is refused.
"""

from roost.client.model import sending
from roost.client.model.conversation import Conversation
from roost.client.model.entry import Delivery, Entry, EntryKind
from roost.client.model.markup import from_wire
from roost.client.model.state import State

RECENT_ENTRIES = 1000
"""How far back to look for the user's last message."""


def can_edit(state: State, entry: Entry) -> bool:
    """Return whether a message is one that the user may edit."""
    return (
        entry.is_mine
        and bool(entry.msgid)
        and entry.kind in (EntryKind.MESSAGE, EntryKind.ACTION)
        and not entry.is_redacted
        and entry.delivery in (Delivery.RECEIVED, Delivery.DELIVERED)
        and entry.msgid not in state.owed
    )


def last_own(state: State, conversation: Conversation) -> Entry | None:
    """Return the user's last message that can be edited."""
    recent = reversed(conversation.entries[-RECENT_ENTRIES:])
    return next((entry for entry in recent if can_edit(state, entry)), None)


def edit(state: State, conversation: Conversation, entry: Entry, text: str) -> bool:
    """Replace a message by a new version; return False if that is not possible."""
    if not state.offered.has("message-redaction"):
        state.toast("This server cannot delete messages, so they cannot be edited", is_error=True)
        return False
    if not can_edit(state, entry):
        state.toast("You can edit only your own messages, once they are delivered", is_error=True)
        return False
    if not text.strip():
        state.toast("An edited message needs some text; delete it instead", is_error=True)
        return False
    if text != from_wire(entry.text, entry.language):
        sending.send(
            state,
            conversation,
            text,
            reply_to=entry.reply_to,
            is_action=entry.kind is EntryKind.ACTION,
            edits=entry.msgid,
        )
    return True


def receive_failure(state: State, msgids: list[str], text: str) -> bool:
    """Handle the refusal to delete an earlier version; return False if it is about none."""
    for msgid in msgids:
        if state.owed.pop(msgid, None) is not None:
            state.toast(f"The earlier version of your message stays: {text}", is_error=True)
            return True
    return False
