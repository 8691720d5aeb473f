"""A leader's snapshot is installed over several turns, and what follows it waits."""

from roost.chat.applied import Applied
from roost.chat.ids import Position, UserId
from roost.chat.snapshot import encode_state
from roost.chat.state import State, User
from roost.node.engine.applier import PARTS_PER_TURN, Applier
from roost.node.engine.pending import PendingCommands
from roost.node.engine.snapshots import Snapshots
from roost.raft.messages import ENTRY_NOOP, Entry, Snapshot


class Fakes:
    """What an applier tells others, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.output_size = 0

    def can_show(self, size_max: int) -> bool:
        return self.output_size < size_max

    def show(self, applied: Applied) -> None:
        self.told.append(("show", applied.position))

    def record(self, applied: Applied) -> None:
        self.told.append(("record", applied.position))

    def reset(self, state: State) -> None:
        self.told.append(("reset", state.position))

    def skip_to(self, position: Position, _term: int, _time_ms: int) -> None:
        self.told.append(("skip to", position))

    def verify(self, position: Position, _term: int) -> None:
        self.told.append(("apply", position))


def made() -> tuple[Applier, Fakes]:
    fakes = Fakes()
    applier = Applier(
        State(position=Position(5)),
        fakes,
        PendingCommands(),
        fakes,
        Snapshots(100, 100, 1),
        lambda applied: None,
    )
    return applier, fakes


def snapshot(index: int, parts: int) -> Snapshot:
    users = {
        UserId(number): User(UserId(number), f"u{number}", "", "", "", "", "", "", 0, 0)
        for number in range(1, parts)
    }
    state = State(position=Position(index), users=users)
    return Snapshot(index, 1, 0, encode_state(state, 1))


def entries(first: int, last: int) -> list[Entry]:
    return [Entry(index, 1, 0, ENTRY_NOOP, b"") for index in range(first, last + 1)]


def turn(applier: Applier) -> bool:
    applier.begin_turn()
    applier.apply_some(1000)
    return applier.has_more


def test_a_large_snapshot_takes_turns_and_the_entries_after_it_wait() -> None:
    applier, fakes = made()
    applier.add(entries(6, 7), 0.0)
    applier.install(snapshot(20, PARTS_PER_TURN * 3))
    applier.add(entries(21, 22), 0.0)
    assert turn(applier)
    assert applier.state.position == 5
    assert fakes.told == []
    assert not turn(applier)
    assert applier.state.position == 22
    assert len(applier.state.users) == PARTS_PER_TURN * 3 - 1
    assert fakes.told == [("reset", 20), ("skip to", 20), ("apply", 21), ("apply", 22)]


def test_a_small_snapshot_is_installed_at_once() -> None:
    applier, fakes = made()
    applier.install(snapshot(20, 1))
    assert applier.state.position == 20
    assert fakes.told == [("reset", 20), ("skip to", 20)]
    assert not applier.has_more


def test_a_newer_snapshot_takes_the_place_of_one_that_is_being_installed() -> None:
    applier, fakes = made()
    applier.install(snapshot(20, PARTS_PER_TURN * 3))
    applier.add(entries(21, 22), 0.0)
    applier.install(snapshot(30, PARTS_PER_TURN * 2))
    applier.add(entries(31, 31), 0.0)
    while turn(applier):
        pass
    assert fakes.told == [("reset", 30), ("skip to", 30), ("apply", 31)]
