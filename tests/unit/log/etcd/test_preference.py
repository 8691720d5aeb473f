"""The endpoint that leads is asked first, unless it does not answer."""

from roost.log.etcd.calls import LEADER_S
from roost.log.requests import Range, Request, Status
from support.etcd_bench import Bench, End


def asked(bench: Bench) -> int:
    """Return the endpoint that answered the last look at who has the duty."""
    looks = [one for one in bench.done if isinstance(one.operation, Range)]
    return looks[-1].endpoint


def watched(end: End) -> int:
    assert end.watch is not None
    return end.watch.endpoint


def test_what_is_asked_and_watched_is_the_endpoint_that_leads() -> None:
    bench = Bench()
    end = bench.open()
    bench.leader = 2
    bench.wait(LEADER_S + 0.5)
    assert asked(bench) == watched(end) == 2
    end.propose(b"a")
    assert bench.done[-1].endpoint == 2
    assert end.commands == [b"a"]


def test_as_long_as_nobody_leads_nothing_changes() -> None:
    bench = Bench()
    end = bench.open()
    bench.wait(2 * LEADER_S)
    assert asked(bench) == watched(end) == 0


def test_an_endpoint_that_did_not_answer_is_left_alone_although_it_believes_that_it_leads() -> None:
    bench = Bench()
    bench.leader = 0
    end = bench.open()
    assert asked(bench) == 0
    bench.is_held = True
    bench.wait(0.3)
    bench.is_held = False
    again = [one for one in end.asked if isinstance(one, Request) and one.endpoint == 1]
    end.answer(again[0])
    bench.wait(LEADER_S - 1.0)
    assert asked(bench) == watched(end) == 1
    bench.wait(LEADER_S + 1.0)
    assert asked(bench) == watched(end) == 0


def test_a_lone_endpoint_is_not_asked_who_leads() -> None:
    bench = Bench()
    bench.open(endpoints=1)
    bench.wait(2 * LEADER_S)
    assert not [one for one in bench.done if isinstance(one.operation, Status)]


def test_who_leads_is_asked_seldom() -> None:
    bench = Bench()
    bench.open()
    bench.wait(4 * LEADER_S)
    questions = [one for one in bench.done if isinstance(one.operation, Status)]
    assert 12 <= len(questions) <= 18


def test_a_late_answer_about_who_led_is_ignored() -> None:
    bench = Bench()
    end = bench.open()
    early = next(one for one in bench.done if isinstance(one.operation, Status))
    bench.leader = 1
    bench.wait(LEADER_S + 0.5)
    bench.leader = early.endpoint
    end.tell(bench.do(Request(early.ticket, early.endpoint, Status(), 1.0)))
    assert asked(bench) == 1
    end.settle()
    end.propose(b"a")
    assert bench.done[-1].endpoint == 1
