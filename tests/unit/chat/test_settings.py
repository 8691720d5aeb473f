"""Settings that hold on all nodes: who may change them, and how."""

import msgspec
import pytest

from roost.chat.commands.cluster import Configure
from roost.chat.settings import UNCHANGED, Settings, written
from support.chat_world import ChatWorld


def asked(node: str, **changes: object) -> Configure:
    settings = msgspec.structs.replace(Settings(), **changes)
    return Configure(settings, node, written(settings))


def test_only_what_differs_is_written() -> None:
    assert written(Settings()) == UNCHANGED == "{}"
    assert written(Settings(users_max=5, network="Nest")) == '{"network":"Nest","users_max":5}'


def test_of_configurations_that_differ_the_one_that_was_changed_last_counts() -> None:
    world = ChatWorld()
    world.command(asked("n1", users_max=5))
    world.command(asked("n2", users_max=6))
    assert world.state.settings.users_max == 6
    world.command(asked("n1", users_max=5))
    assert world.state.settings.users_max == 6
    world.command(asked("n1", users_max=7))
    assert world.state.settings.users_max == 7
    world.command(asked("n2"))
    assert world.state.settings == Settings()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"network": "two words"}, "network"),
        ({"network": ""}, "network"),
        ({"users_max": -1}, "users_max"),
        ({"nick_bytes_max": 0}, "nick_bytes_max"),
        ({"topic_bytes_max": 391}, "topic_bytes_max"),
        ({"address_exempt_networks": ("10.0.0.0/99",)}, "address_exempt_networks"),
    ],
)
def test_value_that_cannot_be_is_an_error_that_names_the_key(
    changes: dict[str, object], key: str
) -> None:
    with pytest.raises(ValueError, match=key):
        Settings(**changes)  # type: ignore[arg-type]
