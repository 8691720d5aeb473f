r"""Masks over nicknames, nick!user@host and names of rooms.

"*" is any run of characters, "?" is any single one. There is no escape: "\" is a letter of
nicknames.

Users write the masks, so no mask may be slow, however it is made. A message to a room is matched
against each of its bans, too many to keep compiled: `matches_folded` needs no preparation. LIST and
WHO try a few masks on all rooms or users: `compile_mask` takes long, and makes each comparison
several times faster.

Source: modern.ircdocs.horse, "Wildcard Expressions".
"""

import re

from roost.irc.casemapping import fold


def normalise_mask(text: str) -> str:
    """Complete a mask as people type it: "bob" becomes "bob!*@*", "*@host" becomes "*!*@host"."""
    nick, bang, rest = text.partition("!")
    if not bang:
        if "@" in text:
            nick, rest = "*", text
        else:
            rest = ""
    username, _, host = rest.partition("@")
    return f"{nick or '*'}!{username or '*'}@{host or '*'}"


def matches(mask: str, text: str) -> bool:
    """Return whether `text` matches `mask`, whatever the case of their letters."""
    return matches_folded(fold(mask), fold(text))


def matches_folded(mask: str, text: str) -> bool:
    """Return whether `text` matches `mask`, both folded."""
    return _match_bits(mask, text) if "?" in mask else _match_pieces(mask, text)


def _match_pieces(mask: str, text: str) -> bool:
    """Find each piece between the stars as early as possible."""
    first, *middle = mask.split("*")
    if not middle:
        return mask == text
    last = middle.pop()
    start, end = len(first), len(text) - len(last)
    if start > end or not text.startswith(first) or not text.endswith(last):
        return False
    for piece in middle:
        found = text.find(piece, start, end)
        if found < 0:
            return False
        start = found + len(piece)
    return True


def _match_bits(mask: str, text: str) -> bool:
    """Follow all ways to match at once: bit n is set if n of the mask's characters can be used up.

    Takes one step for each character of `mask` and of `text`, while backtracking could take their
    product. This is the Shift-And method (Baeza-Yates and Gonnet, 1992).
    """
    size = any_one = stars = 0
    places: dict[str, int] = {}
    for character in mask:
        bit = 1 << size
        if character == "*":
            stars |= bit
            continue
        if character == "?":
            any_one |= bit
        else:
            places[character] = places.get(character, 0) | bit
        size += 1
    ways = 1
    for character in text:
        ways = (ways & (places.get(character, 0) | any_one)) << 1 | (ways & stars)
        if not ways:
            return False
    return bool(ways >> size & 1)


def compile_mask(mask: str) -> re.Pattern[str]:
    """Compile a folded mask; call the pattern's `fullmatch` with folded texts.

    Each atomic group keeps what it matched first, so the pattern never backtracks.
    """
    first, *rest = (_literal(part) for part in re.split(r"\*+", mask))
    if not rest:
        return re.compile(first, re.DOTALL)
    *middle, last = rest
    runs = "".join(f"(?>.*?{part})" for part in middle)
    return re.compile(f"{first}{runs}.*{last}", re.DOTALL)


def _literal(part: str) -> str:
    return "".join("." if character == "?" else re.escape(character) for character in part)
