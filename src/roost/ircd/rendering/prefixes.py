"""The prefixes that show a member's status in a room.

Source: modern.ircdocs.horse, "Channel Membership Prefixes"; ircv3.net, multi-prefix.
"""

from roost.chat.changes import OPERATOR, VOICE

_RANKS = ((OPERATOR, "@"), (VOICE, "+"))
"""From highest to lowest, as multi-prefix requires."""


def prefixes(status: int, *, is_multiple: bool) -> str:
    """Return the highest prefix of a status, or all of them for a client with multi-prefix."""
    signs = "".join(sign for bit, sign in _RANKS if status & bit)
    return signs if is_multiple else signs[:1]
