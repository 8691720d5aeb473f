"""Entries of b, e and I lists that are more than masks.

    ~a:bob, ~account:b*    matches an account
    ~m:*!*@host, ~m:~a:b   mutes: whoever the rest matches may enter, but not speak (b and e only)

Source: ircv3.net/specs/extensions/account-extban; modern.ircdocs.horse, "EXTBAN Parameter".
"""

from collections.abc import Mapping
from typing import TypeVar

from roost.irc.masks import matches_folded, normalise_mask

EntryT = TypeVar("EntryT")

PREFIX = "~"
"""No nickname starts with it."""
ACCOUNT_NAMES = ("a", "account")
"""The names of the type that matches accounts, the short one first."""
MUTE_NAMES = ("m", "mute")
"""The names of the type that mutes, the short one first."""
EXTBAN = f"{PREFIX},{ACCOUNT_NAMES[0]}{MUTE_NAMES[0]}"
ACCOUNTEXTBAN = ",".join(ACCOUNT_NAMES)
"""The values of the ISUPPORT tokens."""

_ACCOUNT_STARTS = tuple(f"{PREFIX}{name}:" for name in ACCOUNT_NAMES)
_MUTE_STARTS = tuple(f"{PREFIX}{name}:" for name in MUTE_NAMES)
_MUTE_LISTS = "be"


def is_valid_entry(text: str) -> bool:
    """Return whether `text` can be an entry: an extended ban must be of a known type."""
    if not text.startswith(PREFIX):
        return True
    lowered = text.lower()
    return any(lowered.startswith(start) and lowered != start for start in _ACCOUNT_STARTS)


def is_valid_list_entry(letter: str, text: str) -> bool:
    """Return whether `text` can be an entry of a room's list, which `letter` names."""
    rest = _without_mute(text)
    if rest is None:
        return is_valid_entry(text)
    return letter in _MUTE_LISTS and bool(rest) and is_valid_entry(rest)


def normalise_entry(text: str) -> str:
    """Complete an entry as people type it; a ban on an account is already complete."""
    rest = _without_mute(text)
    if rest:
        return _MUTE_STARTS[0] + (rest if rest.startswith(PREFIX) else normalise_mask(rest))
    return text if text.startswith(PREFIX) else normalise_mask(text)


def muting_entries(entries: Mapping[str, EntryT]) -> dict[str, EntryT]:
    """Return the muting ones of some entries, by what they match; the keys are folded."""
    start = _MUTE_STARTS[0]
    return {
        folded[len(start) :]: entry for folded, entry in entries.items() if folded.startswith(start)
    }


def entries_naming(account: str) -> tuple[str, ...]:
    """Return every folded entry that names just one account, which is folded."""
    plain = tuple(f"{start}{account}" for start in _ACCOUNT_STARTS)
    return (*plain, *(f"{_MUTE_STARTS[0]}{entry}" for entry in plain))


def _without_mute(text: str) -> str | None:
    """Return what a muting entry matches; None if it is none."""
    name, colon, rest = text.partition(":")
    return rest if colon and name.lower() + colon in _MUTE_STARTS else None


def is_entry_matched(entry: str, mask: str, account: str) -> bool:
    """Return whether a folded entry matches a user.

    `mask` is the user's folded nick!user@host, `account` their folded account or empty. No account
    entry matches a user who is not logged in, not even "*". An entry that mutes matches nobody.
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
