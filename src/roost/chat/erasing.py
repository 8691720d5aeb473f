"""EraseAccount: a person's words go out of the state, and every node takes them out of its history.

The state remembers whom history was erased of, for good: a node that was away, a backup that is
restored, and rows that come from a neighbour have to be erased as well, whenever they turn up.

    by them, in a room or to somebody     --> who and when stay; words, host and account go
    their own side of private talks       --> removed
    what others said, also quoting them   --> stays: it is theirs
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import MsgspecError
from msgspec.structs import replace

from roost.chat.accounts import remove_account
from roost.chat.authorship import is_by, is_conversation_of
from roost.chat.changes import Change, Source
from roost.chat.commands.control import EraseAccount
from roost.chat.control import Asker, controls
from roost.chat.directory import account_by_id, users_of
from roost.chat.history import (
    KIND_MESSAGE,
    KIND_REDACTED,
    KIND_REDACTED_TAGMSG,
    KIND_TAGMSG,
    Row,
    decode_change,
    encode_change,
)
from roost.chat.identities import owners_of
from roost.chat.ids import AccountId, FoldedNick, Position
from roost.chat.refusals import Reason
from roost.chat.sessions import expel
from roost.chat.state import Account, Erasure, State
from roost.chat.step import Step
from roost.irc.casemapping import fold_nick

ERASED = "erased"
"""Stands for the username and the host of whoever was erased."""

_WORDS: Mapping[str, Any] = {
    "text": "",
    "tags": (),
    "breaks": (),
    "away": "",
    "realname": "",
    "reason": "",
    "topic": "",
    "relayer": "",
}
"""Fields of changes that hold somebody's words, and what takes their place."""
_KINDS = {KIND_MESSAGE: KIND_REDACTED, KIND_TAGMSG: KIND_REDACTED_TAGMSG}


@controls(EraseAccount)
def erase_account(step: Step, operation: EraseAccount, asker: Asker) -> None:
    """Remove an account, whoever is logged in to it, and all that they said."""
    state = step.state
    if operation.account in state.erasures:
        return
    account = account_by_id(state, operation.account)
    if account is None:
        step.refused(Reason.NO_SUCH_ACCOUNT)
        return
    owners = owners_of(account)
    nicks = {FoldedNick(fold_nick(account.name)): None, **dict.fromkeys(account.nicks)}
    for user in users_of(state, account.name):
        expel(step, state.users[user], "Account erased")
    asker.did(f"erased the account {account.name} and its history")
    _forget_nicks(state, account, nicks)
    remove_account(step, account)
    for code, pending in list(state.pending_codes.items()):
        if pending.account == account.id:
            del state.pending_codes[code]
    _clear_topics(state, nicks)
    state.erasures[account.id] = Erasure(owners, step.position)


def _forget_nicks(state: State, account: Account, nicks: Mapping[FoldedNick, None]) -> None:
    for nick in nicks:
        entries = state.whowas.get(nick, [])
        kept = [entry for entry in entries if fold_nick(entry.account) != fold_nick(account.name)]
        state.whowas_count -= len(entries) - len(kept)
        if kept:
            state.whowas[nick] = kept
        else:
            state.whowas.pop(nick, None)


def _clear_topics(state: State, nicks: Mapping[FoldedNick, None]) -> None:
    """Remove the topics that they set, as far as their nicknames tell."""
    for room in state.rooms.values():
        if room.topic is not None:
            nick = room.topic.setter.partition("!")[0]
            if FoldedNick(fold_nick(nick)) in nicks:
                room.topic = None


# History


def erased(rows: Sequence[Row], erasures: Mapping[AccountId, Erasure]) -> Sequence[Row]:
    """Return rows without the words of those who were erased, equal on every node."""
    until = max((erasure.until for erasure in erasures.values()), default=Position(0))
    if not rows or min(rows[0].position, rows[-1].position) > until:
        return rows
    kept = []
    for row in rows:
        found: Row | None = row
        for erasure in erasures.values():
            if found is not None and row.position <= erasure.until:
                found = erase_row(found, erasure)
        if found is not None:
            kept.append(found)
    return kept


def erase_row(row: Row, erasure: Erasure) -> Row | None:
    """Return what is left of a row; None if nothing is, and the row itself if it is another's."""
    if is_conversation_of(row, erasure.owners):
        return None
    try:
        change = decode_change(row.record)
    except MsgspecError:
        return row  # It is not of this version, and nobody is shown it.
    if not is_by(change, row, erasure.owners):
        return row
    return replace(
        row, kind=_KINDS.get(row.kind, row.kind), record=encode_change(_without_words(change))
    )


def _without_words(change: Change) -> Change:
    """Return a change that says no more than who did what."""
    source: Source = replace(change.source, username=ERASED, host=ERASED, account="")
    values: dict[str, Any] = {"source": source}
    for field in type(change).__struct_fields__:
        if field in _WORDS:
            values[field] = _WORDS[field]
    return replace(change, **values)
