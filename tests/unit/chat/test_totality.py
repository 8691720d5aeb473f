"""Whatever clients ask for: nothing raises, nothing contradicts itself, and equal logs agree."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.chat.apply import apply_entry
from roost.chat.changes import NickChanged, Quitted
from roost.chat.commands import (
    Act,
    AttachSession,
    BalancerLost,
    BalancerStarted,
    ChangeNick,
    CloseSession,
    Command,
    Configure,
    Invite,
    Join,
    Kick,
    ModeChange,
    Monitor,
    OpenSession,
    Part,
    PartAll,
    Quit,
    Say,
    SetAway,
    SetCapabilities,
    SetRealname,
    SetRoomModes,
    SetTopic,
    SetUserModes,
    encode_command,
)
from roost.chat.history import decode_change
from roost.chat.ids import Position, SessionId
from roost.chat.record import history_rows
from roost.chat.refusals import Refusal
from roost.chat.settings import Settings
from roost.chat.snapshot import decode_state, encode_state
from roost.chat.state import State
from support.chat_invariants import check_invariants

NEXT_LINE = 0
"""Stands for a line number that the session has not used yet."""

nicks = st.sampled_from(["a", "b", "C", "c", "d", "1", ""])
rooms = st.sampled_from(["#x", "#X", "#y", "#z", "x", "", "@#x", "+#y"])
texts = st.text(max_size=8)
mode_changes = st.builds(
    ModeChange,
    st.booleans(),
    st.sampled_from("beIklimnstov?"),
    st.sampled_from(["", "a", "b", "C", "*!*@*", "5", "0", "k"]),
)
mode_lists = st.lists(mode_changes, max_size=4).map(tuple)
operations = st.one_of(
    st.builds(Say, st.sampled_from(["PRIVMSG", "NOTICE", "TAGMSG"]), rooms | nicks, texts),
    st.builds(Join, rooms, st.sampled_from(["", "k"])),
    st.builds(Join, rooms),
    st.builds(Part, rooms, texts),
    st.builds(PartAll),
    st.builds(SetTopic, rooms, texts),
    st.builds(SetRoomModes, rooms, mode_lists),
    st.builds(SetUserModes, nicks, mode_lists),
    st.builds(Kick, rooms, nicks, texts),
    st.builds(Invite, rooms, nicks),
    st.builds(ChangeNick, nicks),
    st.builds(SetAway, texts),
    st.builds(SetRealname, texts),
    st.builds(SetCapabilities, st.integers(0, 9)),
    st.builds(Monitor, st.booleans(), st.lists(nicks).map(tuple), st.lists(nicks).map(tuple)),
    st.builds(Quit, texts),
)
sessions = st.builds(
    lambda incarnation, counter: SessionId(incarnation << 27 | counter),
    st.integers(1, 2),
    st.integers(1, 3),
)
acts = st.builds(
    Act,
    sessions,
    st.just(1),
    st.just(NEXT_LINE),
    st.lists(operations, min_size=1, max_size=4).map(tuple),
)
commands = st.one_of(
    # Most of what happens, so that there is something for the rest to disturb.
    *[acts] * 8,
    st.builds(
        OpenSession,
        sessions,
        st.just(1),
        st.just(1),
        nicks,
        texts,
        texts,
        st.just("h"),
        st.just(0),
        st.booleans(),
    ),
    st.builds(
        Act,
        sessions,
        st.integers(1, 2),
        st.integers(1, 40),
        st.lists(operations, min_size=1, max_size=4).map(tuple),
    ),
    st.builds(AttachSession, sessions, st.integers(1, 2)),
    st.builds(CloseSession, sessions, texts),
    st.builds(BalancerStarted, st.sampled_from(["b1", "b2"]), st.integers(1, 2)),
    st.builds(BalancerLost, st.sampled_from(["b1", "b2"]), st.integers(1, 2)),
    st.builds(Configure, st.builds(Settings, rooms_max=st.integers(1, 3))),
)


def logs() -> st.SearchStrategy[list[Command]]:
    start = [
        Configure(Settings(whowas_entries_max=4, monitor_max=2, rooms_per_user_max=2)),
        BalancerStarted("b1", 1),
        *(
            OpenSession(SessionId(1 << 27 | n), 1, 1, nick, "u", "r", "h", 0, False)
            for n, nick in enumerate("abc", 1)
        ),
    ]
    return st.lists(commands, max_size=60).map(lambda log: [*start, *log])


@settings(max_examples=120, deadline=None)
@given(logs(), st.integers(0, 60))
def test_every_log_is_applied_alike_and_leaves_a_sound_state(
    log: list[Command], restart_at: int
) -> None:
    one, other = State(), State()
    for number, command in enumerate(log, 1):
        position = Position(number)
        if isinstance(command, Act) and command.line == NEXT_LINE:
            command = msgspec.structs.replace(command, line=number)
        data = encode_command(command)
        applied = apply_entry(one, data, position, number)
        assert applied == apply_entry(other, data, position, number)
        assert not applied.failure, applied
        check_invariants(one)
        parts = [result.part for result in applied.results if hasattr(result, "part")]
        assert parts == list(range(len(parts)))
        for row in history_rows(applied):
            kept = decode_change(row.record)
            changes = [result for result in applied.results if not isinstance(result, Refusal)]
            (change,) = (change for change in changes if change.part == row.part)
            if isinstance(change, Quitted | NickChanged):
                change = msgspec.structs.replace(change, rooms=())
            assert kept == change
        if number == restart_at:
            other = decode_state(encode_state(other))
    assert encode_state(one) == encode_state(other)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40))
def test_no_bytes_do_worse_than_being_skipped(data: bytes) -> None:
    state = State()
    applied = apply_entry(state, data, Position(1), 1)
    assert state.position == 1
    assert bool(applied.failure) == bool(state.failed_entries)
