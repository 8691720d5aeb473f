"""Emoji by their names: ":smi" is completed, and ":smile:" becomes the emoji."""

import re
from functools import cache

SHOWN_MAX = 30
LETTERS_MIN = 2
"""Shorter words are smileys of letters, such as :D."""
_NAMED = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|\w+://\S*|(?<![\w:]):([\w+-]{2,40}):(?![\w:])", re.DOTALL
)
"""A name between colons; the other alternatives skip code and links."""
_WORD = re.compile(r":([\w+-]{2,40})(:?)")


@cache
def names() -> dict[str, str]:
    """Return the emoji by name; the first call takes a tenth of a second."""
    import emoji

    found: dict[str, str] = {}
    for character, data in emoji.EMOJI_DATA.items():
        if data["status"] <= emoji.STATUS["fully_qualified"]:
            for name in (*data.get("alias", ()), data["en"]):
                found.setdefault(name.strip(":").lower(), character)
    return found


@cache
def _labels() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, character in names().items():
        found.setdefault(character, f"{character} {name}")
    return found


def complete(text: str, cursor: int) -> list[str]:
    """Return the emoji whose name begins at the word before the cursor, best first."""
    start = max(text.rfind(" ", 0, cursor), text.rfind("\n", 0, cursor)) + 1
    match = _WORD.fullmatch(text, start, cursor)
    if match is None:
        return []
    word, closed = match[1].lower(), match[2]
    known = names()
    if closed:
        return [known[word]] if word in known else []
    found = {known[word]: None} if word in known else {}
    begins = sorted((name for name in known if name.startswith(word)), key=len)
    contains = (name for name in known if word in name)
    for name in (*begins, *contains):
        found[known[name]] = None
    return list(found)[:SHOWN_MAX]


def replace(text: str) -> str:
    """Put emoji in the place of their names, except in code and links."""
    if ":" not in text:
        return text
    return _NAMED.sub(lambda match: names().get((match[1] or "").lower(), match[0]), text)


def label(word: str) -> str:
    """Return how a completion is shown: an emoji with its name."""
    return word if word.isascii() else _labels().get(word, word)
