"""A node's health, from its link, its reports and its answers."""

import pytest

from roost.balancer.engine.health import SILENT_CHECKS_MIN, HealthCheck, HealthConfig

CONFIG = HealthConfig()


class Subject:
    """A health check with a clock, and a node that answers probes or not."""

    def __init__(self) -> None:
        self.health = HealthCheck(CONFIG)
        self.now = 100.0

    def connect(self) -> None:
        self.health.connected(self.now)
        self.health.reported("ready", "", self.now)

    def lose(self) -> None:
        self.health.disconnected("it reset the connection", self.now)

    def pass_time(self, seconds: float, *, answers: bool) -> None:
        end = self.now + seconds
        while self.now < end - 1e-9:
            nonce = self.health.probe(self.now)
            if nonce is not None and answers:
                self.health.heard(self.now)
                self.health.answered(nonce, self.now)
            self.now += 0.05

    @property
    def state(self) -> str:
        return self.health.status(self.now).state


def test_a_node_that_announces_itself_as_ready_counts_at_once() -> None:
    subject = Subject()
    assert subject.state == "down"
    subject.health.connected(subject.now)
    assert subject.state == "starting"
    subject.health.reported("ready", "", subject.now)
    assert subject.state == "ready"
    assert subject.health.status(subject.now).is_ready


def test_a_nodes_report_and_its_reason_are_shown() -> None:
    subject = Subject()
    subject.connect()
    subject.health.reported("catching-up", "12 entries behind", subject.now)
    verdict = subject.health.status(subject.now)
    assert (verdict.state, verdict.reason) == ("catching-up", "12 entries behind")
    assert not verdict.is_ready


def test_a_lost_connection_counts_at_once_and_says_why() -> None:
    subject = Subject()
    subject.connect()
    subject.lose()
    verdict = subject.health.status(subject.now + 3)
    assert verdict.state == "down"
    assert verdict.reason == "connection lost 3 s ago: it reset the connection"


def test_a_node_that_answers_stays_ready() -> None:
    subject = Subject()
    subject.connect()
    subject.pass_time(10, answers=True)
    assert subject.state == "ready"
    assert not subject.health.is_timed_out(subject.now, is_alone=False)


def test_a_hung_node_is_silent_after_two_probes_and_under_two_seconds() -> None:
    subject = Subject()
    subject.connect()
    subject.pass_time(5, answers=True)
    subject.pass_time(1.2, answers=False)
    assert subject.state == "ready"
    subject.pass_time(0.6, answers=False)
    assert subject.state == "silent"
    assert "health probes in a row" in subject.health.status(subject.now).reason


def test_one_unanswered_probe_is_forgiven() -> None:
    subject = Subject()
    subject.connect()
    for _ in range(10):
        subject.pass_time(0.5, answers=False)
        subject.pass_time(0.5, answers=True)
    assert subject.state == "ready"


def test_a_silent_node_returns_with_the_second_answer() -> None:
    subject = Subject()
    subject.connect()
    subject.pass_time(2, answers=False)
    assert subject.state == "silent"
    first = subject.health.probe(subject.now + 0.4)
    assert first is not None
    subject.health.answered(first, subject.now + 0.41)
    assert subject.health.status(subject.now + 0.41).state == "silent"
    second = subject.health.probe(subject.now + 0.8)
    assert second is not None
    subject.health.answered(second, subject.now + 0.81)
    assert subject.health.status(subject.now + 0.81).state == "ready"


def test_an_answer_after_the_time_out_does_not_count() -> None:
    subject = Subject()
    subject.connect()
    nonce = subject.health.probe(subject.now)
    assert nonce is not None
    subject.pass_time(2, answers=False)
    subject.health.answered(nonce, subject.now)
    assert subject.health.rtt_ms == 0.0


def test_round_trips_are_measured() -> None:
    subject = Subject()
    subject.connect()
    nonce = subject.health.probe(100.0)
    assert nonce is not None
    subject.health.answered(nonce, 100.0025)
    assert subject.health.rtt_ms == pytest.approx(2.5)


def test_probes_come_at_their_interval_only() -> None:
    health = HealthCheck(CONFIG)
    assert health.probe(0.0) is None
    health.connected(0.0)
    times = [step / 100 for step in range(100) if health.probe(step / 100) is not None]
    assert times == pytest.approx([0.0, 0.35, 0.7], abs=0.02)


def test_a_node_that_reports_is_seldom_probed_until_it_falls_silent() -> None:
    subject = Subject()
    subject.connect()
    probed = []
    for step in range(120):
        if step <= 80 and step % 8 == 0:
            subject.health.heard(subject.now)
        assert subject.health.needs_care(subject.now) == (step > 93)
        nonce = subject.health.probe(subject.now)
        if nonce is not None:
            probed.append(step)
            if step <= 80:
                subject.health.answered(nonce, subject.now)
        subject.now += 0.05
    assert probed == [0, 30, 60, 90, 94, 102, 110, 118]


def test_a_node_whose_frames_come_while_it_answers_no_probe_is_found_out() -> None:
    subject = Subject()
    subject.connect()
    silent_after = 0.0
    while subject.state == "ready":
        subject.health.heard(subject.now)
        subject.health.probe(subject.now)
        subject.now += 0.05
        silent_after += 0.05
    assert silent_after < 1.6


def test_a_probe_leaves_with_what_a_node_is_sent_anyway() -> None:
    subject = Subject()
    assert subject.health.probe_along(subject.now) is None
    subject.connect()
    assert subject.health.probe_along(subject.now) is not None
    assert subject.health.probe_along(subject.now + 0.3) is None
    subject.health.heard(subject.now + 0.4)
    assert subject.health.probe_along(subject.now + 0.4) is not None


def test_a_node_that_is_lost_once_is_taken_back_at_once() -> None:
    subject = Subject()
    subject.connect()
    subject.lose()
    subject.connect()
    assert subject.state == "ready"


def test_a_flapping_node_is_held_down_for_longer_each_time_up_to_a_limit() -> None:
    subject = Subject()
    holds = []
    for _ in range(9):
        subject.connect()
        begin = subject.now
        while subject.state == "held-down":
            subject.now += 0.25
        holds.append(subject.now - begin)
        subject.lose()
    assert holds == [0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_held_down_node_says_so() -> None:
    subject = Subject()
    for _ in range(3):
        subject.connect()
        subject.lose()
    subject.connect()
    verdict = subject.health.status(subject.now)
    assert (verdict.state, verdict.reason) == (
        "held-down",
        "lost 3 times lately, gets clients again in 2.0 s",
    )
    assert subject.health.is_ready_but_held(subject.now)


def test_losses_are_forgotten_with_time() -> None:
    subject = Subject()
    for _ in range(4):
        subject.connect()
        subject.lose()
    subject.connect()
    assert subject.state == "held-down"
    subject.now += 3 * 60
    subject.connect()
    assert subject.state == "ready"


def test_a_drained_node_that_stops_does_not_flap() -> None:
    subject = Subject()
    for _ in range(5):
        subject.connect()
        subject.health.reported("draining", "the node is stopping", subject.now)
        subject.lose()
    subject.connect()
    assert subject.state == "ready"


def test_a_silent_link_is_timed_out_after_a_second_and_later_if_it_is_the_only_one() -> None:
    subject = Subject()
    subject.connect()
    subject.pass_time(0.9, answers=False)
    assert not subject.health.is_timed_out(subject.now, is_alone=False)
    subject.pass_time(0.15, answers=False)
    assert subject.health.is_timed_out(subject.now, is_alone=False)
    assert not subject.health.is_timed_out(subject.now, is_alone=True)
    subject.pass_time(4, answers=False)
    assert subject.health.is_timed_out(subject.now, is_alone=True)


def test_time_in_which_the_balancer_was_suspended_does_not_count_as_silence() -> None:
    subject = Subject()
    subject.connect()
    subject.pass_time(2, answers=True)
    subject.now += 10
    subject.health.discount_pause(10)
    assert not subject.health.is_timed_out(subject.now, is_alone=False)
    subject.pass_time(0.5, answers=True)
    assert subject.state == "ready"


def test_a_node_is_not_silent_while_checks_are_rare() -> None:
    subject = Subject()
    subject.connect()
    for _ in range(SILENT_CHECKS_MIN - 1):
        subject.now += 0.4
        subject.health.probe(subject.now)
        assert not subject.health.is_timed_out(subject.now, is_alone=False)
    subject.health.probe(subject.now)
    assert subject.health.is_timed_out(subject.now, is_alone=False)


def test_a_node_that_was_just_given_thousands_of_sessions_may_be_silent_for_longer() -> None:
    subject = Subject()
    subject.connect()
    for _ in range(2000):
        subject.health.grant_grace(subject.now)
    subject.pass_time(1.9, answers=False)
    assert not subject.health.is_timed_out(subject.now, is_alone=False)
    subject.pass_time(0.2, answers=False)
    assert subject.health.is_timed_out(subject.now, is_alone=False)
    for _ in range(100_000):
        subject.health.grant_grace(subject.now)
    subject.pass_time(4.1, answers=False)
    assert subject.health.is_timed_out(subject.now, is_alone=False)


def test_a_short_unreadiness_is_ignored() -> None:
    subject = Subject()
    subject.connect()
    subject.health.reported("no-majority", "no leader", 200.0)
    subject.health.reported("isolated", "no neighbours", 200.3)
    assert subject.health.unready_since(200.4) is None
    assert subject.health.unready_since(200.5) == 200.0
    subject.health.reported("ready", "", 200.6)
    assert subject.health.unready_since(300.0) is None


def test_draining_is_not_unreadiness_and_begins_with_the_first_report() -> None:
    subject = Subject()
    subject.connect()
    assert subject.health.draining_s(101.0) is None
    subject.health.reported("draining", "drained by an operator", 101.0)
    subject.health.reported("draining", "drained by an operator", 102.0)
    assert subject.health.unready_since(110.0) is None
    assert subject.health.draining_s(103.0) == 2.0
    subject.health.reported("ready", "", 104.0)
    assert subject.health.draining_s(105.0) is None


def test_a_new_link_starts_with_a_clean_record() -> None:
    subject = Subject()
    subject.connect()
    subject.health.reported("disk", "full", 101.0)
    subject.lose()
    subject.health.connected(200.0)
    assert subject.health.unready_since(300.0) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"interval_s": 0.0},
        {"timeout_s": -1.0},
        {"rise": 0},
        {"fall": 0},
        {"hold_s": 31.0},
        {"flap_decay_s": 0.0},
        {"silence_s": 0.0},
        {"silence_alone_s": 0.0},
        {"unready_s": -1.0},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        HealthConfig(**wrong)  # type: ignore[arg-type]
