from typing import Any

import pytest

from roost.raft.config import Config

GOOD: dict[str, Any] = {"name": "a", "members": ("a", "b", "c")}


def test_the_defaults_are_valid() -> None:
    assert Config(**GOOD).heartbeat_s == 0.2


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"members": ()}, "members"),
        ({"members": ("a", "")}, "members"),
        ({"members": ("a", "b", "b")}, "distinct"),
        ({"name": ""}, "name"),
        ({"heartbeat_s": 0.0}, "heartbeat_s"),
        ({"heartbeat_s": 0.4}, "heartbeat_s"),
        ({"election_s_max": 0.6}, "election_s_max"),
        ({"failover_s_max": 0.0}, "failover_s_max"),
        ({"retry_s": 2.0}, "retry_s"),
        ({"append_bytes_max": 0}, "append_bytes_max"),
        ({"inflight_appends_max": 0}, "inflight_appends_max"),
        ({"inflight_bytes_max": 0}, "inflight_bytes_max"),
        ({"snapshot_chunk_bytes": 0}, "snapshot_chunk_bytes"),
        ({"uncommitted_bytes_max": 0}, "uncommitted_bytes_max"),
    ],
)
def test_a_wrong_value_is_named(change: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Config(**(GOOD | change))
