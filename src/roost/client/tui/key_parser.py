"""Read keys from the bytes of a terminal, where Textual's parser reads something else.

Terminals have sent Alt with a key in three ways: as ESC and the character (xterm, tmux, and nearly
all others by default), as CSI 27 (xterm's modifyOtherKeys), and as CSI u (kitty's protocol, which
Textual asks for). Textual reads ESC 1 as the character that a Macintosh types by Option+1, ESC CR
as a plain Enter, and the letter of every other Alt key as something to type. An encoding that it
does not know ends its input thread.

Sources: xterm's ctlseqs, "Alt and Meta Keys"; sw.kovidgoyal.net/kitty/keyboard-protocol.
"""

import re
from collections.abc import Iterable

from textual import events
from textual._xterm_parser import XTermParser
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, _character_to_key
from textual.message import Message

ESC = "\x1b"
_ENTER = "\r\n"
_INTRODUCERS = "[OP]X^_"
"""After ESC these begin a longer sequence."""
_WORDS = "fb"
"""ESC with one of these is Ctrl+Right or Ctrl+Left in many configurations; Textual knows it."""
_OTHER_KEYS = re.compile(r"\x1b\[27;(\d+);(\d+)~")
_KITTY = re.compile(r"\x1b\[(\d*)(?::[\d:]*)?(?:;(\d*)(?::(\d*))?(?:;([\d:]*))?)?([u~ABCDEFHPQRS])")
_ALT_ARROW = re.compile(r"\x1b\x1b[\[O]([A-D])")
"""How rxvt and PuTTY send Alt with an arrow key."""
_ALT = 2
_RELEASED = "3"


class KeyParser(XTermParser):
    """Textual's parser, with Alt as a modifier in every encoding."""

    def feed(self, data: str) -> Iterable[Message]:
        return super().feed(_ALT_ARROW.sub("\x1b[1;3\\1", data))

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if sequence[:1] == ESC and len(sequence) == 2:
            character = sequence[1]
            if character in _INTRODUCERS + _WORDS:
                return super()._sequence_to_key_events(sequence, alt)
            if character in _ENTER:
                return [events.Key("alt+enter", None)]
            return [alt_key(character)] if character.isprintable() else self._other(sequence, alt)
        if alt and len(sequence) == 1 and sequence.isprintable():
            return [alt_key(sequence)]
        return self._other(sequence, alt)

    def _other(self, sequence: str, alt: bool) -> Iterable[events.Key]:
        if sequence.startswith("\x1b["):
            plain = plain_sequence(sequence)
            if plain is None:
                return [events.Key(Keys.Ignore, sequence)]
            sequence = plain
        return super()._sequence_to_key_events(sequence, alt)


def plain_sequence(sequence: str) -> str | None:
    """Rewrite a CSI sequence of a key to one that Textual knows; None if it is no key press."""
    other = _OTHER_KEYS.fullmatch(sequence)
    if other is not None:
        sequence = f"\x1b[{other[2]};{other[1]}u"
    found = _KITTY.fullmatch(sequence)
    if found is None:
        return sequence
    code, modifiers, kind, text, end = found.groups(default="")
    if kind == _RELEASED:
        return None
    held = max(int(modifiers or "1") - 1, 0)
    if text and held & _ALT:
        # With Alt, a text that is the key itself is not meant to be typed. A terminal that uses
        # Alt to compose sends what it composed.
        typed = "".join(chr(int(part)) for part in text.split(":") if part)
        if typed.lower() == chr(int(code or "1")).lower():
            text = ""
    if not modifiers and not text:
        return f"\x1b[{code}{end}"
    return f"\x1b[{code};{modifiers}" + (f";{text}" if text else "") + end


def alt_key(character: str) -> events.Key:
    """Return the key of Alt with a character, which types nothing."""
    name = character if character.isalnum() else _character_to_key(character)
    name = KEY_NAME_REPLACEMENTS.get(name, name)
    if len(name) == 1 and name.isupper():
        name = f"shift+{name.lower()}"
    return events.Key(f"alt+{name}", None)
