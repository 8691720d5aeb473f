"""When two names are equal: CASEMAPPING=ascii.

Only A to Z are folded. No other mapping keeps a name's length and meaning, works without tables
that grow with Unicode (two nodes must never disagree), and is implemented by every client. Other
characters, which room names may have, are compared exactly.
"""

import string

CASEMAPPING = "ascii"
"""The value of the ISUPPORT token."""

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def fold(name: str) -> str:
    """Fold a name so that equal names become equal strings.

    Returns a folded name itself rather than a copy: every node keeps both for each user.
    """
    folded = name.lower() if name.isascii() else name.translate(_LOWER)
    return name if folded == name else folded


fold_nick = fold
fold_room = fold
