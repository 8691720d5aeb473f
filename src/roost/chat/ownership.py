"""Registered rooms: their founders, and what ChanServ does for them.

A registered room keeps everything while it is empty, and is never forgotten.
"""

from roost.chat.access import entitled_status, folded_account, is_founder, is_listed
from roost.chat.changes import OPERATOR, Kicked, OwnershipChanged
from roost.chat.commands.modes import ModeChange
from roost.chat.commands.ownership import (
    AcceptRoom,
    ClearRoom,
    DropRoom,
    GiveStatus,
    RegisterRoom,
    SetAccess,
    TransferRoom,
)
from roost.chat.directory import find_room, find_user
from roost.chat.dispatch import applies
from roost.chat.entitlements import (
    STATUS_LETTERS,
    grant,
    service_source,
    set_status,
    show_modes,
)
from roost.chat.ids import FoldedAccount
from roost.chat.refusals import Reason
from roost.chat.rooms import release_empty_room, remove_member
from roost.chat.state import Room, State, User
from roost.chat.step import Step, has_operator_rights, source_of
from roost.irc.casemapping import fold_nick
from roost.irc.extended_bans import entries_naming


def answer_founder(
    step: Step, user: User, room: Room, what: str, account: str = "", letter: str = ""
) -> None:
    """Tell whoever asked ChanServ what was done."""
    step.changed(
        OwnershipChanged(step.part, source_of(user), room.id, room.name, what, account, letter)
    )


def _find(step: Step, name: str, *, is_registered: bool = True) -> Room | None:
    room = find_room(step.state, name)
    if room is None:
        step.refused(Reason.NO_SUCH_ROOM, name)
        return None
    if is_registered and not room.founder:
        step.refused(Reason.NOT_REGISTERED, room.name)
        return None
    return room


def find_own_room(step: Step, user: User, name: str) -> Room | None:
    """Return a room that belongs to a user's account; else refuse."""
    room = _find(step, name)
    if room is not None and not is_founder(room, user):
        step.refused(Reason.NOT_FOUNDER, room.name)
        return None
    return room


def _has_space(step: Step, account: FoldedAccount, room: Room) -> bool:
    limit = step.state.settings.rooms_per_founder_max
    if len(step.state.founded.get(account, ())) < limit:
        return True
    step.refused(Reason.TOO_MANY_FOUNDED, room.name, str(limit))
    return False


@applies(RegisterRoom)
def register_room(step: Step, user: User, operation: RegisterRoom) -> None:
    """Register a room that the user is an operator of."""
    room = _find(step, operation.room, is_registered=False)
    if room is None:
        return
    account = folded_account(user)
    if account not in step.state.accounts:
        step.refused(Reason.NOT_LOGGED_IN, room.name)
    elif room.founder:
        step.refused(Reason.ALREADY_REGISTERED, room.name)
    elif not has_operator_rights(room, user):
        step.refused(Reason.NOT_OPERATOR, room.name)
    elif _has_space(step, account, room):
        own(step.state, room, account)
        room.registered_ms = step.time_ms
        answer_founder(step, user, room, "registered")


def own(state: State, room: Room, account: FoldedAccount) -> None:
    """Make an account the founder of a room that has none."""
    room.founder = account
    state.founded.setdefault(account, {})[room.id] = None
    state.empty_rooms.pop(room.id, None)


def disown(state: State, room: Room) -> None:
    """Leave a room without a founder; the caller has to release it, or to find another one."""
    rooms = state.founded[room.founder]
    del rooms[room.id]
    if not rooms:
        del state.founded[room.founder]
    room.founder = FoldedAccount("")
    room.offered_to = FoldedAccount("")


@applies(DropRoom)
def drop_room(step: Step, user: User, operation: DropRoom) -> None:
    room = find_own_room(step, user, operation.room)
    if room is not None:
        release(step, room)
        answer_founder(step, user, room, "dropped")


def release(step: Step, room: Room) -> None:
    """End the registration of a room."""
    disown(step.state, room)
    room.registered_ms = 0
    room.access.clear()
    if not room.members:
        release_empty_room(step, room)


def release_account(step: Step, account: FoldedAccount) -> None:
    """Release the rooms of an account that is dropped, and end its access to others."""
    for rooms in list(step.state.founded.values()):
        for room_id in list(rooms):
            room = step.state.rooms[room_id]
            room.access.pop(account, None)
            if room.offered_to == account:
                room.offered_to = FoldedAccount("")
            if room.founder == account:
                release(step, room)
    _withdraw_permissions(step, account)


def _withdraw_permissions(step: Step, account: FoldedAccount) -> None:
    """Remove an account from the lists that let people in or speak, for whoever gets its name next.

    Bans stay, because they are on names on purpose: a name that is registered again does not evade
    them.
    """
    names = entries_naming(account)
    for room in step.state.rooms.values():
        changes = [
            ModeChange(False, letter, entries.pop(name).mask)
            for letter, entries in (("e", room.exceptions), ("I", room.invitation_masks))
            for name in names
            if name in entries
        ]
        if changes:
            show_modes(step, room, tuple(changes))


@applies(SetAccess)
def set_access(step: Step, user: User, operation: SetAccess) -> None:
    """Set the status that an account has whenever it is in the room, and give it at once."""
    state = step.state
    room = find_own_room(step, user, operation.room)
    if room is None:
        return
    account = FoldedAccount(fold_nick(operation.account))
    known = state.accounts.get(account)
    if known is None or (operation.letter and operation.letter not in STATUS_LETTERS):
        step.refused(Reason.NO_SUCH_ACCOUNT, operation.account)
        return
    if account == room.founder:
        # Only a transfer changes the founder's access.
        answer_founder(step, user, room, "access", known.name, "o")
        return
    before = room.access.pop(account, 0)
    if not operation.letter:
        answer_founder(step, user, room, "access", known.name)
        for letter, bit in STATUS_LETTERS.items():
            if before & bit:
                _set_status_of(step, room, account, letter, is_added=False)
        return
    if len(room.access) >= state.settings.access_entries_max:
        step.refused(Reason.LIST_FULL, room.name, "access")
        return
    room.access[account] = STATUS_LETTERS[operation.letter]
    answer_founder(step, user, room, "access", known.name, operation.letter)
    _set_status_of(step, room, account, operation.letter, is_added=True)


def _set_status_of(
    step: Step, room: Room, account: FoldedAccount, letter: str, *, is_added: bool
) -> None:
    for user_id in step.state.users_by_account.get(account, {}):
        if user_id in room.members:
            set_status(step, room, step.state.users[user_id], letter, is_added=is_added)


@applies(TransferRoom)
def transfer_room(step: Step, user: User, operation: TransferRoom) -> None:
    """Offer one's room to an account, which has to accept it."""
    room = find_own_room(step, user, operation.room)
    if room is None:
        return
    account = FoldedAccount(fold_nick(operation.account))
    known = step.state.accounts.get(account)
    if known is None:
        step.refused(Reason.NO_SUCH_ACCOUNT, operation.account)
    elif account == room.founder:
        room.offered_to = FoldedAccount("")
        answer_founder(step, user, room, "withdrawn", known.name)
    else:
        room.offered_to = account
        answer_founder(step, user, room, "offered", known.name)


@applies(AcceptRoom)
def accept_room(step: Step, user: User, operation: AcceptRoom) -> None:
    room = _find(step, operation.room)
    if room is None:
        return
    account = folded_account(user)
    known = step.state.accounts.get(account)
    if known is None or room.offered_to != account:
        step.refused(Reason.NOT_FOUNDER, room.name)
    elif _has_space(step, account, room):
        disown(step.state, room)
        own(step.state, room, account)
        room.access.pop(account, None)
        answer_founder(step, user, room, "transferred", known.name)
        for user_id in step.state.users_by_account.get(account, {}):
            if user_id in room.members:
                grant(step, room, step.state.users[user_id])


@applies(GiveStatus)
def give_status(step: Step, user: User, operation: GiveStatus) -> None:
    """Give or take a status, as the founder or with operator access.

    A status that a member is entitled to is only taken by that member or by the founder.
    """
    room = _find(step, operation.room)
    if room is None or operation.letter not in STATUS_LETTERS:
        return
    is_own = fold_nick(operation.nick) == fold_nick(user.nick)
    rights = entitled_status(room, user)
    if not rights & (OPERATOR | STATUS_LETTERS[operation.letter] * is_own):
        step.refused(Reason.NOT_FOUNDER, room.name)
        return
    target = find_user(step.state, operation.nick)
    if target is None or target.id not in room.members:
        step.refused(Reason.USER_NOT_IN_ROOM, operation.nick, room.name)
        return
    is_entitled = entitled_status(room, target) & STATUS_LETTERS[operation.letter]
    if not operation.is_added and is_entitled and not is_own and not is_founder(room, user):
        step.refused(Reason.NOT_FOUNDER, room.name)
        return
    set_status(step, room, target, operation.letter, is_added=operation.is_added)
    answer_founder(step, user, room, "done")


@applies(ClearRoom)
def clear_room(step: Step, user: User, operation: ClearRoom) -> None:
    room = _find(step, operation.room)
    if room is None:
        return
    is_allowed = (
        bool(entitled_status(room, user) & OPERATOR)
        if operation.what == "own-bans"
        else is_founder(room, user)
    )
    if not is_allowed:
        step.refused(Reason.NOT_FOUNDER, room.name)
        return
    if operation.what == "access":
        room.access.clear()
    elif operation.what == "users":
        _remove_others(step, room, user)
    else:
        _lift_bans(step, room, user, is_own_only=operation.what == "own-bans")
    answer_founder(step, user, room, "done")


def _lift_bans(step: Step, room: Room, user: User, *, is_own_only: bool) -> None:
    lifted = [
        folded
        for folded, entry in room.bans.items()
        if not is_own_only or is_listed({folded: entry}, user)
    ]
    changes = [ModeChange(False, "b", room.bans.pop(folded).mask) for folded in lifted]
    per_line = step.state.settings.modes_per_line_max // 10 or 1
    for start in range(0, len(changes), per_line):
        show_modes(step, room, tuple(changes[start : start + per_line]))


def _remove_others(step: Step, room: Room, user: User) -> None:
    own = folded_account(user)
    for user_id in list(room.members):
        other = step.state.users[user_id]
        if folded_account(other) == own:
            continue
        status = remove_member(step, room, other)
        step.changed(
            Kicked(
                step.part,
                service_source(step.state),
                room.id,
                room.name,
                user_id,
                other.nick,
                "Cleared by the founder",
                status,
            )
        )
