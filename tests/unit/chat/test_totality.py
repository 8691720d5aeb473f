"""Random commands never raise or break an invariant, and equal logs give equal states."""

import typing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.chat.admission import sessions_of_account
from roost.chat.applied import Applied
from roost.chat.apply import apply_entry
from roost.chat.changes import Change, NickChanged, Quitted, RoomRenamed
from roost.chat.commands import encode_command
from roost.chat.history import decode_change
from roost.chat.ids import Position
from roost.chat.record import history_rows
from roost.chat.refusals import Reason, Refusal
from roost.chat.snapshot import decode_state, encode_state
from roost.chat.state import State
from support.chat_invariants import check_invariants
from support.chat_logs import ACCOUNTS, SETTINGS, LogMaker, first_state

LOG_LENGTH = 1500


def check_results(applied: Applied) -> None:
    changes = [result for result in applied.results if not isinstance(result, Refusal)]
    assert [change.part for change in changes] == list(range(len(changes)))
    for row in history_rows(applied):
        change = changes[row.part]
        if isinstance(change, Quitted | NickChanged):
            change = msgspec.structs.replace(change, rooms=())
        elif isinstance(change, RoomRenamed):
            change = msgspec.structs.replace(change, members=())
        assert decode_change(row.record) == change


def check_limits(state: State) -> None:
    for room in state.rooms.values():
        entries = len(room.bans) + len(room.exceptions) + len(room.invitation_masks)
        assert entries <= SETTINGS.list_entries_max
        assert len(room.invited) <= SETTINGS.invitations_per_room_max
    assert len(state.users) <= state.users_max_seen <= SETTINGS.users_max
    assert all(len(user.sessions) <= 2 for user in state.users.values())
    assert all(sessions_of_account(state, name) <= 3 for name in ACCOUNTS)
    assert all(count <= 2 for count in state.sessions_by_address.values())
    assert len(state.always_on) <= SETTINGS.always_on_users_max
    assert all(len(entries) <= 2 for entries in state.whowas.values())


@pytest.mark.parametrize("seed", range(30))
def test_every_log_is_applied_alike_and_leaves_a_sound_state(seed: int) -> None:
    one, other = first_state(), first_state()
    for number, command in enumerate(LogMaker(seed).make(LOG_LENGTH), 1):
        position = Position(number)
        data = encode_command(command)
        applied = apply_entry(one, data, position, number)
        assert applied == apply_entry(other, data, position, number)
        assert not applied.failure, applied
        check_invariants(one)
        check_limits(one)
        check_results(applied)
        if number % 100 == 50:
            other = decode_state(encode_state(other))
    assert encode_state(one) == encode_state(other)


def kind_of(result: Change | Refusal) -> str:
    return result.reason.name if isinstance(result, Refusal) else type(result).__name__


def test_random_logs_reach_every_kind_of_change_and_nearly_every_refusal() -> None:
    missing = {kind.__name__ for kind in typing.get_args(Change)} | {one.name for one in Reason}
    for seed in range(200):
        state = first_state()
        for number, command in enumerate(LogMaker(seed).make(LOG_LENGTH), 1):
            applied = apply_entry(state, encode_command(command), Position(number), number)
            missing -= {kind_of(result) for result in applied.results}
        if missing == {"TOO_MANY_ROOMS_EXIST"}:
            return
    raise AssertionError(f"no log leads to {sorted(missing)}")


@settings(max_examples=200)
@given(st.binary(max_size=40))
def test_no_bytes_do_worse_than_being_skipped(data: bytes) -> None:
    state = State()
    applied = apply_entry(state, data, Position(1), 1)
    assert state.position == 1
    assert bool(applied.failure) == bool(state.failed_entries)
