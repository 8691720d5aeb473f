import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.irc.casemapping import fold, fold_nick, fold_room
from roost.irc.names import is_room_name, is_valid_nick, is_valid_room_name


@pytest.mark.parametrize("nick", ["a", "Alice", "_x", "[a]", "a-1", "`^{}|\\", "a" * 32])
def test_good_nicknames_are_valid(nick: str) -> None:
    assert is_valid_nick(nick, 32)


@pytest.mark.parametrize(
    "nick", ["", "1a", "-a", "a b", "a!b", "a@b", "#a", "a,b", "a.b", "\u00e4", "a:", "a" * 33, "*"]
)
def test_bad_nicknames_are_not(nick: str) -> None:
    assert not is_valid_nick(nick, 32)


@pytest.mark.parametrize("name", ["#a", "##", "#a:b", "#caf\u00e9", "#" + "x" * 63, "#\u4f60"])
def test_good_room_names_are_valid(name: str) -> None:
    assert is_valid_room_name(name, 64)


@pytest.mark.parametrize(
    "name", ["", "#", "a", "#a b", "#a,b", "#a\7", "#" + "x" * 64, "#\u4f60" * 30, "&a", "#\x7f"]
)
def test_bad_room_names_are_not(name: str) -> None:
    assert not is_valid_room_name(name, 64)


def test_a_room_is_meant_by_its_first_character() -> None:
    assert is_room_name("#a,b")
    assert not is_room_name("a")
    assert not is_room_name("")


def test_only_ascii_letters_are_folded() -> None:
    assert fold_nick("AbC[]\\~^") == "abc[]\\~^"
    assert fold_room("#CAF\u00c9") == "#caf\u00c9"


@given(st.text())
def test_folding_twice_changes_nothing_more(name: str) -> None:
    assert fold(fold(name)) == fold(name)
    assert len(fold(name)) == len(name)
