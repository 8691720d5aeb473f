"""Invariants of every chat state."""

from collections import Counter

from roost.chat.ids import FoldedAccount, incarnation_of
from roost.chat.presence import is_always_on
from roost.chat.state import State
from roost.irc.casemapping import fold_nick, fold_room


def check_invariants(state: State) -> None:
    """Check that the parts of a state agree with each other."""
    assert len(state.nicks) == len(state.users)
    for folded, user_id in state.nicks.items():
        assert fold_nick(state.users[user_id].nick) == folded
    for user_id, user in state.users.items():
        assert user.id == user_id
        assert bool(user.sessions) == (user_id not in state.absent), f"{user.nick}: {user.sessions}"
        assert user.sessions or is_always_on(state, user), f"{user.nick} is here without a session"
        assert user.away or not user.is_auto_away
        assert not user.is_auto_away or all(
            state.sessions[session].is_unattended for session in user.sessions
        )
        assert user.real_host != user.host
        assert all(state.sessions[session].user == user_id for session in user.sessions)
        assert all(user_id in state.rooms[room].members for room in user.rooms)
        assert len(user.rooms) <= state.settings.rooms_per_user_max
    check_accounts(state)
    check_owners(state)
    for session_id, session in state.sessions.items():
        assert session.id == session_id
        assert session_id in state.users[session.user].sessions
        assert session_id not in state.closed_sessions
        assert len(session.monitored) <= state.settings.monitor_max
    assert state.incarnations == Counter(incarnation_of(number) for number in state.sessions)
    assert len(state.room_names) == len(state.rooms)
    for room_folded, room_id in state.room_names.items():
        assert fold_room(state.rooms[room_id].name) == room_folded
    for room_id, room in state.rooms.items():
        assert room.id == room_id
        assert all(room_id in state.users[user].rooms for user in room.members)
        assert (room_id in state.empty_rooms) == (not room.members and not room.founder)
        assert room.modes == "".join(sorted(dict.fromkeys(room.modes)))
        assert not (set(room.invited) & set(room.members))
        assert room.members or not room.invited
    assert state.whowas_count == sum(len(entries) for entries in state.whowas.values())
    assert state.whowas_count <= state.settings.whowas_entries_max


def check_accounts(state: State) -> None:
    """Check that counters match what they count."""
    assert all(user in state.users for user in state.absent)
    logged_in: dict[str, list[int]] = {}
    for user in state.users.values():
        if user.account:
            logged_in.setdefault(fold_nick(user.account), []).append(user.id)
            account = state.accounts[FoldedAccount(fold_nick(user.account))]
            assert (account.name, account.id) == (user.account, user.account_id)
        else:
            assert not user.account_id
    indexed = {name: list(users) for name, users in state.users_by_account.items()}
    assert {name: sorted(users) for name, users in indexed.items()} == {
        name: sorted(users) for name, users in logged_in.items()
    }
    for folded, user_id in state.always_on.items():
        assert state.accounts[folded].is_always_on
        assert fold_nick(state.users[user_id].account) == folded
    assert len(state.always_on) <= state.settings.always_on_users_max
    counts = Counter(session.address for session in state.sessions.values() if session.address)
    assert dict(counts) == state.sessions_by_address


def check_owners(state: State) -> None:
    """Check that registered rooms and accounts agree with each other."""
    founded = {(room.founder, room.id) for room in state.rooms.values() if room.founder}
    assert founded == {(founder, id_) for founder, ids in state.founded.items() for id_ in ids}
    assert all(state.founded.values())
    for room in state.rooms.values():
        assert bool(room.founder) == bool(room.registered_ms)
        assert room.founder in state.accounts or not room.founder
        assert room.offered_to in state.accounts or not room.offered_to
        assert all(account in state.accounts for account in room.access)
        assert room.founder not in room.access
        assert room.founder or not (room.access or room.offered_to)
        is_closed = room.key or room.bans or room.limit or "i" in room.modes or "R" in room.modes
        assert room.members or room.founder or not (is_closed or room.metadata)
        assert len(room.metadata) <= state.settings.metadata_keys_max
    for user in state.users.values():
        assert len(user.metadata) <= state.settings.metadata_keys_max
    for session in state.sessions.values():
        assert len(session.subscribed) <= state.settings.metadata_subscriptions_max
