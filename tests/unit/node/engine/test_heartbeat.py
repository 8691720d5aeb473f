"""Heartbeats count silence and measure round trips."""

from roost.node.engine.heartbeat import Heartbeat, RoundTrip


def test_a_peer_is_given_up_after_too_many_silent_beats() -> None:
    heartbeat = Heartbeat(silent_beats_max=3)
    assert [heartbeat.beat() for _ in range(4)] == [False, False, False, True]


def test_whoever_is_heard_is_not_silent() -> None:
    heartbeat = Heartbeat(silent_beats_max=1)
    for _ in range(5):
        assert not heartbeat.beat()
        heartbeat.note_heard()


def test_round_trips_are_smoothed() -> None:
    heartbeat = Heartbeat(silent_beats_max=3)
    assert heartbeat.take_pong(heartbeat.ping(1.0), 1.0078125) == RoundTrip(1.0, 7.8125)
    assert heartbeat.take_pong(heartbeat.ping(2.0), 2.015625) == RoundTrip(2.0, 8.7890625)


def test_an_answer_counts_once_and_settles_earlier_pings() -> None:
    heartbeat = Heartbeat(silent_beats_max=3)
    first, second = heartbeat.ping(1.0), heartbeat.ping(2.0)
    assert heartbeat.take_pong(second, 2.5) == RoundTrip(2.0, 500.0)
    assert heartbeat.take_pong(second, 2.5) is None
    assert heartbeat.take_pong(first, 2.5) is None
    assert heartbeat.take_pong(99, 2.5) is None


def test_the_answer_to_a_held_ping_says_how_long_it_has_waited() -> None:
    here, there = Heartbeat(silent_beats_max=3), Heartbeat(silent_beats_max=3)
    nonce = here.ping(1.0)
    there.hold(nonce - 1, 1_000_000, 50.0)
    there.hold(nonce, 1_000_250, 50.25)
    assert there.has_held
    held = there.take_held(50.5)
    assert held == (nonce, 1_000_250, 0.25)
    assert there.take_held(50.5) is None
    # What the link itself took counts, and nothing else.
    assert here.take_pong(nonce, 1.2578125 - held[2]) == RoundTrip(1.0, 7.8125)


def test_an_answer_that_claims_to_have_waited_for_longer_than_it_took_says_nothing() -> None:
    heartbeat = Heartbeat(silent_beats_max=3)
    assert heartbeat.take_pong(heartbeat.ping(1.0), 0.5) is None
