"""A run's sessions end one by one before the run does, whatever becomes of the proposals."""

from roost.chat.apply import apply_entry
from roost.chat.commands import Command, encode_command
from roost.chat.commands.sessions import BalancerStarted, CloseSession, OpenSession
from roost.chat.ids import SESSION_COUNTER_BITS, Position, SessionId
from roost.chat.state import State
from roost.irc.capabilities import Capability
from roost.node.engine.endings import AT_ONCE_MAX, CLOSED_TOGETHER, PATIENCE_S, Endings


def apply(state: State, command: Command) -> None:
    position = Position(state.position + 1)
    assert not apply_entry(state, encode_command(command), position, 1).failure


def session_of(number: int) -> SessionId:
    return SessionId((3 << SESSION_COUNTER_BITS) | number)


def occupied(count: int, capabilities: int = 0) -> State:
    """Return a state in which incarnation 3 has sessions."""
    state = State()
    apply(state, BalancerStarted("b1", 3))
    for number in range(1, count + 1):
        nick, host = f"n{number}", f"10.0.{number >> 8}.{number & 255}"
        session = session_of(number)
        command = OpenSession(session, 1, 1, nick, nick, "x", host, capabilities, False, "b1")
        apply(state, command)
    assert state.incarnations[3] == count
    return state


def close(state: State, closings: list[CloseSession]) -> None:
    for closing in closings:
        apply(state, closing)


def test_a_few_end_with_their_run() -> None:
    assert Endings().close_some(occupied(AT_ONCE_MAX), 3, "x", 0.0) is None


def test_many_are_closed_before_and_the_next_ones_when_these_are() -> None:
    state, ending = occupied(CLOSED_TOGETHER + 2 * AT_ONCE_MAX), Endings()
    first = ending.close_some(state, 3, "gone", 0.0)
    assert first is not None
    assert len(first) == CLOSED_TOGETHER
    assert first[0] == CloseSession(session_of(1), "gone")
    assert ending.close_some(state, 3, "gone", 1.0) == []
    close(state, first)
    second = ending.close_some(state, 3, "gone", 2.0)
    assert second is not None
    assert len(second) == 2 * AT_ONCE_MAX
    close(state, second)
    assert ending.close_some(state, 3, "gone", 3.0) is None


def test_nodes_that_begin_elsewhere_propose_others() -> None:
    state = occupied(CLOSED_TOGETHER * 2)
    chosen: list[SessionId] = []
    for share in (0.0, 0.5):
        found = Endings().close_some(state, 3, "x", 0.0, share=share)
        chosen += [closing.session for closing in found or ()]
    assert len(chosen) == len(dict.fromkeys(chosen)) == 2 * CLOSED_TOGETHER


def test_those_that_can_be_resumed_are_kept_if_so_wanted() -> None:
    state = occupied(3 * AT_ONCE_MAX, Capability.RESUME.value)
    assert Endings().close_some(state, 3, "x", 0.0, is_resumable_kept=True) is None
    found = Endings().close_some(state, 3, "x", 0.0)
    assert found is not None
    assert len(found) == 3 * AT_ONCE_MAX


def test_without_progress_the_run_ends_with_all_of_them() -> None:
    state, ending = occupied(3 * AT_ONCE_MAX), Endings()
    assert ending.close_some(state, 3, "x", 0.0)
    assert ending.close_some(state, 3, "x", PATIENCE_S) == []
    assert ending.close_some(state, 3, "x", PATIENCE_S + 0.1) is None
