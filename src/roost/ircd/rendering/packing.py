"""Makes long answers fit lines of 512 bytes, without ever cutting a character or a word in two."""

from collections.abc import Iterable, Iterator

LINE_BYTES_MAX = 510
"""RFC 1459's 512 without CR LF."""

ECHO_BYTES_MAX = 160
"""Bytes of a parameter that are repeated: more than any name or mask that means something has."""

_NUMERIC_DIGITS = 3


def space_left(server: str, client: str, *parameters: str) -> int:
    """Count the bytes left for the last parameter of a numeric reply."""
    head = f":{server}  {client} {''.join(parameter + ' ' for parameter in parameters)}:"
    return LINE_BYTES_MAX - _NUMERIC_DIGITS - len(head.encode())


def middle(text: str) -> str:
    """Repeat what a client typed where it may stand in the middle of a reply, else "*"."""
    if not text or " " in text or text.startswith(":"):
        return "*"
    return cut(text, ECHO_BYTES_MAX)


def pack(words: Iterable[str], bytes_max: int) -> Iterator[str]:
    """Join words with spaces into as few texts of up to `bytes_max` bytes as their order allows.

    A word that is longer than that by itself is given alone; no words give no text.
    """
    line: list[str] = []
    length = 0
    for word in words:
        word_length = len(word.encode())
        if line and length + 1 + word_length > bytes_max:
            yield " ".join(line)
            line, length = [], 0
        length += word_length + (1 if line else 0)
        line.append(word)
    if line:
        yield " ".join(line)


def cut(text: str, bytes_max: int) -> str:
    """Give the longest beginning of `text` that has at most `bytes_max` bytes."""
    data = text.encode()
    if len(data) <= bytes_max:
        return text
    return data[: max(0, bytes_max)].decode(errors="ignore")


def wrap(text: str, bytes_max: int) -> Iterator[str]:
    """Split a text into parts of up to `bytes_max` bytes; an empty text is one empty part."""
    while True:
        part = cut(text, bytes_max)
        yield part
        text = text[len(part) :]
        if not text or not part:
            return
