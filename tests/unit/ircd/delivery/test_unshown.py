from collections.abc import Iterator

from roost.ircd.delivery.unshown import STEPS_PER_TURN, Unshown


def steps(done: list[str], name: str, count: int) -> Iterator[None]:
    for number in range(count):
        done.append(f"{name}{number}")
        if number < count - 1:
            yield


def test_what_is_short_is_shown_at_once() -> None:
    unshown, done = Unshown(), list[str]()
    unshown.begin(steps(done, "a", 1))
    assert done == ["a0"]
    assert not unshown


def test_the_rest_is_shown_in_later_turns_a_few_steps_in_each() -> None:
    unshown, done = Unshown(), list[str]()
    unshown.begin(steps(done, "a", STEPS_PER_TURN + 3))
    assert (len(done), bool(unshown)) == (1, True)
    unshown.go_on(lambda: False)
    assert (len(done), bool(unshown)) == (1 + STEPS_PER_TURN, True)
    unshown.go_on(lambda: False)
    assert (len(done), bool(unshown)) == (STEPS_PER_TURN + 3, False)


def test_everybody_has_a_turn() -> None:
    unshown, done = Unshown(), list[str]()
    for name in "ab":
        unshown.begin(steps(done, name, 3))
    unshown.go_on(lambda: False)
    assert done == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_nothing_is_done_once_a_turn_has_done_enough() -> None:
    unshown, done = Unshown(), list[str]()
    unshown.begin(steps(done, "a", 3))
    unshown.go_on(lambda: len(done) >= 2)
    assert done == ["a0", "a1"]
    unshown.clear()
    assert not unshown
