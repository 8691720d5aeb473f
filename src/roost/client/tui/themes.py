"""The client's own themes; it can use all of Textual's that define colours, too."""

from textual.theme import Theme

DARK = "roost-dark"
LIGHT = "roost-light"

THEMES = (
    Theme(
        name=DARK,
        primary="#6cb6ff",
        secondary="#9d8cf0",
        accent="#f0a45d",
        success="#7fc98a",
        warning="#e5c07b",
        error="#ff7b7b",
        foreground="#d7dbe2",
        background="#14161b",
        surface="#1a1d23",
        panel="#22262e",
        dark=True,
        variables={
            "border": "#343a45",
            "border-blurred": "#2a2f38",
            "block-cursor-background": "#2b4a6b",
            "block-cursor-foreground": "#f4f7fb",
            "block-cursor-text-style": "none",
            "input-selection-background": "#3a6ea5 55%",
        },
    ),
    Theme(
        name=LIGHT,
        primary="#1b62c4",
        secondary="#6a4fc4",
        accent="#b35a00",
        success="#1f7a34",
        warning="#8a6100",
        error="#c0262d",
        foreground="#24272d",
        background="#fcfbf8",
        surface="#f5f3ee",
        panel="#eae7df",
        dark=False,
        variables={
            "border": "#cfcabd",
            "border-blurred": "#ded9cd",
            "block-cursor-background": "#cfe1fa",
            "block-cursor-foreground": "#10243e",
            "block-cursor-text-style": "none",
            "input-selection-background": "#1b62c4 25%",
        },
    ),
)


def opposite(name: str, *, is_dark: bool) -> str:
    """Return the theme to switch to: a light one for a dark one, and vice versa."""
    pairs = {DARK: LIGHT, LIGHT: DARK}
    return pairs.get(name, LIGHT if is_dark else DARK)
