"""Parts of the interface that need no screen."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from roost.client.tui import notifications
from roost.client.tui.calendar import Calendar
from roost.client.tui.palette import CONTRAST_MIN, Palette, contrast
from roost.client.tui.screens.switcher import match_rank
from roost.client.tui.screens.welcome import name_problem
from roost.client.tui.themes import THEMES
from roost.client.tui.viewport import Viewport
from roost.client.tui.wrapping import Piece, truncate, width_of, wrap

USABLE = [theme for theme in (*THEMES, *BUILTIN_THEMES.values()) if not theme.ansi]
TEXTS = st.text(alphabet="ab c\u65e5\u00e9\n\U0001f44d", max_size=60)


@pytest.mark.parametrize("theme", USABLE, ids=lambda theme: theme.name)
def test_every_name_can_be_read_in_every_theme(theme: object) -> None:
    palette = Palette(theme)  # type: ignore[arg-type]
    for style in palette.names:
        assert style.color is not None
        colour = Color.from_rich_color(style.color)
        for background in (palette.background, palette.surface):
            assert contrast(colour, background) >= CONTRAST_MIN - 0.1


@given(TEXTS, st.integers(2, 20), st.integers(0, 60))
def test_wrapping_fits_and_loses_nothing_but_blanks(text: str, width: int, cut: int) -> None:
    lines = wrap([Piece(text[:cut], Style(bold=True)), Piece(text[cut:], Style())], width)
    plain = ["".join(segment.text for segment in line) for line in lines]
    assert all(width_of(line) <= width for line in plain)
    assert "".join(plain).replace(" ", "") == text.replace(" ", "").replace("\n", "")


@given(TEXTS.map(lambda text: text.replace("\n", "")), st.integers(1, 20))
def test_a_cut_text_fits(text: str, width: int) -> None:
    assert width_of(truncate(text, width)) <= width


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(1, 12), st.data())
def test_items_put_above_move_nothing_on_the_screen(
    heights: list[int], height: int, data: st.DataObject
) -> None:
    sizes = [1, *heights]
    viewport = Viewport(lambda item: sizes[item])
    viewport.count, viewport.height = len(sizes), height
    for step in data.draw(st.lists(st.integers(-9, 9), max_size=8)):
        viewport.scroll(step)
    before = viewport.rows()
    if viewport.is_pinned or viewport.anchor == 0:
        return
    added = data.draw(st.lists(st.integers(0, 3), max_size=6))
    sizes[1:1] = added
    viewport.count = len(sizes)
    viewport.moved(viewport.anchor + len(added))
    after = viewport.rows()
    for line, place in enumerate(before):
        if place is not None and place.item > 0:
            moved = after[line]
            assert moved is not None
            assert (moved.item - len(added), moved.row) == place


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(1, 12))
def test_scrolling_up_and_down_again_shows_every_row_once(heights: list[int], height: int) -> None:
    viewport = Viewport(lambda item: heights[item])
    viewport.count, viewport.height = len(heights), height
    seen = set(viewport.rows())
    for _ in range(sum(heights)):
        viewport.scroll(-1)
        seen.update(viewport.rows())
    every = {(item, row) for item, size in enumerate(heights) for row in range(size)}
    assert {tuple(place) for place in seen if place is not None} == every
    viewport.scroll(sum(heights))
    assert viewport.is_pinned


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("2026-03-02", "2026-03-02 00:00"),
        ("2026-03-02 10:42", "2026-03-02 10:42"),
        ("2.3.2026", "2026-03-02 00:00"),
        ("yesterday", "2026-03-04 00:00"),
        ("monday", "2026-03-02 00:00"),
        ("3d", "2026-03-02 00:00"),
        ("10:42", "2026-03-05 10:42"),
    ],
)
def test_dates_are_read_as_people_write_them(words: str, expected: str) -> None:
    calendar = Calendar(dt.UTC)
    now_ms = int(dt.datetime(2026, 3, 5, 12, tzinfo=dt.UTC).timestamp() * 1000)
    time = dt.datetime.strptime(expected, "%Y-%m-%d %H:%M").replace(tzinfo=dt.UTC)
    assert calendar.parse(words, now_ms) == time.timestamp() * 1000
    assert calendar.parse("the day before", now_ms) is None


def test_a_notification_cannot_end_its_sequence_early() -> None:
    data = notifications.sequences("desktop", "bob\x1b\\", "a\x07b;c\n\x1b]0;title\x07", {})
    assert data.count("\x1b]") == 2
    assert "\x07" not in data
    assert notifications.sequences("none", "bob", "hello", {}) == ""
    assert notifications.sequences("bell", "bob", "hello", {}) == "\x07"


@pytest.mark.parametrize("nick", ["", "two words", "1st", "#room", "a,b", "a!b"])
def test_names_that_no_server_takes_are_refused_with_a_reason(nick: str) -> None:
    assert name_problem(nick)
    assert not name_problem("alice")


def test_the_switcher_ranks_beginnings_over_middles_over_letters() -> None:
    assert match_rank("ro", "#room") == 0
    assert match_rank("oo", "#room") == 1
    assert match_rank("rm", "#room") == 2
    assert match_rank("mr", "#room") is None
