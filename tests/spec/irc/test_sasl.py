"""AUTHENTICATE (ircv3.net/specs/extensions/sasl-3.1 and sasl-3.2)."""

import base64

import pytest

from support.dialogue import Client, World

PASSWORD = "correct-horse"


def plain(name: str, password: str) -> str:
    return base64.b64encode(f"{name}\0{name}\0{password}".encode()).decode()


def town() -> tuple[World, Client]:
    """Make an account "alice" and a connection that has begun to register."""
    world = World()
    owner = world.register("alice")
    owner.send(f"NS REGISTER {PASSWORD}", "QUIT")
    client = world.connect()
    client.send("CAP REQ :sasl", "NICK bob", "USER bob 0 * :Bob")
    client.lines()
    return world, client


def pieces(text: str) -> list[str]:
    """Split a message as the specification has it."""
    found = [f"AUTHENTICATE {text[start : start + 400]}" for start in range(0, len(text), 400)]
    return found if len(text) % 400 else [*found, "AUTHENTICATE +"]


@pytest.mark.parametrize("size", [396, 400, 404, 800, 1200, 1600])
def test_a_long_message_comes_in_pieces_of_400_bytes(size: int) -> None:
    """The response is encoded in Base64, then split to 400-byte chunks, and each chunk is sent as a
    separate AUTHENTICATE command. If the last chunk was exactly 400 bytes long, it must also be
    followed by AUTHENTICATE +"""
    _, client = town()
    text = plain("alice", "x" * (size // 4 * 3 - 12))
    client.send("AUTHENTICATE PLAIN", *pieces(text))
    assert client.commands() == ["AUTHENTICATE", "904"]
    client.send("AUTHENTICATE PLAIN", *pieces(plain("alice", PASSWORD)))
    assert client.commands() == ["AUTHENTICATE", "900", "903"]


def test_a_message_without_end_is_a_failure_and_another_attempt_is_possible() -> None:
    """The server MAY place a limit on the total length of a response. 904 is sent when the SASL
    authentication fails because of invalid credentials or other errors not explicitly mentioned by
    other numerics."""
    _, client = town()
    client.send("AUTHENTICATE PLAIN", *[f"AUTHENTICATE {'A' * 400}"] * 5)
    client.expect(
        "AUTHENTICATE +",
        ":roost.local 904 bob :SASL authentication failed: More than 1600 bytes of base64",
    )
    client.send("AUTHENTICATE PLAIN", *pieces(plain("alice", PASSWORD)))
    assert client.commands() == ["AUTHENTICATE", "900", "903"]


@pytest.mark.parametrize("line", [f"AUTHENTICATE {'A' * 401}", f"AUTHENTICATE {'A' * 500}", None])
def test_a_piece_above_400_bytes_is_too_long(line: str | None) -> None:
    """905 is sent when the SASL authentication fails because the client-sent AUTHENTICATE command
    was too long (i.e. the parameter longer than 400 bytes)."""
    _, client = town()
    client.send("AUTHENTICATE PLAIN", line)
    assert [one for one in client.commands() if one != "417"] == ["AUTHENTICATE", "905"]
    client.send("AUTHENTICATE PLAIN", *pieces(plain("alice", PASSWORD)), "CAP END")
    assert client.commands()[:4] == ["AUTHENTICATE", "900", "903", "001"]


def test_a_client_that_requested_nothing_may_log_in() -> None:
    """The client MUST enable the sasl capability before using the AUTHENTICATE command: a demand on
    clients, and some bots send the command alone."""
    world, _ = town()
    client = world.connect()
    client.send("AUTHENTICATE PLAIN", *pieces(plain("alice", PASSWORD)))
    assert client.commands() == ["AUTHENTICATE", "900", "903"]
    client.send("NICK carl", "USER carl 0 * :C", "AUTHENTICATE *", "AUTHENTICATE NONE")
    client.expect_some(
        ":roost.local 001 carl ...",
        ":roost.local 906 carl ...",
        ":roost.local 908 carl PLAIN,SCRAM-SHA-256 ...",
        ":roost.local 904 carl ...",
    )


def test_registration_ends_an_exchange() -> None:
    """If the client completes registration while the SASL authentication is still in progress, the
    server SHOULD abort it and send a 906 numeric, then register the client without
    authentication."""
    _, client = town()
    client.send("AUTHENTICATE PLAIN", "CAP END")
    assert client.commands()[:3] == ["AUTHENTICATE", "906", "001"]
