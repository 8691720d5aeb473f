"""Entries of b, e and I lists that match accounts: "~a:bob", "~account:b*".

Source: ircv3.net/specs/extensions/account-extban; modern.ircdocs.horse, "EXTBAN Parameter".
"""

from roost.irc.masks import matches_folded, normalise_mask

PREFIX = "~"
"""No nickname starts with it."""
ACCOUNT_NAMES = ("a", "account")
"""The names of the type that matches accounts, the short one first."""
EXTBAN = f"{PREFIX},{ACCOUNT_NAMES[0]}"
ACCOUNTEXTBAN = ",".join(ACCOUNT_NAMES)
"""The values of the ISUPPORT tokens."""

_ACCOUNT_STARTS = tuple(f"{PREFIX}{name}:" for name in ACCOUNT_NAMES)


def is_valid_entry(text: str) -> bool:
    """Return whether `text` can be an entry: an extended ban must be of a known type."""
    if not text.startswith(PREFIX):
        return True
    lowered = text.lower()
    return any(lowered.startswith(start) and lowered != start for start in _ACCOUNT_STARTS)


def normalise_entry(text: str) -> str:
    """Complete an entry as people type it; an extended ban is already complete."""
    return text if text.startswith(PREFIX) else normalise_mask(text)


def is_entry_matched(entry: str, mask: str, account: str) -> bool:
    """Return whether a folded entry matches a user.

    `mask` is the user's folded nick!user@host, `account` their folded account or empty. No account
    entry matches a user who is not logged in, not even "*".
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
