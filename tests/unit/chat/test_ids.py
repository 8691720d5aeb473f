"""What ids tell about their origin."""

from roost.chat.ids import INCARNATION_NAME_BITS, SESSION_COUNTER_BITS, incarnation_at

START_2024 = 1_704_067_200_000
CENTURY_MS = 100 * 365 * 24 * 3600 * 1000


def test_incarnations_count_tenths_of_seconds_since_2024() -> None:
    assert incarnation_at(START_2024, "b") >> INCARNATION_NAME_BITS == 1
    assert incarnation_at(START_2024 + 1500, "b") >> INCARNATION_NAME_BITS == 15


def test_a_later_run_has_a_higher_incarnation() -> None:
    first = incarnation_at(START_2024 + 5_000, "b1")
    assert incarnation_at(START_2024 + 5_100, "b1") > first


def test_numbered_balancers_that_start_together_have_incarnations_of_their_own() -> None:
    for prefix in ("b", "balancer-", ""):
        names = [f"{prefix}{number}" for number in range(1, 17)]
        chosen = dict.fromkeys(incarnation_at(START_2024 + 7_777, name) for name in names)
        assert len(chosen) == len(names)


def test_session_ids_fit_64_bits_until_2051() -> None:
    late = incarnation_at(START_2024 + 27 * CENTURY_MS // 100, "b1")
    assert (late + 1) << SESSION_COUNTER_BITS < 1 << 64
