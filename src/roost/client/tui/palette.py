"""Colours of names and of IRC's formatting, readable on the background of every theme.

Contrast is WCAG 2's ratio of relative luminances, which is to be 4.5 for normal text (1.4.3).
Source of IRC's colours: modern.ircdocs.horse/formatting, "Colors".
"""

from functools import lru_cache
from zlib import crc32

from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from roost.client.model import text

CONTRAST_MIN = 4.5
CONTRAST_MIN_CHOSEN = 2.5
"""For colours chosen by a writer, which stay as they are if they are at all legible."""
HUES = (0, 18, 32, 46, 66, 96, 140, 164, 182, 200, 216, 236, 262, 284, 306, 334)
"""Of names, in degrees: denser where the eye distinguishes more, so few of them are green."""
NAMES_MAX = 4096
"""Whose hues are remembered; others get theirs by chance."""
_STEPS = 40

_BASIC = (
    "ffffff 000000 00007f 009300 ff0000 7f0000 9c009c fc7f00"
    " ffff00 00fc00 009393 00ffff 0000fc ff00ff 7f7f7f d2d2d2"
)
_EXTENDED = (
    "470000 472100 474700 324700 004700 00472c 004747 002747 000047 2e0047 470047 47002a"
    " 740000 743a00 747400 517400 007400 007449 007474 004074 000074 4b0074 740074 740045"
    " b50000 b56300 b5b500 7db500 00b500 00b571 00b5b5 0063b5 0000b5 7500b5 b500b5 b5006b"
    " ff0000 ff8c00 ffff00 b2ff00 00ff00 00ffa0 00ffff 008cff 0000ff a500ff ff00ff ff0098"
    " ff5959 ffb459 ffff71 cfff60 6fff6f 65ffc9 6dffff 59b4ff 5959ff c459ff ff66ff ff59bc"
    " ff9c9c ffd39c ffff9c e2ff9c 9cff9c 9cffdb 9cffff 9cd3ff 9c9cff dc9cff ff9cff ff94d3"
    " 000000 131313 282828 363636 4d4d4d 656565 818181 9f9f9f bcbcbc e2e2e2 ffffff"
)
IRC_COLOURS = tuple(Color.parse(f"#{code}") for code in f"{_BASIC} {_EXTENDED}".split())


def luminance(colour: Color) -> float:
    """Return the relative luminance, 0 to 1."""

    def linear(part: int) -> float:
        share = part / 255
        return float(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)

    return 0.2126 * linear(colour.r) + 0.7152 * linear(colour.g) + 0.0722 * linear(colour.b)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@lru_cache(maxsize=4096)
def readable(colour: Color, background: Color, minimum: float) -> Color:
    """Move a colour away from the background until it is readable."""
    if contrast(colour, background) >= minimum:
        return colour
    goal = Color(255, 255, 255) if luminance(background) < 0.18 else Color(0, 0, 0)
    for step in range(1, _STEPS + 1):
        found = colour.blend(goal, step / _STEPS)
        if contrast(found, background) >= minimum:
            return found
    return goal


class NameHues:
    """Gives each name a hue, which few others have.

    By chance alone, three of four people may look the same. The hash decides where that leaves
    enough between the hues in use.
    """

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._uses = [0] * len(HUES)

    def place(self, name: str) -> int:
        """Return the index of a name's hue."""
        found = self._places.get(name)
        if found is None:
            found = self._choose(crc32(name.encode("utf-8", "replace")) % len(HUES))
            if len(self._places) < NAMES_MAX:
                self._places[name] = found
                self._uses[found] += 1
        return found

    def _choose(self, hashed: int) -> int:
        least = min(self._uses)
        free = [place for place, uses in enumerate(self._uses) if uses == least]
        taken = [place for place, uses in enumerate(self._uses) if uses > least]
        if not taken:
            return hashed

        def distance(place: int) -> int:
            return min(_apart(place, other) for other in taken)

        if hashed in free and distance(hashed) >= len(HUES) // (len(taken) + 2):
            return hashed
        widest = max(distance(place) for place in free)
        best = [place for place in free if distance(place) == widest]
        return min(best, key=lambda place: (_apart(place, hashed), place))


def _apart(place: int, other: int) -> int:
    steps = abs(place - other)
    return min(steps, len(HUES) - steps)


_hues = NameHues()


class Palette:
    """The styles of a theme that Textual does not provide."""

    def __init__(self, theme: Theme) -> None:
        colours = theme.to_color_system().generate()
        self.is_dark = theme.dark
        self.background = Color.parse(colours["background"])
        self.surface = Color.parse(colours["surface"])
        self.panel = Color.parse(colours["panel"])
        self.foreground = Color.parse(colours["foreground"])
        # Readable on the background and, for side panes and hovering, on the panel.
        self._worst = (
            self.panel
            if contrast(self.panel, self.foreground) < contrast(self.background, self.foreground)
            else self.background
        )
        primary = self._firm(colours["primary"])
        accent = self._firm(colours["accent"])
        muted = readable(self.foreground.blend(self.background, 0.45), self._worst, CONTRAST_MIN)
        self.text = _style(self.foreground)
        self.muted = _style(muted)
        self.faint = _style(readable(self.foreground.blend(self.background, 0.68), self._worst, 2))
        self.link = _style(primary, underline=True)
        self.primary = _style(primary)
        self.accent = _style(accent)
        self.error = _style(self._firm(colours["error"]))
        self.warning = _style(self._firm(colours["warning"]))
        self.success = _style(self._firm(colours["success"]))
        self.highlight = _style(None, background=self.background.blend(accent, 0.16))
        self.cursor = _style(None, background=self.background.blend(primary, 0.16))
        self.selection = _style(None, background=self.background.blend(primary, 0.38))
        self.match = _style(Color(20, 20, 20), background=Color.parse("#e8c547"))
        self.badge = _style(
            readable(self.foreground, self.panel, CONTRAST_MIN), background=self.panel
        )
        bright = readable(self.background, accent, CONTRAST_MIN)
        self.alert = _style(bright, background=accent, bold=True)
        self.names = tuple(self._name_style(hue) for hue in HUES)
        self._pieces: dict[text.Style, Style] = {text.PLAIN: self.text}

    def name(self, folded: str) -> Style:
        """Return the style of a name: the same while the client runs."""
        return self.names[_hues.place(folded)]

    def piece(self, style: text.Style) -> Style:
        """Return the style of a piece of a message."""
        found = self._pieces.get(style)
        if found is None:
            if len(self._pieces) > 4096:
                # Writers may choose any "#rrggbb" colour, so the number of styles must be limited.
                self._pieces = {text.PLAIN: self.text}
            found = self._pieces[style] = self._make_piece(style)
        return found

    def _make_piece(self, style: text.Style) -> Style:
        background = _colour(style.background) or (self.panel if style.is_monospace else None)
        chosen = _colour(style.foreground)
        foreground = chosen or self.foreground
        if style.is_reversed:
            foreground, background = background or self.background, foreground
        elif chosen is None or style.background == "":
            minimum = CONTRAST_MIN_CHOSEN if chosen else CONTRAST_MIN
            foreground = readable(foreground, background or self.background, minimum)
        return _style(
            foreground,
            background=background,
            bold=style.is_bold or None,
            italic=style.is_italic or None,
            underline=style.is_underlined or None,
            strike=style.is_struck or None,
        )

    def _firm(self, colour: str) -> Color:
        return readable(Color.parse(colour), self._worst, CONTRAST_MIN)

    def _name_style(self, hue: int) -> Style:
        start = Color.from_hsl(hue / 360, 0.62, 0.62 if self.is_dark else 0.36)
        return _style(readable(start, self._worst, CONTRAST_MIN), bold=True)


def _colour(code: str) -> Color | None:
    if not code:
        return None
    if code.startswith("#"):
        return Color.parse(code)
    return IRC_COLOURS[int(code)]


def _style(
    foreground: Color | None,
    *,
    background: Color | None = None,
    bold: bool | None = None,
    italic: bool | None = None,
    underline: bool | None = None,
    strike: bool | None = None,
) -> Style:
    return Style(
        color=_rich(foreground),
        bgcolor=_rich(background),
        bold=bold,
        italic=italic,
        underline=underline,
        strike=strike,
    )


def _rich(colour: Color | None) -> RichColor | None:
    return None if colour is None else RichColor.from_rgb(colour.r, colour.g, colour.b)
