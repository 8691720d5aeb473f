"""A list of present members, followed by older changes, leads clients astray or not."""

import pytest

from roost.chat.changes import Change, Joined, Kicked, NickChanged, Parted, Quitted, Source
from roost.chat.ids import RoomId, UserId
from roost.ircd.delivery.outdated import Error, error_after

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
    ("changes", "present", "error"),
    [
        ("JOIN a, NICK a b", "b", Error.NONE),
        ("NICK a b, NICK c a", "a b", Error.TOO_FEW),
        ("QUIT a, NICK c a", "a", Error.TOO_FEW),
        ("KICK op A, NICK c a", "a op", Error.TOO_FEW),
        ("PART a, JOIN a", "a", Error.NONE),
        ("QUIT a, JOIN a", "a", Error.NONE),
        ("NICK a b, NICK b a", "a", Error.NONE),
        ("NICK a t, NICK b a, NICK t b", "a b", Error.NONE),
        ("JOIN c, QUIT a, NICK c a", "a", Error.NONE),
        ("QUIT x, PART y", "a", Error.NONE),
        ("NICK a b, NICK c a", "a", Error.TOO_MANY),
    ],
)
def test_names_that_somebody_else_has_by_now_mislead(
    changes: str, present: str, error: Error
) -> None:
    """The last one is about a, who is in another room, and c, who is in this one."""
    names = present.split()
    numbered = enumerate(map(change, changes.split(", ")))
    assert error_after(numbered, names.__contains__) is error


@pytest.mark.parametrize(
    ("again", "error"),
    [(0, Error.TOO_FEW), (1, Error.TOO_FEW), (2, Error.NONE), (5, Error.NONE)],
)
def test_another_list_of_the_names_mends_what_came_before(again: int, error: Error) -> None:
    """The first change takes the name of c, who is now called a; the list has a again after it."""
    numbered = [(0, change("JOIN d")), (1, change("QUIT a"))]
    assert error_after(numbered, "ad".__contains__, [again]) is error
