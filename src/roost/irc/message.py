"""An IRC message: its parts, and its form on the wire.

    @tag=value;+tag :source COMMAND parameter parameter :last parameter

Sources: modern.ircdocs.horse, "Message Format"; ircv3.net, "Message Tags".
"""

import re

import msgspec

_ESCAPES = {":": ";", "s": " ", "\\": "\\", "r": "\r", "n": "\n"}
_ESCAPED = str.maketrans({";": "\\:", " ": "\\s", "\\": "\\\\", "\r": "\\r", "\n": "\\n"})
_UNESCAPE = re.compile(r"\\(.?)", re.DOTALL)


class Message(msgspec.Struct, frozen=True, gc=False):
    command: str
    """In upper case."""
    parameters: tuple[str, ...] = ()
    source: str = ""
    """Without ":"; empty for none."""
    tags: tuple[tuple[str, str], ...] = ()
    """Names with their "+", and unescaped values; a tag without a value has an empty one."""

    def encode(self) -> bytes:
        """Return the line, with CR LF."""
        text = self.command
        if self.parameters:
            last = self.parameters[-1]
            if not last or last[0] == ":" or " " in last:
                last = f":{last}"
            text = " ".join((text, *self.parameters[:-1], last))
        if self.source:
            text = f":{self.source} {text}"
        if self.tags:
            text = f"@{encode_tags(self.tags)} {text}"
        return f"{text}\r\n".encode()


def escape_tag_value(value: str) -> str:
    """Escape a tag's value (Message Tags, "Escaping values")."""
    return value.translate(_ESCAPED)


def unescape_tag_value(text: str) -> str:
    """Unescape a tag's value; drop the backslash of an unknown escape, or at the end."""
    if "\\" not in text:
        return text
    return _UNESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), text)


def encode_tags(tags: tuple[tuple[str, str], ...]) -> str:
    """Encode tags, without "@" and the space after them."""
    return ";".join(f"{key}={escape_tag_value(value)}" if value else key for key, value in tags)
