"""Talk and read in a room without entering it, where the room allows that.

    enquire --> MODE #room --> its modes, or why there are none
    neither +n nor +m          accepts messages from outside
    +H                         its history can be read from outside (Roost)

Source: modern.ircdocs.horse, "Channel Modes".
"""

from roost.client.model import history, sending
from roost.client.model.conversation import Conversation, ConversationKind
from roost.client.model.incoming import Incoming
from roost.client.model.state import Enquiry, State

MODES = "324"


def enquire(state: State, name: str) -> None:
    """Ask what a room is like; the answer is in `state.enquiries`, by the folded name."""
    state.enquiries[state.fold(name)] = Enquiry()
    state.emit("MODE", name)


def receive(state: State, line: Incoming) -> bool:
    """Take RPL_CHANNELMODEIS or an error that answers an enquiry; return False if it does not."""
    enquiry = state.enquiries.get(state.fold(line.word(1)))
    if enquiry is None or enquiry.is_answered:
        return False
    if line.command == MODES:
        enquiry.modes = line.word(2).removeprefix("+")
    else:
        enquiry.refusal = line.command
    return True


def stay(state: State, name: str) -> Conversation:
    """Return a room's conversation, in which the user talks without having entered."""
    conversation = state.room(name)
    if conversation is None:
        conversation = state.add_conversation(name, name, ConversationKind.ROOM)
    conversation.is_outside = True
    sending.flush(state)
    return conversation


def read(state: State, conversation: Conversation) -> None:
    """Load what was said in a room since the last time."""
    if conversation.sync is None and not conversation.history.is_loading:
        history.start(state, conversation)


def connection_lost(state: State) -> None:
    """Forget what rooms allowed."""
    state.enquiries.clear()
    for conversation in state.conversations.values():
        conversation.is_outside = False
