"""A list of present members, followed by older changes, leads clients astray or not."""

import pytest

from roost.chat.changes import Change, Joined, Kicked, NickChanged, Parted, Quitted, Source
from roost.chat.ids import RoomId, UserId
from roost.ircd.delivery.outdated import is_misled

ROOM = RoomId(7)


def source(nick: str) -> Source:
    return Source(UserId(1), nick, "u", "h")


def change(text: str) -> Change:
    word, nick, *rest = text.split()
    match word:
        case "JOIN":
            return Joined(0, source(nick), ROOM, "#a", nick, "")
        case "PART":
            return Parted(0, source(nick), ROOM, "#a", "")
        case "QUIT":
            return Quitted(0, source(nick), ((ROOM, "#a"),), "")
        case "KICK":
            return Kicked(0, source(nick), ROOM, "#a", UserId(2), rest[0], "")
    return NickChanged(0, source(nick), rest[0], ((ROOM, "#a"),))


@pytest.mark.parametrize(
    ("changes", "present", "misleads"),
    [
        ("JOIN a, NICK a b", "b", False),
        ("NICK a b, NICK c a", "a b", True),
        ("QUIT a, NICK c a", "a", True),
        ("KICK op A, NICK c a", "a op", True),
        ("PART a, JOIN a", "a", False),
        ("QUIT a, JOIN a", "a", False),
        ("NICK a b, NICK b a", "a", False),
        ("NICK a t, NICK b a, NICK t b", "a b", False),
        ("JOIN c, QUIT a, NICK c a", "a", False),
        ("QUIT x, PART y", "a", False),
    ],
)
def test_names_that_somebody_else_has_by_now_mislead(
    changes: str, present: str, *, misleads: bool
) -> None:
    names = present.split()
    numbered = enumerate(map(change, changes.split(", ")))
    assert is_misled(numbered, names.__contains__) is misleads


@pytest.mark.parametrize(("again", "misleads"), [(0, True), (1, True), (2, False), (5, False)])
def test_another_list_of_the_names_mends_what_came_before(again: int, *, misleads: bool) -> None:
    """The first change takes the name of c, who is now called a; the list has a again after it."""
    numbered = [(0, change("JOIN d")), (1, change("QUIT a"))]
    assert is_misled(numbered, "ad".__contains__, [again]) is misleads
