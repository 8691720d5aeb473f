"""Long answers are split without losing anything."""

import pytest
from hypothesis import given, strategies

from roost.ircd.rendering.packing import (
    ECHO_BYTES_MAX,
    LINE_BYTES_MAX,
    cut,
    middle,
    pack,
    space_left,
    wrap,
)


def test_the_space_left_fills_a_line_exactly() -> None:
    space = space_left("roost.local", "alice", "=", "#r\u00f6om")
    line = ":roost.local 353 alice = #r\u00f6om :" + "x" * space
    assert len(line.encode()) == LINE_BYTES_MAX


@pytest.mark.parametrize(
    ("words", "bytes_max", "expected"),
    [
        ([], 5, []),
        (["ab", "cd"], 5, ["ab cd"]),
        (["ab", "cd"], 4, ["ab", "cd"]),
        (["ab", "\u00e9", "c"], 5, ["ab \u00e9", "c"]),
        (["abcdef", "g"], 3, ["abcdef", "g"]),
    ],
)
def test_words_are_packed_whole(words: list[str], bytes_max: int, expected: list[str]) -> None:
    assert list(pack(words, bytes_max)) == expected


@given(
    strategies.lists(strategies.text(alphabet="a\u00e9\U0001f426", min_size=1, max_size=5)),
    strategies.integers(20, 60),
)
def test_packing_keeps_every_word_and_the_limit(words: list[str], bytes_max: int) -> None:
    lines = list(pack(words, bytes_max))
    assert " ".join(lines).split() == words
    assert all(len(line.encode()) <= bytes_max for line in lines)


@pytest.mark.parametrize(
    ("text", "bytes_max", "expected"),
    [("abc", 3, "abc"), ("abc", 2, "ab"), ("a\u00e9", 2, "a"), ("a", 0, ""), ("a", -1, "")],
)
def test_a_cut_never_splits_a_character(text: str, bytes_max: int, expected: str) -> None:
    assert cut(text, bytes_max) == expected


@given(strategies.text(), strategies.integers(4, 30))
def test_wrapping_keeps_the_text_and_the_limit(text: str, bytes_max: int) -> None:
    parts = list(wrap(text, bytes_max))
    assert "".join(parts) == text
    assert all(len(part.encode()) <= bytes_max for part in parts)


def test_an_empty_text_is_one_empty_line() -> None:
    assert list(wrap("", 10)) == [""]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("#r", "#r"), ("", "*"), (":x", "*"), ("a b", "*"), ("x" * 500, "x" * ECHO_BYTES_MAX)],
)
def test_only_what_fits_is_repeated_in_the_middle_of_a_reply(text: str, expected: str) -> None:
    assert middle(text) == expected
