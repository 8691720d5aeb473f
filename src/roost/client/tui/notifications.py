"""Escape sequences that call the user's attention: the bell, or a desktop notification.

iTerm2, kitty, WezTerm, Windows Terminal and others support OSC 9; urxvt, foot, Ghostty and others
support OSC 777. A terminal that supports neither shows nothing.
"""

from collections.abc import Mapping

from roost.client.model import text

TEXT_MAX = 180


def sequences(choice: str, title: str, words: str, environment: Mapping[str, str]) -> str:
    """Return what to write to the terminal."""
    parts = []
    if choice in ("bell", "both"):
        parts.append("\x07")
    if choice in ("desktop", "both"):
        title, words = _harmless(title), _harmless(words)
        for sequence in (
            f"\x1b]9;{title}: {words}\x1b\\",
            f"\x1b]777;notify;{title};{words}\x1b\\",
        ):
            is_inside = bool(environment.get("TMUX"))
            parts += [_through_tmux(sequence) if is_inside else sequence]
    return "".join(parts)


def _harmless(words: str) -> str:
    """Remove whatever could end the sequence, or start another field of it."""
    words = " ".join(text.preview(words).split())
    words = "".join(letter for letter in words if letter.isprintable() and letter != ";")
    return words[:TEXT_MAX]


def _through_tmux(sequence: str) -> str:
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
