"""Versions of the cluster: what nodes of an older one take a command for."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from roost.chat import versions
from roost.chat.apply import apply_entry
from roost.chat.commands import Act, encode_command
from roost.chat.commands.administration import (
    AddNode,
    Administer,
    FoundCluster,
    RaiseVersion,
    ShowNodes,
)
from roost.chat.commands.messages import Say
from roost.chat.commands.payload import Payload
from roost.chat.ids import Position, SessionId
from roost.chat.snapshot import decode_state, encode_state
from roost.chat.state import State
from roost.chat.versions import VERSION, VersionError, as_of, check_versions, why_too_new


class NewKind(Payload, frozen=True, tag=99):
    SINCE: ClassVar[int] = 2


class GrownKind(Payload, frozen=True, tag=4):
    FIELDS_SINCE: ClassVar[Mapping[str, int]] = {"reason": 2}

    reason: str = ""


def act(*operations: Payload) -> Act:
    return Act(SessionId(1), 1, 1, operations)  # type: ignore[arg-type]


def test_all_kinds_say_since_when_they_exist() -> None:
    check_versions()


@pytest.mark.parametrize(
    "kind",
    [
        type("Forgotten", (Payload,), {"__annotations__": {}}, frozen=True, tag=98),
        type(
            "Grown", (Payload,), {"__annotations__": {"more": int}, "more": 0}, frozen=True, tag=4
        ),
    ],
)
def test_what_does_not_say_so_stops_the_program(kind: type[Payload]) -> None:
    with pytest.raises(AssertionError, match="SINCE"):
        versions._check(kind)


def test_a_newer_operation_cannot_be_read_by_older_nodes() -> None:
    with pytest.raises(VersionError, match="NewKind needs version 2 of the cluster, which is at 1"):
        as_of(act(Say("PRIVMSG", "#r", "hello"), NewKind()), 1)
    assert as_of(act(NewKind()), 2) == act(NewKind())
    assert why_too_new(NewKind(), 1)
    assert not why_too_new(NewKind(), 2)


def test_older_nodes_ignore_a_newer_field() -> None:
    assert as_of(act(GrownKind("bye")), 1) == act(GrownKind())
    assert as_of(act(GrownKind("bye")), 2) == act(GrownKind("bye"))


def test_what_version_1_has_is_left_as_it_is() -> None:
    for command in (act(Say("PRIVMSG", "#r", "hello")), Administer("r", AddNode("n4"))):
        assert as_of(command, 1) == command


def found(*names: str, version: int = 1) -> State:
    state = State()
    apply_entry(state, encode_command(FoundCluster(names, version)), Position(1), 1000)
    return state


def test_a_new_cluster_begins_with_the_version_of_its_founders() -> None:
    assert found("n1").version == 1
    assert found("n1", version=2).version == 2


def test_an_entry_raises_the_version_and_none_lowers_it() -> None:
    state = found("n1")
    for position, version in ((2, 2), (3, 1)):
        command = RaiseVersion(version, state.nodes_changed)
        apply_entry(state, encode_command(command), Position(position), 1000)
        assert state.version == 2


def test_the_version_stays_if_a_node_was_added_meanwhile() -> None:
    state = found("n1")
    raising = RaiseVersion(2, state.nodes_changed)
    apply_entry(state, encode_command(Administer("r", AddNode("n2"))), Position(2), 1000)
    apply_entry(state, encode_command(raising), Position(3), 1000)
    assert state.version == 1


def test_an_entry_that_is_too_new_is_skipped_as_nodes_of_version_1_skip_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ShowNodes, "SINCE", 2)
    state = found("n1")
    command = encode_command(Administer("r", ShowNodes()))
    applied = apply_entry(state, command, Position(2), 1000)
    assert applied.failure == "ShowNodes needs version 2 of the cluster, which is at 1"
    assert state.failed_entries == [2]
    assert not state.outcomes


def test_the_version_is_in_the_snapshot() -> None:
    assert decode_state(encode_state(found("n1", version=VERSION))).version == VERSION
