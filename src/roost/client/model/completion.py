"""Complete the word at the cursor.

/jo   -> /join
#li   -> #linux          open and listed rooms
ali   -> alice: , alice  members, recent speakers first; with ": " at the start of a line
"""

from roost.client.model.commands import COMMANDS
from roost.client.model.state import State
from roost.client.model.text import clean_name

CHOICES_MAX = 50
RECENT_ENTRIES = 200
"""How far back to look for recent speakers."""


def complete(state: State, key: str, text: str, cursor: int) -> list[str]:
    """Return the words that may replace the one that ends at `cursor`, best first."""
    start = max(text.rfind(" ", 0, cursor), text.rfind("\n", 0, cursor)) + 1
    word = text[start:cursor]
    if not word:
        return []
    if word.startswith("/") and start == 0:
        names = [name for name in COMMANDS if name.startswith(word[1:].lower())]
        return [f"/{name} " for name in sorted(names)][:CHOICES_MAX]
    if state.offered.is_room(word):
        return _rooms(state, word)
    is_at = word.startswith("@")
    nicks = _nicks(state, key, word[1:] if is_at else word)
    if start == 0:
        return [f"{nick}: " for nick in nicks]
    return [f"@{nick} " if is_at else f"{nick} " for nick in nicks]


def _rooms(state: State, word: str) -> list[str]:
    folded = state.fold(word)
    found: dict[str, None] = {}
    for conversation in state.conversations.values():
        if state.offered.is_room(conversation.key) and conversation.key.startswith(folded):
            found[f"{conversation.name} "] = None
    for room in state.listing.rooms:
        if len(found) >= CHOICES_MAX:
            break
        if state.fold(room.name).startswith(folded):
            found[f"{clean_name(room.name)} "] = None
    return list(found)[:CHOICES_MAX]


def _nicks(state: State, key: str, word: str) -> list[str]:
    conversation = state.conversations.get(key)
    if conversation is None or not word:
        return []
    folded = state.fold(word)
    found: dict[str, None] = {}
    for entry in reversed(conversation.entries[-RECENT_ENTRIES:]):
        if entry.sender and not entry.is_mine and state.fold(entry.sender).startswith(folded):
            is_here = conversation.peer is not None or (
                state.fold(entry.sender) in conversation.members
            )
            if is_here:
                found[entry.sender] = None
    for member in conversation.members.starting_with(folded, CHOICES_MAX):
        if not member.person.is_me:
            found[member.nick] = None
    if conversation.peer is not None and conversation.peer.folded.startswith(folded):
        found[conversation.peer.nick] = None
    return list(found)[:CHOICES_MAX]
