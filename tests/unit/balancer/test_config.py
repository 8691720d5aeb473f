"""The configuration names a wrong value."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from roost.balancer import ClientLimits, Config

CREDENTIALS = {"authority": "ca.pem", "certificate": "b1.pem", "key": "b1-key.pem"}


def make(**changes: Any) -> Config:
    values = {"name": "b1", "cluster": "test", "credentials": CREDENTIALS} | changes

    def read(kind: type, value: Any) -> Any:
        return kind(value)

    return msgspec.convert(values, Config, dec_hook=read)


def test_everything_listens_on_loopback_by_default() -> None:
    config = make()
    assert {config.host, config.http_host, config.trunk_host} == {"127.0.0.1"}
    assert config.credentials.key == Path("b1-key.pem")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "no name"},
        {"cluster": ""},
        {"port": -1},
        {"http_port": 65536},
        {"trunk_port": 70000},
        {"server_name": "nodots"},
        {"server_name": "with space.local"},
        {"ping_line": "two\r\nlines"},
        {"ping_line": ""},
        {"stop_s": -1},
    ],
)
def test_a_wrong_value_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match=next(iter(wrong))):
        make(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"connections_max": 0},
        {"connections_per_address_max": 0},
        {"exempt_networks": ("10.0.0.1/8",)},
        {"line_bytes_max": 100},
        {"unread_bytes_max": 1000},
        {"linger_s": 0},
        {"keepalive_s": 0},
    ],
)
def test_a_wrong_limit_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ClientLimits(**wrong)
