"""What in history is somebody's: what they said and did, and their private conversations.

A person is an account. What they said before they logged in is stored under another identity, and
nothing tells that it was theirs.
"""

from roost.chat.changes import Change
from roost.chat.history import Owner, Row, identity_of


def is_by(change: Change, row: Row, owners: tuple[Owner, ...]) -> bool:
    """Return whether one of these identities caused the change that a row records."""
    author = identity_of(change.source)
    return any(author == owner.identity and row.position >= owner.from_position for owner in owners)


def is_conversation_of(row: Row, owners: tuple[Owner, ...]) -> bool:
    """Return whether a row is in a private conversation, on the side of one of these identities."""
    if not row.conversation.startswith("d:"):
        return False
    owner_identity = row.conversation.removeprefix("d:").rpartition(" ")[0]
    return any(
        owner_identity == owner.identity and row.position >= owner.from_position for owner in owners
    )
