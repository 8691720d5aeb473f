"""Words are runs of letters and digits, without case and marks, whichever way they are written."""

import pytest

from roost.chat.words import WORD_MAX, lines_of_words, words_of_text

CASES = {
    "Roses are RED": ["roses", "are", "red"],
    "it's 42% of_all": ["it", "s", "42", "of", "all"],
    "": [],
    "?!": [],
    "Caf\u00e9 cafe\u0301s": ["cafe", "cafes"],
    "Stra\u00dfe \u00dcBER": ["stra\u00dfe", "uber"],
    "\u0396\u0395\u03a5\u03a3 \u039f\u0394\u039f\u03a3": [
        "\u03b6\u03b5\u03c5\u03c2",
        "\u03bf\u03b4\u03bf\u03c2",
    ],
    "\u6771\u4eac\u90fd\u3001Tokyo": ["\u6771\u4eac\u90fd", "tokyo"],
    "a\u00a0b\u2003\u00e4\r\nb\x00c": ["a", "b", "a", "b", "c"],
    "\u0645\u064f\u062d": ["\u0645\u062d"],
    "\U0001f600yes\ud800": ["yes"],
}


@pytest.mark.parametrize("text", CASES)
def test_words_of_text(text: str) -> None:
    assert words_of_text(text) == CASES[text]
    assert lines_of_words(text).decode().split() == CASES[text]


def test_what_is_ascii_has_the_same_words_beside_other_letters() -> None:
    text = "".join(map(chr, range(128)))
    assert words_of_text(f"{text} \u6771") == [*words_of_text(text), "\u6771"]
    assert lines_of_words(text).decode().split() == words_of_text(text)


def test_long_words_are_cut() -> None:
    for letter in ("x", "\u00e4"):
        assert words_of_text(letter * 2000) == [words_of_text(letter)[0] * WORD_MAX]
