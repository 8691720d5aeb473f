"""OAUTHBEARER (RFC 7628)."""

import base64

import pytest

from roost.ircd.config import Config
from roost.ircd.login_config import LoginConfig, OAuthConfig
from support.dialogue import Client, World

OAUTH = OAuthConfig(issuer="https://id", audience=("roost",), keys_url="https://id/keys")
FAILED = ":roost.local 904 eve :SASL authentication failed: "


def begin(login: LoginConfig | None = None) -> tuple[World, Client]:
    world = World(config=Config(login=login or LoginConfig(oauth=OAUTH)), nodes=2)
    client = world.connect()
    client.send("CAP LS 302", "NICK eve", "USER eve 0 * :Eve")
    client.lines()
    return world, client


def send(client: Client, data: str) -> None:
    text = base64.b64encode(data.encode()).decode()
    client.send("AUTHENTICATE OAUTHBEARER")
    for start in range(0, len(text), 400):
        client.send(f"AUTHENTICATE {text[start : start + 400]}")
    if len(text) % 400 == 0:
        client.send("AUTHENTICATE +")


def message(token: str, header: str = "n,,") -> str:
    return f"{header}\x01host=chat.example\x01port=6697\x01auth=Bearer {token}\x01\x01"


@pytest.mark.parametrize(
    "data",
    [
        message("for.eve"),
        message("for.eve", "n,a=Eve,"),
        message("for.eve", "y,,"),
        "n,,\x01auth=bearer for.eve\x01\x01",
    ],
)
def test_a_token_logs_in_and_makes_the_account(data: str) -> None:
    world, client = begin()
    send(client, data)
    assert client.commands() == ["AUTHENTICATE", "900", "903"]
    client.send("CAP END")
    assert [user.account for user in world.state.users.values()] == ["eve"]


def test_a_token_of_several_kilobytes_comes_in_many_lines() -> None:
    _, client = begin()
    send(client, message("x" * 6000))
    assert client.commands() == ["AUTHENTICATE", "AUTHENTICATE"]
    client.send("AUTHENTICATE AQ==")
    send(client, message("x" * 8000))
    assert f"{FAILED}More than 9600 bytes of base64" in client.lines()


def test_a_refusal_is_told_in_json_and_ends_after_the_clients_dummy() -> None:
    """The server sends an error message in JSON format [...] the client MUST send [...] a dummy
    client response consisting of a single %x01 (control A) character to the server. The server then
    fails the authentication exchange (3.2.2, 3.2.3)."""
    _, client = begin()
    send(client, message("expired"))
    _, challenge = client.messages()
    assert base64.b64decode(challenge.parameters[0]) == b'{"status":"invalid_token"}'
    client.send("AUTHENTICATE AQ==")
    client.expect(f"{FAILED}It is expired")
    send(client, message("for.eve"))
    assert client.commands() == ["AUTHENTICATE", "900", "903"]


def test_the_dummy_may_come_at_another_node() -> None:
    world, client = begin()
    send(client, message("expired"))
    world.kill(0)
    client.lines()
    client.send("AUTHENTICATE AQ==")
    client.expect(f"{FAILED}It is expired")


def test_a_token_opens_no_other_account() -> None:
    _, client = begin()
    send(client, message("for.eve", "n,a=alice,"))
    client.send("AUTHENTICATE AQ==")
    assert client.lines()[-1] == f"{FAILED}The token is for another account"


@pytest.mark.parametrize(
    "data",
    [
        "",
        "n,,",
        "p=tls-unique,,\x01auth=Bearer for.eve\x01\x01",
        "n,,\x01auth=Bearer for.eve",
        "n,,\x01auth=Basic for.eve\x01\x01",
        "n,,\x01auth=Bearer a b\x01\x01",
        "n,,\x01host=x\x01\x01",
    ],
)
def test_what_is_malformed_is_refused(data: str) -> None:
    _, client = begin()
    send(client, data)
    assert client.lines()[-1].startswith(FAILED)


def test_it_is_offered_with_what_else_there_is() -> None:
    for login, offered in (
        (LoginConfig(oauth=OAUTH), "OAUTHBEARER"),
        (LoginConfig(oauth=OAUTH, program=("/bin/check",)), "PLAIN,OAUTHBEARER"),
        (LoginConfig(oauth=OAUTH, local_accounts=True), "PLAIN,SCRAM-SHA-256,OAUTHBEARER"),
        (LoginConfig(), "PLAIN,SCRAM-SHA-256"),
    ):
        _, client = begin(login)
        client.send("CAP LS 302")
        words = " ".join(client.lines()).replace(":", " ").split()
        assert f"sasl={offered}" in words
