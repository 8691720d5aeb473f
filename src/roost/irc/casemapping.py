"""Which names are equal: CASEMAPPING=ascii.

Only A to Z are folded. It is the one mapping that never changes a name's length or meaning, needs
no tables that grow with Unicode's versions (two nodes must never disagree), and that clients
implement without doubt. Room names may be any UTF-8 and are then compared exactly.
"""

import string

CASEMAPPING = "ascii"
"""As ISUPPORT announces it."""

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def fold(name: str) -> str:
    """Fold a name, so that equal names are equal strings.

    A name that is folded already is given back itself: every node keeps both of everybody's.
    """
    folded = name.lower() if name.isascii() else name.translate(_LOWER)
    return name if folded == name else folded


def fold_nick(nick: str) -> str:
    """Fold a nickname."""
    return fold(nick)


def fold_room(name: str) -> str:
    """Fold a room's name."""
    return fold(name)
