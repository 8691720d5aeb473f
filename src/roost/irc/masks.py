r"""Masks over nick!user@host: "*" is any run of characters, "?" is any one.

A room's operator writes the masks and everybody's messages pay for matching them, so no mask may
be slow, however it is made. There is no escape: "\" is a letter of nicknames.

Source: modern.ircdocs.horse, "Wildcard Expressions".
"""

from roost.irc.casemapping import fold


def normalise_mask(text: str) -> str:
    """Complete a mask as people type it: "bob" is "bob!*@*", "*@host" is "*!*@host"."""
    nick, bang, rest = text.partition("!")
    if not bang:
        if "@" in text:
            nick, rest = "*", text
        else:
            rest = ""
    username, _, host = rest.partition("@")
    return f"{nick or '*'}!{username or '*'}@{host or '*'}"


def matches(mask: str, text: str) -> bool:
    """Tell whether `text` is one of those that `mask` means, letter case aside."""
    return matches_folded(fold(mask), fold(text))


def matches_folded(mask: str, text: str) -> bool:
    """As `matches`, for names that are folded already."""
    return _match_bits(mask, text) if "?" in mask else _match_pieces(mask, text)


def _match_pieces(mask: str, text: str) -> bool:
    """Find what stands between the stars, each piece as early as it can be."""
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
    """Follow all ways to match at once: bit n says that n of the mask's characters are used up.

    Takes one step for each character of `mask` and of `text` (the "Shift-And" method; Baeza-Yates
    and Gonnet, 1992), where trying one way after the other would take their product.
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
