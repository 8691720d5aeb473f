"""Fits long answers into lines of 512 bytes without splitting characters or words."""

from collections.abc import Iterable, Iterator

LINE_BYTES_MAX = 510
"""The 512 bytes of RFC 1459, without CR LF."""

ECHO_BYTES_MAX = 160
"""Bytes of a typed parameter that a reply repeats: longer than any useful name or mask."""

_NUMERIC_DIGITS = 3


def space_left(server: str, client: str, *parameters: str) -> int:
    """Count the bytes left for the last parameter of a numeric reply."""
    head = f":{server}  {client} {''.join(parameter + ' ' for parameter in parameters)}:"
    return LINE_BYTES_MAX - _NUMERIC_DIGITS - len(head.encode())


def middle(text: str) -> str:
    """Return what a client typed if it can be a middle parameter of a reply, else "*"."""
    if not text or " " in text or text.startswith(":"):
        return "*"
    return cut(text, ECHO_BYTES_MAX)


def pack(words: Iterable[str], bytes_max: int) -> Iterator[str]:
    """Join words with spaces into texts of at most `bytes_max` bytes, as few as possible.

    The order stays. A longer word gets a text of its own; without words there is no text.
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
    """Return the longest prefix of `text` that has at most `bytes_max` bytes."""
    data = text.encode()
    if len(data) <= bytes_max:
        return text
    return data[: max(0, bytes_max)].decode(errors="ignore")


def wrap(text: str, bytes_max: int) -> Iterator[str]:
    """Split a text into parts of at most `bytes_max` bytes; an empty text is one empty part."""
    while True:
        part = cut(text, bytes_max)
        yield part
        text = text[len(part) :]
        if not text or not part:
            return
