"""What `roost accounts` and `roost rooms` show, in pages: the state at one point of the log."""

import bisect
from collections.abc import Callable, Mapping
from typing import TypeVar, cast

import msgspec

from roost.chat.admission import sessions_of_account
from roost.chat.changes import OPERATOR, VOICE
from roost.chat.commands.administration import ShowAccounts, ShowRooms
from roost.chat.directory import find_account, find_room
from roost.chat.ids import AccountId, FoldedAccount, RoomId
from roost.chat.invitations import ID_CHARACTERS, is_over
from roost.chat.state import Account, Room, State
from roost.chat.suspensions import suspension_of
from roost.irc.casemapping import fold_nick, fold_room
from roost.irc.masks import matches_folded

IdT = TypeVar("IdT", AccountId, RoomId)

PAGE_MAX = 200
"""Accounts or rooms in one page: some 60 kB, made within a few milliseconds."""
COMPARED_MAX = 5000
"""How many are compared with the mask for one page, within a few milliseconds."""


class SuspensionView(msgspec.Struct, frozen=True, kw_only=True):
    """Why nobody can log in to an account."""

    reason: str
    setter: str
    """Empty for an administrator."""
    time_ms: int
    expires_ms: int
    """0 for never."""


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """An account, as administrators see it."""

    id: AccountId
    name: str
    created_ms: int
    sessions: int
    """Clients that are logged in to it."""
    has_password: bool
    certificates: int
    is_always_on: bool
    rooms: tuple[str, ...]
    """The rooms that belong to it."""
    virtual_host: str = ""
    email: str = ""
    """The address that its owner has proved to read."""
    suspension: SuspensionView | None = None


class AccountsView(msgspec.Struct, frozen=True, kw_only=True):
    accounts: tuple[AccountView, ...]
    total: int
    """The accounts that there are, whatever the mask."""
    next: AccountId = AccountId(0)
    """Ask for what is after this one; 0 if there is no more."""


class RoomView(msgspec.Struct, frozen=True, kw_only=True):
    """A room, as administrators see it."""

    id: RoomId
    name: str
    created_ms: int
    members: int
    modes: str
    founder: str = ""
    """Empty if it is not registered."""
    registered_ms: int = 0
    operators: tuple[str, ...] = ()
    """The accounts that become operators when they enter, without the founder."""
    voiced: tuple[str, ...] = ()
    """The accounts that get voice."""
    offered_to: str = ""


class RoomsView(msgspec.Struct, frozen=True, kw_only=True):
    rooms: tuple[RoomView, ...]
    total: int
    next: RoomId = RoomId(0)


class InvitationView(msgspec.Struct, frozen=True, kw_only=True):
    """A code with which people can register, without the code itself."""

    id: str
    uses: int
    """How many more accounts it is for."""
    time_ms: int
    expires_ms: int
    """0 for never."""
    setter: str
    """Empty for an administrator."""
    note: str


class InvitationsView(msgspec.Struct, frozen=True, kw_only=True):
    registration: str
    """Who may register; see `chat.settings`."""
    login_required: bool
    invitations: tuple[InvitationView, ...]


def view_invitations(state: State) -> InvitationsView:
    """Return the invitations that can be used."""
    return InvitationsView(
        registration=state.settings.registration,
        login_required=state.settings.login_required,
        invitations=tuple(
            InvitationView(
                id=code[:ID_CHARACTERS],
                uses=one.uses,
                time_ms=one.time_ms,
                expires_ms=one.expires_ms,
                setter=one.setter,
                note=one.note,
            )
            for code, one in state.invitations.items()
            if not is_over(one, state.time_ms)
        ),
    )


def view_accounts(state: State, asked: ShowAccounts) -> AccountsView:
    """Return a page of accounts in the order in which they were registered."""
    mask, names, total = fold_nick(asked.mask), state.account_names, len(state.accounts)
    if not _is_pattern(mask):
        account = find_account(state, asked.mask)
        found = () if account is None else (_view_account(state, account),)
        return AccountsView(accounts=found, total=total)
    page, more = _page(names, asked.after, lambda number: matches_folded(mask, names[number]))
    shown = tuple(_view_account(state, state.accounts[names[number]]) for number in page)
    return AccountsView(accounts=shown, total=total, next=more)


def view_rooms(state: State, asked: ShowRooms) -> RoomsView:
    """Return a page of rooms in the order in which they were created."""
    mask, rooms = fold_room(asked.mask), state.rooms
    if not _is_pattern(mask):
        room = find_room(state, asked.mask)
        found = () if room is None else (_view_room(state, room),)
        return RoomsView(rooms=found, total=len(rooms))
    page, more = _page(
        rooms, asked.after, lambda number: matches_folded(mask, fold_room(rooms[number].name))
    )
    shown = tuple(_view_room(state, rooms[number]) for number in page)
    return RoomsView(rooms=shown, total=len(rooms), next=more)


def _is_pattern(mask: str) -> bool:
    return "*" in mask or "?" in mask


def _page(
    known: Mapping[IdT, object], after: IdT, is_meant: Callable[[IdT], bool]
) -> tuple[list[IdT], IdT]:
    """Return the ids on a page, and after which id the next page begins; 0 if there is none."""
    numbers = sorted(known)
    page: list[IdT] = []
    begin = bisect.bisect_right(numbers, after)
    for number in numbers[begin : begin + COMPARED_MAX]:
        if is_meant(number):
            page.append(number)
        after = number
        if len(page) == PAGE_MAX:
            break
    is_last = not numbers or after >= numbers[-1]
    return page, cast("IdT", 0) if is_last else after


def _view_account(state: State, account: Account) -> AccountView:
    suspension = suspension_of(account, state.time_ms)
    founded = state.founded.get(FoldedAccount(fold_nick(account.name)), {})
    return AccountView(
        id=account.id,
        name=account.name,
        created_ms=account.created_ms,
        sessions=sessions_of_account(state, account.name),
        has_password=bool(account.credentials.password),
        certificates=len(account.certificates),
        is_always_on=account.is_always_on,
        rooms=tuple(state.rooms[room].name for room in founded),
        virtual_host=account.virtual_host,
        email=account.email,
        suspension=None
        if suspension is None
        else SuspensionView(
            reason=suspension.reason,
            setter=suspension.setter,
            time_ms=suspension.time_ms,
            expires_ms=suspension.expires_ms,
        ),
    )


def _view_room(state: State, room: Room) -> RoomView:
    def name_of(folded: FoldedAccount) -> str:
        return state.accounts[folded].name if folded else ""

    return RoomView(
        id=room.id,
        name=room.name,
        created_ms=room.created_ms,
        members=len(room.members),
        modes=room.modes,
        founder=name_of(room.founder),
        registered_ms=room.registered_ms,
        operators=tuple(name_of(one) for one, status in room.access.items() if status & OPERATOR),
        voiced=tuple(name_of(one) for one, status in room.access.items() if status == VOICE),
        offered_to=name_of(room.offered_to),
    )


encode_people: Callable[[AccountsView | RoomsView | InvitationsView], bytes] = (
    msgspec.json.Encoder().encode
)
decode_accounts: Callable[[bytes], AccountsView] = msgspec.json.Decoder(AccountsView).decode
decode_invitations: Callable[[bytes], InvitationsView] = msgspec.json.Decoder(
    InvitationsView
).decode
decode_rooms: Callable[[bytes], RoomsView] = msgspec.json.Decoder(RoomsView).decode
