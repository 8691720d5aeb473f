"""Characters of several code points are as wide in every terminal as Textual lays them out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from roost.client.tui.glyphs import ALL, SAMPLES, Glyphs, Kind, Probe, may_ask

PIECES = [
    *SAMPLES.values(),
    *"\u200d\ufe0f\u20e3",
    *"\U0001f3fd\U0001f1e9\U0001f1ea\U0001f468\u2764\u26a0",
    *"1#aZ \u00e9\u65e5",
    "\U0001f3f3\ufe0f\u200d\U0001f308",
    "\U0001f469\U0001f3fd\u200d\U0001f680",
    "\x1b[38;5;1m",
    "\x1b[0m",
    "\x1b[1;1H",
]


def width_by_code_point(text: str) -> int:
    """Return the width for a terminal that knows no characters of several code points."""
    return sum(cell_len(character) for character in text)


def plain(text: str) -> str:
    return text.replace("\x1b[38;5;1m", "").replace("\x1b[0m", "").replace("\x1b[1;1H", "")


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_what_is_written_is_as_wide_by_code_points_as_textual_lays_it_out(text: str) -> None:
    runs = [run for run in text.replace("\x1b[1;1H", "\x1b[0m").split("\x1b[0m") if run]
    for run in (run.replace("\x1b[38;5;1m", "") for run in runs):
        shown = Glyphs().safe(run)
        assert width_by_code_point(shown) == cell_len(run)
        assert not any(part in shown for part in "\u200d\ufe0f\u20e3\U0001f3fd\U0001f1e9\U0001f1ea")


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_control_sequences_pass_unchanged(text: str) -> None:
    shown = Glyphs().safe(text)
    for sequence in ("\x1b[38;5;1m", "\x1b[0m", "\x1b[1;1H"):
        assert shown.count(sequence) == text.count(sequence)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (SAMPLES[Kind.JOINED], "\U0001f468"),
        (SAMPLES[Kind.FLAG], "DE"),
        (SAMPLES[Kind.SELECTED], "\u2764 "),
        (SAMPLES[Kind.TONED], "\U0001f44d"),
        (SAMPLES[Kind.KEYCAP], "1 "),
        (SAMPLES[Kind.TAGGED], "\U0001f3f4"),
        ("\U0001f600 plain", "\U0001f600 plain"),
    ],
)
def test_safe_forms(text: str, shown: str) -> None:
    assert Glyphs().safe(f"\x1b[1m{text}\x1b[0m") == f"\x1b[1m{shown}\x1b[0m"


def test_kinds_that_the_terminal_draws_alike_are_left_as_they_are() -> None:
    glyphs = Glyphs()
    glyphs.native = Kind.FLAG | Kind.SELECTED
    both = SAMPLES[Kind.FLAG] + SAMPLES[Kind.JOINED]
    assert glyphs.safe(both) == SAMPLES[Kind.FLAG] + "\U0001f468"
    astronaut = "\U0001f469\U0001f3fd\u200d\U0001f680"
    glyphs.native = Kind.JOINED
    assert glyphs.safe(astronaut) == "\U0001f469"
    glyphs.native = ALL
    assert glyphs.safe(astronaut) == astronaut


def test_a_terminal_is_believed_by_kind() -> None:
    probe = Probe()
    assert probe.query().count("\x1b[6n") == len(SAMPLES)
    for kind in SAMPLES:
        assert not probe.is_over
        probe.receive(2 if kind in (Kind.FLAG, Kind.TONED) else 1)
    assert probe.is_over
    assert probe.native == Kind.FLAG | Kind.TONED


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "xterm-256color", "TMUX": "/tmp/x,1,0"}, False),
        ({"TERM": "screen-256color"}, False),
        ({"TERM": "tmux-256color"}, False),
        ({"TERM": "xterm", "STY": "1.pts"}, False),
    ],
)
def test_multiplexers_are_not_asked(environment: dict[str, str], expected: bool) -> None:
    assert may_ask(environment) is expected
