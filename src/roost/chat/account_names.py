"""Renames accounts: whatever belongs to an account by its name follows.

What outlives names (history, redaction) is by the account's id already. Rooms, access, bans and
lists are by its folded name; here is the only place that changes it.
"""

from typing import Any

from msgspec.structs import replace

from roost.chat.changes import AccountChanged
from roost.chat.commands.modes import ModeChange
from roost.chat.directory import users_of
from roost.chat.entitlements import show_modes
from roost.chat.identities import note_first_name, with_nick
from roost.chat.ids import FoldedAccount, FoldedNick
from roost.chat.refusals import Reason
from roost.chat.reservations import is_service
from roost.chat.state import Account, Room
from roost.chat.step import Step, rooms_of, source_of
from roost.chat.users import take_nick
from roost.irc.casemapping import fold_nick
from roost.irc.extended_bans import entries_naming
from roost.irc.names import is_valid_nick


def rename_account(step: Step, account: Account, name: str) -> bool:
    """Rename an account, and the users of it that bear its name; refuse and return False if not.

    Lists and bans that named the account name it still.
    """
    if not _is_free(step, account, name):
        return False
    state, before = step.state, account.name
    old, new = FoldedAccount(fold_nick(before)), FoldedAccount(fold_nick(name))
    note_first_name(state, account)
    account.name = name
    account.nicks = with_nick(account.nicks, before)
    if old != new:
        _move(state.accounts, old, new)
        state.account_names[account.id] = new
        for by_name in (state.founded, state.users_by_account, state.always_on):
            _move(by_name, old, new)
        for rooms in state.founded.values():
            for room in rooms:
                _rename_in_access(state.rooms[room], old, new)
        for other in state.rooms.values():
            _rename_in_lists(step, other, old, name)
        _rename_in_bans(step, old, name)
    for number in users_of(state, name):
        user = state.users[number]
        source = source_of(user)
        user.account = name
        step.changed(AccountChanged(step.part, source, name, rooms_of(state, user)))
        if fold_nick(user.nick) == old:
            take_nick(step, user, name)
    return True


def _is_free(step: Step, account: Account, name: str) -> bool:
    state, folded = step.state, FoldedAccount(fold_nick(name))
    if not is_valid_nick(name, state.settings.nick_bytes_max) or is_service(name):
        step.refused(Reason.ACCOUNT_NAME_INVALID, name)
        return False
    if name == account.name or state.accounts.get(folded, account) is not account:
        step.refused(Reason.ACCOUNT_EXISTS, name)
        return False
    bearer = state.nicks.get(FoldedNick(folded))
    if bearer is not None and state.users[bearer].account_id != account.id:
        step.refused(Reason.ACCOUNT_NAME_IN_USE, name)
        return False
    return True


def _move(by_name: dict[FoldedAccount, Any], old: FoldedAccount, new: FoldedAccount) -> None:
    if old in by_name:
        by_name[new] = by_name.pop(old)


def _rename_in_access(room: Room, old: FoldedAccount, new: FoldedAccount) -> None:
    _move(room.access, old, new)
    if room.founder == old:
        room.founder = new
    if room.offered_to == old:
        room.offered_to = new


def _rename_in_lists(step: Step, room: Room, old: FoldedAccount, name: str) -> None:
    changes = []
    for letter, entries in (
        ("b", room.bans),
        ("e", room.exceptions),
        ("I", room.invitation_masks),
    ):
        for folded in entries_naming(old):
            entry = entries.pop(folded, None)
            if entry is None:
                continue
            changes.append(ModeChange(False, letter, entry.mask))
            mask = entry.mask[: -len(old)] + name
            # There may be an entry for that name already, which was on nobody.
            entries[folded[: -len(old)] + fold_nick(name)] = replace(entry, mask=mask)
            changes.append(ModeChange(True, letter, mask))
    if changes:
        show_modes(step, room, tuple(changes))


def _rename_in_bans(step: Step, old: FoldedAccount, name: str) -> None:
    bans = step.state.bans
    for folded in entries_naming(old):
        ban = bans.pop(folded, None)
        if ban is not None:
            mask = ban.mask[: -len(old)] + name
            bans[folded[: -len(old)] + fold_nick(name)] = replace(ban, mask=mask)
