"""An engine proposes the settings in its configuration, once for each change of them."""

import msgspec

from roost.chat.commands.cluster import Configure
from roost.chat.ids import Position
from roost.chat.settings import Settings
from roost.chat.state import State
from support.lone_node import LoneNode

FEW = Settings(users_max=5)


def positions(node: LoneNode, seconds: float) -> int:
    before = node.engine.state.position
    node.pass_time(seconds)
    return node.engine.state.position - before


def test_settings_that_differ_go_through_the_log_once() -> None:
    node = LoneNode(settings=FEW)
    assert node.engine.state.settings == FEW
    assert node.engine.state.configured == {"n1": '{"users_max":5}'}
    assert positions(node, 3.0) == 0


def test_a_node_is_ready_only_once_its_settings_apply() -> None:
    for is_drained in (False, True):
        states = LoneNode(settings=FEW, is_drained=is_drained).states
        assert ("configuring", Settings()) in states
        able = [settings for state, settings in states if state in {"ready", "draining"}]
        assert set(able) == {FEW}


def test_settings_that_the_first_version_lacks_count_before_anybody_is_let_in() -> None:
    closed = Settings(login_required=True, registration="closed")
    states = LoneNode(settings=closed).states
    assert {settings for state, settings in states if state == "ready"} == {closed}


def test_node_whose_configuration_says_nothing_asks_for_nothing() -> None:
    assert not LoneNode().engine.state.configured


def test_what_another_node_changed_since_is_left_alone() -> None:
    node = LoneNode(settings=FEW)
    other = Configure(Settings(users_max=6), "n2", '{"users_max":6}')
    node.propose(other)
    assert node.engine.state.settings.users_max == 6
    assert node.engine.status().state == "ready"
    assert positions(node, 3.0) == 0


def test_restart_changes_nothing_and_a_changed_file_does() -> None:
    state = State(
        settings=Settings(users_max=6),
        configured={"n1": '{"users_max":5}'},
        position=Position(9),
        time_ms=1,
    )
    node = LoneNode(settings=FEW, state=state)
    assert node.engine.state.settings.users_max == 6
    assert "configuring" not in {state for state, _ in node.states}
    node = LoneNode(settings=msgspec.structs.replace(FEW, users_max=7), state=state)
    assert node.engine.state.settings.users_max == 7
