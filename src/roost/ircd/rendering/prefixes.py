"""The signs that show a member's status in a room.

Source: modern.ircdocs.horse, "Channel Membership Prefixes"; ircv3.net, multi-prefix.
"""

from roost.chat.changes import OPERATOR, VOICE

_RANKS = ((OPERATOR, "@"), (VOICE, "+"))
"""From the highest to the lowest, as multi-prefix demands."""


def prefixes(status: int, *, is_multiple: bool) -> str:
    """Give the highest sign of a status, or all of them for a client with multi-prefix."""
    signs = "".join(sign for bit, sign in _RANKS if status & bit)
    return signs if is_multiple else signs[:1]
