"""Entries of b, e and I lists that mean accounts: "~a:bob", "~account:b*".

Source: ircv3.net/specs/extensions/account-extban; modern.ircdocs.horse, "EXTBAN Parameter".
"""

from roost.irc.masks import matches_folded, normalise_mask

PREFIX = "~"
"""No nickname begins with it."""
ACCOUNT_NAMES = ("a", "account")
"""What the type that matches accounts is called, the short name first."""
EXTBAN = f"{PREFIX},{ACCOUNT_NAMES[0]}"
ACCOUNTEXTBAN = ",".join(ACCOUNT_NAMES)
"""The values of the ISUPPORT tokens."""

_ACCOUNT_STARTS = tuple(f"{PREFIX}{name}:" for name in ACCOUNT_NAMES)


def is_valid_entry(text: str) -> bool:
    """Return whether `text` can be meant: what begins as an extended ban has to be a known one."""
    if not text.startswith(PREFIX):
        return True
    lowered = text.lower()
    return any(lowered.startswith(start) and lowered != start for start in _ACCOUNT_STARTS)


def normalise_entry(text: str) -> str:
    """Complete an entry as people type it; an extended ban is complete already."""
    return text if text.startswith(PREFIX) else normalise_mask(text)


def is_entry_matched(entry: str, mask: str, account: str) -> bool:
    """Return whether a folded entry means somebody.

    `mask` is their folded nick!user@host and `account` their folded account, empty for none.
    Whoever is not logged in is matched by no account, not even by "*".
    """
    if not entry.startswith(PREFIX):
        return matches_folded(entry, mask)
    if not account:
        return False
    return any(
        matches_folded(entry[len(start) :], account)
        for start in _ACCOUNT_STARTS
        if entry.startswith(start)
    )
