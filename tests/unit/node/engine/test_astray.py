from roost.chat.history import Held
from roost.chat.ids import Position
from roost.log import LogStatus
from roost.node.engine.astray import KEPT_MAX, PAUSE_S, Astray
from roost.node.engine.effects import LogEvent, SetAside
from roost.node.engine.elsewhere import Share
from roost.node.engine.holding import Holding


class FakeLog:
    def __init__(self, *, is_astray: bool) -> None:
        fault = ("diverged", "entry 7 differs") if is_astray else ("no-majority", "nobody leads")
        self._status = LogStatus("", 1, 7, 7, fault, "")

    def status(self) -> LogStatus:
        return self._status


def make(
    *, is_astray: bool = True, kept: int = 0, peers: tuple[str, ...] = ("n2",), first: int = 1
) -> tuple[Astray, Holding]:
    holding = Holding(Held(Position(first)), 0, ("n2", "n3"))
    names = [f"diverged-{number}" for number in range(1, kept + 1)]
    return Astray(names, FakeLog(is_astray=is_astray), holding, list(peers)), holding  # type: ignore[arg-type]


def look(astray: Astray, *at: float) -> list[object]:
    return [effect for now in at for effect in astray.look(now)]


def test_a_node_that_is_not_astray_keeps_its_data() -> None:
    astray, _ = make(is_astray=False)
    assert look(astray, 0.0, 10.0) == []
    assert (astray.problem, astray.note) == ("", "")


def test_it_is_told_at_once_and_begins_anew_a_moment_later_once() -> None:
    astray, _ = make()
    assert look(astray, 0.0) == [LogEvent("error", "diverged", {"reason": "entry 7 differs"})]
    assert look(astray, PAUSE_S - 0.1) == []
    assert look(astray, PAUSE_S, PAUSE_S + 1) == [SetAside("entry 7 differs")]


def test_it_does_not_hide_what_nobody_else_holds() -> None:
    astray, holding = make(first=10)
    holding.learn("n2", Share(Held(Position(50))))
    (_, event) = look(astray, 0.0, PAUSE_S, PAUSE_S + 1)
    assert isinstance(event, LogEvent)
    assert "this node alone has the oldest" in astray.problem
    holding.learn("n2", Share(Held(Position(10))))
    assert look(astray, PAUSE_S + 2) == [SetAside("entry 7 differs")]


def test_it_waits_for_a_neighbour() -> None:
    astray, _ = make(peers=())
    assert not any(isinstance(effect, SetAside) for effect in look(astray, 0.0, 3.0, 9.0))


def test_it_does_not_go_on_for_ever() -> None:
    astray, _ = make(kept=KEPT_MAX)
    assert not any(isinstance(effect, SetAside) for effect in look(astray, 0.0, 3.0, 9.0))
    assert f"{KEPT_MAX} times already" in astray.problem


def test_what_is_kept_is_told_until_it_is_deleted() -> None:
    astray, _ = make(is_astray=False, kept=2)
    assert "diverged-1, diverged-2" in astray.note
