"""Only the user's own page gets through to the client that `roost chat --web` serves."""

import pytest

from roost.cli.web import Gate

TOKEN = "a-token"
GATE = Gate(TOKEN, ["Chat.example.org"])


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1:8000", "127.0.0.1"),
        ("localhost:8000", "127.0.0.1"),
        ("LOCALHOST:9000", "::1"),
        ("127.0.0.1:8000", "::ffff:127.0.0.1"),
        ("[::1]:8000", "::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("192.0.2.1:8000", "192.0.2.1"),
        ("chat.example.org", "192.0.2.1"),
        ("CHAT.example.org:8443", "127.0.0.1"),
    ],
)
def test_own_names_and_addresses_are_known(host: str, address: str) -> None:
    for path in (f"/{TOKEN}/", f"/{TOKEN}/ws", f"/{TOKEN}/static/js/textual.js"):
        assert GATE.is_open_to(path, host, None, address=address, is_websocket=False)
    for scheme in ("http", "https"):
        origin = f"{scheme}://{host}"
        assert GATE.is_open_to(f"/{TOKEN}/ws", host, origin, address=address, is_websocket=True)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        (None, "127.0.0.1"),
        ("", "127.0.0.1"),
        (":8000", "127.0.0.1"),
        ("evil.example:8000", "127.0.0.1"),
        ("127.0.0.1.evil.example:8000", "127.0.0.1"),
        ("evil.example/127.0.0.1", "127.0.0.1"),
        ("127.0.0.1@evil.example", "127.0.0.1"),
        ("localhost", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.1"),
        ("192.0.2.7:8000", "192.0.2.1"),
        ("[::1", "::1"),
        ("xchat.example.org", "192.0.2.1"),
    ],
)
def test_other_hosts_are_not_served(host: str | None, address: str) -> None:
    assert not GATE.is_open_to(f"/{TOKEN}/", host, None, address=address, is_websocket=False)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:9000",
        "http://localhost:8000",
        "ftp://127.0.0.1:8000",
        "http://127.0.0.1:8000.evil.example",
    ],
)
def test_pages_of_other_origins_open_no_websocket(origin: str | None) -> None:
    address, host = "127.0.0.1", "127.0.0.1:8000"
    assert not GATE.is_open_to(f"/{TOKEN}/ws", host, origin, address=address, is_websocket=True)
    if origin is not None:
        assert not GATE.is_open_to(f"/{TOKEN}/", host, origin, address=address, is_websocket=False)


@pytest.mark.parametrize(
    "path",
    ["", "/", "/ws", "//", "/a-toke/ws", "/a-token2/", f"/x/{TOKEN}/", f"{TOKEN}/", "/\udc80/"],
)
def test_without_the_token_nothing_is_served(path: str) -> None:
    for is_websocket in (True, False):
        origin = "http://localhost:8000"
        assert not GATE.is_open_to(
            path, "localhost:8000", origin, address="127.0.0.1", is_websocket=is_websocket
        )
