"""Random operations on ownership, names and metadata of rooms."""

import random
from collections.abc import Callable

from roost.chat.commands import Operation
from roost.chat.commands.messages import MarkRead, Redact
from roost.chat.commands.metadata import SetMetadata, SubscribeMetadata
from roost.chat.commands.ownership import (
    AcceptRoom,
    ClearRoom,
    DropRoom,
    GiveStatus,
    RegisterRoom,
    SetAccess,
    SetRetention,
    TransferRoom,
)
from roost.chat.commands.rooms import RenameRoom
from roost.chat.ids import Position, UserId

ROOMS = ("#x", "#X", "#y", "#z", "")
NICKS = ("a", "b", "c", "")
ACCOUNTS = ("A", "eve", "nobody", "")
LETTERS = ("o", "v", "", "?")
KEYS = ("avatar", "url", "pronouns", "Bad key", "")
VALUES = ("", "yes", None, None, "x" * 20)
CLEARED = ("bans", "own-bans", "access", "users")


def room_makers(dice: random.Random) -> dict[Callable[[], Operation], int]:
    """Return functions that create operations, with their weights."""

    def flip() -> bool:
        return dice.random() < 0.5

    def keys() -> tuple[str, ...]:
        return tuple(dice.choice(KEYS) for _ in range(dice.randrange(3)))

    return {
        lambda: RegisterRoom(dice.choice(ROOMS)): 4,
        lambda: DropRoom(dice.choice(ROOMS)): 1,
        lambda: SetAccess(dice.choice(ROOMS), dice.choice(ACCOUNTS), dice.choice(LETTERS)): 4,
        lambda: TransferRoom(dice.choice(ROOMS), dice.choice(ACCOUNTS)): 3,
        lambda: AcceptRoom(dice.choice(ROOMS)): 3,
        lambda: GiveStatus(dice.choice(ROOMS), dice.choice(NICKS), dice.choice(LETTERS), flip()): 3,
        lambda: ClearRoom(dice.choice(ROOMS), dice.choice(CLEARED)): 2,
        lambda: SetRetention(dice.choice(ROOMS), dice.choice((0, 1, 60)), dice.choice((0, 9))): 2,
        lambda: RenameRoom(dice.choice(ROOMS), dice.choice(ROOMS), "why"): 3,
        lambda: SetMetadata(
            dice.choice(("*", *ROOMS, *NICKS)), dice.choice(KEYS), dice.choice(VALUES)
        ): 4,
        lambda: SubscribeMetadata(keys(), keys()): 3,
        lambda: Redact(
            dice.choice((*ROOMS, *NICKS)),
            "m",
            Position(50),
            0,
            dice.choice((0, -(10**9))),
            "r",
            UserId(dice.randrange(9)),
            dice.choice(("", "Eve")),
            "x",
            dice.choice(("a:Eve", "i:1", "u:3")),
        ): 4,
        lambda: MarkRead(dice.choice((*ROOMS, *NICKS)), dice.randrange(2**60)): 3,
    }
