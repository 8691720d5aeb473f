"""The words of MODE commands."""

import pytest

from roost.chat.commands.modes import ModeChange
from roost.ircd.replies.mode_words import (
    ModeWords,
    pack_changes,
    parse_room_modes,
    parse_user_modes,
)


def add(letter: str, parameter: str = "") -> ModeChange:
    return ModeChange(True, letter, parameter)


def remove(letter: str, parameter: str = "") -> ModeChange:
    return ModeChange(False, letter, parameter)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("+i", ModeWords(changes=[add("i")])),
        ("i", ModeWords(changes=[add("i")])),
        ("-i+m", ModeWords(changes=[remove("i"), add("m")])),
        ("+ov ann bob", ModeWords(changes=[add("o", "ann"), add("v", "bob")])),
        ("+ov ann", ModeWords(changes=[add("o", "ann")])),
        ("+k key", ModeWords(changes=[add("k", "key")])),
        ("-k", ModeWords(changes=[remove("k", "*")])),
        ("-ko key ann", ModeWords(changes=[remove("k", "key"), remove("o", "ann")])),
        ("+l 5", ModeWords(changes=[add("l", "5")])),
        ("-lo ann", ModeWords(changes=[remove("l"), remove("o", "ann")])),
        ("+l x", ModeWords(invalid=[add("l", "x")])),
        ("+b", ModeWords(queries=["b"])),
        ("bbeI", ModeWords(queries=["b", "e", "I"])),
        ("+bb mask", ModeWords(changes=[add("b", "mask")], queries=["b"])),
        ("+xyx", ModeWords(unknown=["x", "y"])),
        ("+", ModeWords()),
    ],
)
def test_room_modes(words: str, expected: ModeWords) -> None:
    assert parse_room_modes(tuple(words.split(" ")), 20) == expected


def test_changes_beyond_the_limit_are_ignored() -> None:
    parsed = parse_room_modes(("+vvv", "a", "b", "c"), 2)
    assert parsed.changes == [add("v", "a"), add("v", "b")]


def test_user_modes_take_each_letter_once_and_the_last_sign() -> None:
    assert parse_user_modes("+ix-i", 20) == (remove("i"), add("x"))
    assert len(parse_user_modes("+abcdef", 3)) == 3


def test_changes_are_packed_in_order_and_none_is_lost() -> None:
    changes = [add("b", "x" * size) for size in (10, 20, 30, 100, 1)]
    groups = list(pack_changes(changes, 60))
    assert [change for group in groups for change in group] == changes
    assert [len(group) for group in groups] == [2, 1, 1, 1]
    assert list(pack_changes([], 70)) == []
