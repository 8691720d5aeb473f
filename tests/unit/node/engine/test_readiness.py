import pytest

from roost.log import LogStatus
from roost.node.engine.readiness import BEHIND_MAX, Readiness


def log(*, commit: int = 0, is_faulty: bool = False, lack: str = "") -> LogStatus:
    fault = ("no-majority", "nobody leads") if is_faulty else None
    return LogStatus("n1", 1, 100, commit, fault, lack)


def judgement(readiness: Readiness, **changes: object) -> tuple[str, str]:
    facts = {
        "removal": "",
        "peers": 2,
        "voters": 3,
        "log": log(),
        "applied": 10,
        "history_missing": 0,
        "clock_offset_ms": 0,
        "has_time": True,
        "is_configured": True,
        "is_stopping": False,
    }
    facts.update(changes)
    return readiness.judge(**facts)  # type: ignore[arg-type]


def judge(readiness: Readiness, **changes: object) -> str:
    return judgement(readiness, **changes)[0]


def test_a_sound_node_is_ready_without_a_reason() -> None:
    assert judgement(Readiness(), peers=1, applied=1) == ("ready", "")


def test_a_node_without_a_majority_around_it_is_isolated() -> None:
    assert judge(Readiness(), peers=0) == "isolated"
    assert judge(Readiness(), peers=1) == "ready"
    assert judge(Readiness(), peers=1, voters=5) == "isolated"
    assert judge(Readiness(), peers=0, voters=1) == "ready"


def test_a_learner_needs_a_majority_of_the_voters_around_it() -> None:
    learner = LogStatus("n1", 1, 100, 0, None, "", is_voter=False)
    assert judge(Readiness(), log=learner, peers=1) == "isolated"
    assert judge(Readiness(), log=learner, peers=2) == "ready"
    assert judge(Readiness(), log=learner, peers=0, voters=1) == "isolated"


def test_a_removed_node_says_so_and_what_to_do() -> None:
    verdict = judgement(Readiness(), removal="stop it", peers=0, log=log(is_faulty=True))
    assert verdict == ("removed", "stop it")


def test_a_node_says_what_is_wrong_with_its_log() -> None:
    verdict = judgement(Readiness(), log=log(is_faulty=True))
    assert verdict == ("no-majority", "nobody leads")


def test_a_starting_node_must_reach_the_logs_commit_once() -> None:
    readiness = Readiness()
    assert judge(readiness, applied=0) == "catching-up"
    assert judge(readiness, applied=49, log=log(commit=50)) == "catching-up"
    assert judge(readiness, applied=50, log=log(commit=50)) == "ready"
    a_little_lag = log(commit=50 + BEHIND_MAX)
    assert judge(readiness, applied=50, log=a_little_lag) == "ready"
    assert judge(readiness, applied=50, log=log(commit=51 + BEHIND_MAX)) == "catching-up"


def test_a_node_whose_log_lacks_something_is_not_ready() -> None:
    readiness = Readiness()
    assert judge(readiness) == "ready"
    assert judgement(readiness, log=log(lack="a commit")) == ("catching-up", "a commit")
    assert judge(readiness) == "ready"


def test_missing_history_keeps_a_node_from_serving() -> None:
    assert judge(Readiness(), history_missing=5) == "catching-up"


def test_a_node_waits_for_its_settings_only_where_it_can_propose_them() -> None:
    readiness = Readiness()
    assert judge(readiness, is_configured=False) == "configuring"
    assert judge(readiness, is_configured=False, peers=0) == "isolated"
    assert judge(readiness, is_configured=False, log=log(is_faulty=True)) == "no-majority"
    readiness.is_drained = True
    assert judge(readiness, is_configured=False) == "configuring"


def test_a_full_disk_and_a_stop_are_said_first() -> None:
    readiness = Readiness()
    assert judge(readiness, is_stopping=True, peers=0) == "draining"
    readiness.disk_failure = "no space left"
    assert judge(readiness) == "disk"
    assert "no space left" in judgement(readiness)[1]


def test_a_node_that_could_serve_says_that_it_is_drained_or_about_to_stop() -> None:
    readiness = Readiness()
    readiness.is_drained = True
    assert judge(readiness) == "draining"
    assert judge(readiness, peers=0) == "isolated"
    assert judge(readiness, log=log(is_faulty=True)) == "no-majority"
    readiness.is_drained = False
    assert judge(readiness) == "ready"
    readiness.is_leaving = True
    assert judge(readiness) == "draining"
    assert judge(readiness, log=log(is_faulty=True)) == "no-majority"


@pytest.mark.parametrize(
    ("offset_ms", "words"), [(3_600_000, "3600.0 s ahead of"), (-1_500, "1.5 s behind")]
)
def test_a_node_whose_clock_is_wrong_says_by_how_much(offset_ms: int, words: str) -> None:
    state, reason = judgement(Readiness(), clock_offset_ms=offset_ms)
    assert state == "clock"
    assert words in reason


def test_a_log_that_nodes_do_not_keep_needs_no_neighbours_but_the_time() -> None:
    elsewhere = LogStatus("n1", 1, 100, 0, None, "", is_kept_by_nodes=False)
    assert judge(Readiness(), log=elsewhere, peers=0) == "ready"
    assert judge(Readiness(), log=elsewhere, peers=0, has_time=False) == "clock"
