"""The configuration of a node's IRC side."""

import pytest

from roost.ircd.config import Config


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"server_name": "no-dot"}, "server_name"),
        ({"server_name": "a b.c"}, "server_name"),
        ({"version": ""}, "version"),
        ({"chathistory_max": 0}, "chathistory_max"),
        ({"recent_entries": 0}, "recent_entries"),
        ({"motd": ("two\r\nlines",)}, "motd"),
        ({"admin": ("x" * 391,)}, "admin"),
    ],
)
def test_impossible_values_are_named(values: dict[str, object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Config(**values)  # type: ignore[arg-type]
