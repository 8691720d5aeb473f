"""Masks over nick!user@host: "*" is any run of characters, "?" is any one.

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
    """Tell whether `text` is one of those that `mask` means, letter case aside.

    Takes at most len(mask) * len(text) steps, and none of a regular expression's surprises.
    """
    return matches_folded(fold(mask), fold(text))


def matches_folded(mask: str, text: str) -> bool:
    """As `matches`, for names that are folded already."""
    at_mask = at_text = 0
    star = -1
    star_text = 0
    while at_text < len(text):
        if at_mask < len(mask) and mask[at_mask] == "*":
            star = at_mask
            star_text = at_text
            at_mask += 1
        elif at_mask < len(mask) and mask[at_mask] in ("?", text[at_text]):
            at_mask += 1
            at_text += 1
        elif star >= 0:
            # Let the last star stand for one character more.
            star_text += 1
            at_text = star_text
            at_mask = star + 1
        else:
            return False
    return all(character == "*" for character in mask[at_mask:])
