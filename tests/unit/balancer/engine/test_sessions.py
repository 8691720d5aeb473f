"""A session's lines: acknowledgements, limits and rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.balancer.engine.client_info import ClientInfo
from roost.balancer.engine.session_values import SessionLimits
from roost.balancer.engine.sessions import AcknowledgementError, Session, SessionIds
from roost.chat.ids import SessionId, incarnation_of

FREE = SessionLimits(lines_per_s=0)


class FakeClient:
    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.is_dirty = False
        self._is_read = True
        self.last: bytes | None = None

    def flush(self) -> int:
        raise AssertionError("nothing is written here")

    def is_read(self) -> bool:
        return self._is_read

    def pause_reading(self) -> None:
        self._is_read = False

    def resume_reading(self) -> None:
        self._is_read = True

    def finish(self, last: bytes) -> None:
        self.last = last


def make(limits: SessionLimits = FREE, *, is_bound: bool = True) -> tuple[Session, FakeClient]:
    client = FakeClient()
    session = Session(SessionId(1), client, ClientInfo("192.0.2.1"), limits, 0.0)
    if is_bound:
        session.bind("n1", 0.0)
    return session, client


def lines(*texts: str) -> list[bytes | None]:
    return [text.encode() for text in texts]


def test_session_ids_name_their_run_and_grow() -> None:
    ids = SessionIds()
    provisional = ids.next()
    ids.incarnation = 77
    first, second = ids.complete(provisional), ids.next()
    assert incarnation_of(first) == incarnation_of(second) == 77
    assert second == first + 1


def test_lines_are_numbered_from_one_and_sent_once() -> None:
    session, _ = make()
    session.receive([b"a", None, b"c"], 0.0)
    assert session.take_lines(0.0) == (1, (b"a", None, b"c"))
    assert session.take_lines(0.0) == (4, ())
    session.receive(lines("d"), 0.0)
    assert session.has_lines
    assert session.take_lines(0.0) == (4, (b"d",))


def test_another_node_gets_everything_that_was_not_acknowledged() -> None:
    session, _ = make()
    session.receive(lines("a", "b", "c"), 0.0)
    session.take_lines(0.0)
    session.acknowledge(1)
    session.unbind(10, 1.0)
    session.bind("n2", 1.0)
    assert session.generation == 2
    assert session.take_lines(1.0) == (2, (b"b", b"c"))


def test_a_line_that_was_never_sent_cannot_be_acknowledged() -> None:
    session, _ = make()
    session.receive(lines("a", "b"), 0.0)
    with pytest.raises(AcknowledgementError):
        session.acknowledge(1)
    session.take_lines(0.0)
    session.acknowledge(2)
    session.acknowledge(1)
    assert session.acknowledged == 2


def test_an_answer_is_given_once() -> None:
    session, _ = make()
    session.receive(lines("a", "b"), 0.0)
    session.take_lines(0.0)
    assert session.is_new_answer(1, 0)
    assert session.is_new_answer(1, 1)
    assert not session.is_new_answer(1, 0)
    assert session.parts == 2
    session.acknowledge(1)
    assert session.parts == 0
    assert not session.is_new_answer(1, 1)
    assert session.is_new_answer(2, 0)


def test_the_position_counts_only_once_the_node_serves_the_session() -> None:
    session, _ = make()
    session.is_served = True
    session.unbind(100, 0.0)
    assert session.position == 100
    session.bind("n2", 0.0)
    session.unbind(150, 0.0)
    assert session.position == 100, "n2 never showed this client anything"
    session.bind("n3", 0.0)
    session.is_served = True
    session.unbind(120, 0.0)
    assert session.position == 120


def test_reading_stops_at_the_limit_of_lines_and_goes_on_below_it() -> None:
    session, client = make(SessionLimits(lines_per_s=0, lines_max=3))
    session.receive(lines("a", "b", "c", "d"), 0.0)
    session.adjust_reading()
    assert not client.is_read()
    assert session.take_lines(0.0) == (1, (b"a", b"b", b"c")), "the node gets no more than that"
    session.acknowledge(2)
    session.adjust_reading()
    assert client.is_read()
    assert session.take_lines(0.0) == (4, (b"d",))


def test_reading_stops_at_the_limit_of_bytes() -> None:
    session, client = make(SessionLimits(lines_per_s=0, bytes_max=10))
    session.receive([b"x" * 9, None], 0.0)
    session.adjust_reading()
    assert client.is_read()
    session.receive(lines("y"), 0.0)
    session.adjust_reading()
    assert not client.is_read()
    session.take_lines(0.0)
    session.acknowledge(1)
    session.adjust_reading()
    assert client.is_read()


def test_a_client_that_waits_is_read_up_to_the_limit() -> None:
    session, client = make(SessionLimits(burst_lines=1, lines_per_s=1, lines_max=5), is_bound=False)
    session.receive(lines("a", "b", "c"), 0.0)
    session.adjust_reading()
    assert client.is_read()
    session.receive(lines("d", "e"), 0.0)
    session.adjust_reading()
    assert not client.is_read()


def test_a_flood_is_sent_at_the_rate_limit_and_nothing_is_dropped() -> None:
    session, client = make(SessionLimits(burst_lines=10, lines_per_s=5))
    session.receive([b"%d" % number for number in range(1, 31)], 0.0)
    assert len(session.take_lines(0.0)[1]) == 10
    session.adjust_reading()
    assert not client.is_read()
    assert session.take_lines(0.1) == (11, ())
    assert session.take_lines(1.0) == (11, (b"11", b"12", b"13", b"14", b"15"))
    assert session.take_lines(2.9)[1][-1] == b"24"
    assert session.take_lines(60.0)[1][-1] == b"30"
    session.adjust_reading()
    assert client.is_read()


def test_giving_lines_to_another_node_costs_no_tokens() -> None:
    session, _ = make(SessionLimits(burst_lines=3, lines_per_s=1))
    session.receive(lines("a", "b", "c"), 0.0)
    session.take_lines(0.0)
    session.unbind(0, 0.0)
    session.bind("n2", 0.0)
    assert session.take_lines(0.0) == (1, (b"a", b"b", b"c"))
    assert not session.is_throttled


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("receive"), st.integers(1, 20)),
            st.tuples(st.just("take"), st.just(0)),
            st.tuples(st.just("acknowledge"), st.integers(1, 20)),
            st.tuples(st.just("rebind"), st.just(0)),
        ),
        max_size=40,
    )
)
def test_every_node_is_sent_the_lines_in_order_and_without_gaps(
    steps: list[tuple[str, int]],
) -> None:
    session, _ = make(SessionLimits(burst_lines=7, lines_per_s=3, lines_max=16))
    count = 0
    now = 0.0
    seen = 0
    for step, number in steps:
        now += 0.5
        if step == "receive":
            session.receive([b"%d" % (count + n + 1) for n in range(number)], now)
            count += number
        elif step == "take":
            first, taken = session.take_lines(now)
            assert [int(line or b"") for line in taken] == list(range(first, first + len(taken)))
            assert first == seen + 1
            seen += len(taken)
            assert seen - session.acknowledged <= 16
        elif step == "acknowledge":
            session.acknowledge(min(session.sent, session.acknowledged + number))
        else:
            session.unbind(0, now)
            session.bind("n2", now)
            seen = session.acknowledged
    assert session.last_line == count


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines_max": 0},
        {"bytes_max": 0},
        {"burst_lines": 0},
        {"lines_per_s": -1.0},
        {"registration_s": 0.0},
        {"idle_s": 0.0},
        {"ping_timeout_s": 0.0},
        {"waiting_notice_s": -1.0},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SessionLimits(**wrong)  # type: ignore[arg-type]
