"""What is drawn over the messages: selection, scroll bar, and the notice of new ones below."""

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from roost.client.tui.palette import Palette


def background_of(palette: Palette) -> Style:
    return Style.from_color(bgcolor=palette.background.rich_color)


def new_below_strip(count: int, width: int, palette: Palette) -> Strip:
    """Return the line that says how many messages are new below; -1 for none."""
    words = " \u2193 latest messages (End) "
    if count >= 0:
        words = f" \u2193 {'999+' if count > 999 else count} new (End) "
    style = palette.alert if count > 0 else palette.badge
    left = max(width - len(words) - 1, 0)
    strip = Strip([Segment(" " * left), Segment(words, style)])
    return strip.adjust_cell_length(width).apply_style(background_of(palette))


def scroll_bar_segment(
    y: int, height: int, share: tuple[float, float], palette: Palette
) -> Segment:
    """Return a line's cell of the scroll bar; `share` is the visible part, from 0 to 1."""
    start, end = share
    first = min(int(start * height), height - 1)
    last = max(int(end * height + 0.999), first + 1)
    if end - start >= 1.0 or not first <= y < last:
        return Segment(" ", background_of(palette))
    return Segment("\u2590", palette.faint + background_of(palette))


def restyle(strip: Strip, columns: tuple[int, int], style: Style) -> Strip:
    """Change the background of some columns of a strip."""
    first, last = columns
    before, marked, after = strip.divide([first, last, strip.cell_length])
    marked = Strip(Segment.apply_style(marked, post_style=style), marked.cell_length)
    return Strip.join([before, marked, after])
