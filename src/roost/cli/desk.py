"""What the commands about people and rooms share: asking the cluster, and confirming at a terminal.

desk = Desk(flags)
account = desk.account("alice")
desk.control(RenameAccount(account.id, "alicia"))
"""

import datetime as dt
import sys
from collections.abc import Iterator

from roost.chat.commands.administration import Control, ShowAccounts, ShowInvitations, ShowRooms
from roost.chat.commands.control import ControlOperation
from roost.chat.ids import AccountId, RoomId
from roost.cli.administer import administer
from roost.cli.drain import load_operator
from roost.cli.errors import CommandError, UsageError
from roost.cli.flags import OperatorFlags
from roost.irc.names import CHANNEL_TYPES
from roost.protocol.people import (
    AccountView,
    InvitationsView,
    RoomView,
    decode_accounts,
    decode_invitations,
    decode_rooms,
)


class Desk:
    """A cluster that does what an administrator asks; every call raises CommandError if not."""

    def __init__(self, flags: OperatorFlags) -> None:
        """Raise UsageError if there is no operator's certificate."""
        config = load_operator(flags)
        self._where = (config.cluster, config.balancers, config.credentials)

    def control(self, operation: ControlOperation) -> None:
        """Have something done with an account or a room."""
        administer(*self._where, Control(operation))

    def accounts(self, mask: str = "*") -> Iterator[AccountView]:
        """Yield the accounts whose names match a mask, the oldest first."""
        after = AccountId(0)
        while True:
            view = decode_accounts(administer(*self._where, ShowAccounts(mask, after)))
            yield from view.accounts
            if not view.next:
                return
            after = view.next

    def account(self, name: str) -> AccountView:
        """Return the account with a name."""
        _check_plain(name)
        found = next(self.accounts(name), None)
        if found is None:
            raise CommandError(f"there is no account {name}: list them with `roost accounts list`")
        return found

    def invitations(self) -> InvitationsView:
        """Return the invitations that can be used."""
        return decode_invitations(administer(*self._where, ShowInvitations()))

    def rooms(self, mask: str = "*") -> Iterator[RoomView]:
        """Yield the rooms whose names match a mask, the oldest first."""
        after = RoomId(0)
        while True:
            view = decode_rooms(administer(*self._where, ShowRooms(mask, after)))
            yield from view.rooms
            if not view.next:
                return
            after = view.next

    def room(self, name: str) -> RoomView:
        """Return the room with a name, which may lack its "#"."""
        _check_plain(name)
        found = next(self.rooms(full_room_name(name)), None)
        if found is None:
            raise CommandError(f"there is no room {name}: list them with `roost rooms list`")
        return found


def full_room_name(name: str) -> str:
    """Return a room's name with its "#", which a shell takes for a comment if it is not quoted."""
    return name if name[:1] in CHANNEL_TYPES else f"#{name}"


def _check_plain(name: str) -> None:
    if not name or "*" in name or "?" in name:
        raise UsageError(f"{name!r} is not one name: wildcards are for `list`")


def confirm(what: str, name: str, *, is_confirmed: bool) -> None:
    """Have somebody type a name before something is done that cannot be undone.

    Raises:
        UsageError: they did not.
    """
    if is_confirmed:
        return
    if not sys.stdin.isatty():
        raise UsageError("nothing was changed: give --yes if this is what you want")
    print(what)
    if input(f"Type {name} to go on: ").strip() != name:
        raise UsageError("nothing was changed")


def shown_time(time_ms: int) -> str:
    """Write a time for people."""
    return f"{dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC):%Y-%m-%d %H:%M} UTC"
