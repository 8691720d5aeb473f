"""Write characters that consist of several code points so that every terminal measures them alike.

Textual lays out a family, a flag or a heart with a variation selector as two cells. Terminals
differ: some measure as it does, others code point by code point, and tmux in its own way. Where
they differ, rows shift and debris stays. So `Probe` asks the terminal how wide it draws a sample of
each kind, and `Glyphs` replaces the kinds that it does not draw as Textual measures them, by
something simpler of the same width:

    family -> its first person    flag -> the letters of its country    heart -> text heart, blank

Sources: Unicode Technical Standard 51, "Emoji Sequences"; xterm's ctlseqs, "Device Status Report";
contour-terminal.org/vt-extensions/unicode-core (mode 2027).
"""

import enum
import re
from collections.abc import Mapping

from rich.cells import cell_len


class Kind(enum.Flag):
    """What makes one character of several code points."""

    JOINED = enum.auto()
    FLAG = enum.auto()
    SELECTED = enum.auto()
    """An emoji by its variation selector."""
    TONED = enum.auto()
    KEYCAP = enum.auto()
    TAGGED = enum.auto()


ALL = ~Kind(0)
SAMPLES = {
    Kind.JOINED: "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    Kind.FLAG: "\U0001f1e9\U0001f1ea",
    Kind.SELECTED: "\u2764\ufe0f",
    Kind.TONED: "\U0001f44d\U0001f3fd",
    Kind.KEYCAP: "1\ufe0f\u20e3",
    Kind.TAGGED: "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
}
"""Each with a width of two cells for Textual."""

_REGIONAL = "\U0001f1e6-\U0001f1ff"
_PARTS = "\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
_TRIGGER = re.compile(f"[\u200d{_PARTS}{_REGIONAL}]")
_TAIL = f"(?:\u200d[^\x00-\x1f]?|[{_PARTS}])"
"""Textual takes whatever follows a joiner as a part of the character before it."""
_CLUSTER = re.compile(
    f"[{_REGIONAL}]{{1,2}}{_TAIL}*|[^\x00-\x1f\u200d{_PARTS}{_REGIONAL}]{_TAIL}+|{_TAIL}+"
)
_FIRST_REGIONAL = 0x1F1E6


class Glyphs:
    """Rewrites what is sent to a terminal."""

    def __init__(self) -> None:
        self.native = Kind(0)
        """The kinds that the terminal draws as Textual measures them."""

    def safe(self, output: str) -> str:
        """Return text with control sequences so that the terminal draws it as wide as Textual."""
        if output.isascii() or self.native == ALL or not _TRIGGER.search(output):
            return output
        return _CLUSTER.sub(self._replace, output)

    def _replace(self, match: re.Match[str]) -> str:
        cluster = match[0]
        return cluster if kinds_of(cluster) in self.native else simple(cluster)


def kinds_of(cluster: str) -> Kind:
    """Return what makes a cluster more than one code point."""
    kinds = Kind(0)
    for character in cluster:
        code = ord(character)
        if character == "\u200d":
            kinds |= Kind.JOINED
        elif character == "\ufe0f":
            kinds |= Kind.SELECTED
        elif character == "\u20e3":
            kinds |= Kind.KEYCAP
        elif 0x1F1E6 <= code <= 0x1F1FF:
            kinds |= Kind.FLAG
        elif 0x1F3FB <= code <= 0x1F3FF:
            kinds |= Kind.TONED
        elif 0xE0020 <= code <= 0xE007F:
            kinds |= Kind.TAGGED
    return kinds


def simple(cluster: str) -> str:
    """Return single code points that are together as wide as a cluster is for Textual."""
    shown = ""
    is_joined = False
    for character in cluster:
        code = ord(character)
        if is_joined:
            is_joined = False
        elif character == "\u200d":
            is_joined = True
        elif character == "\ufe0f":
            # Where it makes a narrow character wide, a blank does.
            shown += " " * (cell_len(shown[-1:] + character) - cell_len(shown[-1:]))
        elif 0x1F1E6 <= code <= 0x1F1FF:
            shown += chr(code - _FIRST_REGIONAL + ord("A"))
        elif not _TRIGGER.match(character):
            shown += character
    return shown


class Probe:
    """Asks a terminal how wide it draws the samples, by the place of its cursor after each."""

    def __init__(self) -> None:
        self._awaited = list(SAMPLES)
        self.native = Kind(0)
        """What the answers so far allow."""

    @property
    def is_over(self) -> bool:
        """Whether everything is answered."""
        return not self._awaited

    def query(self) -> str:
        """Return what to send, at the start and before anything is drawn."""
        # Mode 2027 lets a terminal measure whole characters, if it can.
        asked = "".join(f"\x1b[H{sample}\x1b[6n" for sample in SAMPLES.values())
        return f"\x1b[?2027h{asked}\x1b[H\x1b[2K"

    def receive(self, column: int) -> bool:
        """Take an answer, the cursor's column from 0; return whether it is the last one."""
        if self._awaited:
            kind = self._awaited.pop(0)
            if column == cell_len(SAMPLES[kind]):
                self.native |= kind
        return self.is_over


END = "\x1b[?2027l"
"""What to send at the end."""


def may_ask(environment: Mapping[str, str]) -> bool:
    """Return whether the terminal's answers are about what the user sees.

    A multiplexer answers for itself, and the terminal around it may measure differently.
    """
    kind = environment.get("TERM", "")
    return not is_multiplexed(environment) and not kind.startswith(("dumb", "linux"))


def is_multiplexed(environment: Mapping[str, str]) -> bool:
    """Return whether the terminal is one of tmux, screen or zellij."""
    if any(environment.get(name) for name in ("TMUX", "STY", "ZELLIJ")):
        return True
    return environment.get("TERM", "").startswith(("screen", "tmux"))
