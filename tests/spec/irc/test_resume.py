"""Resuming sessions (docs/resume.md)."""

import inspect
import re
import sys
from pathlib import Path

import pytest

from roost.chat.changes import Quitted
from roost.chat.commands.sessions import BalancerLost
from roost.ircd.config import Config
from support.dialogue import INCARNATION, Client, World

CAPABILITIES = ("roost.chat/resume", "message-tags", "server-time", "echo-message")
DOCUMENT = Path(__file__).parents[3] / "docs" / "resume.md"


def enter(world: World, nick: str, *rooms: str, capabilities: tuple[str, ...] = ()) -> str:
    """Register a client that can resume; return it and its token."""
    client = world.connect()
    client.send(f"CAP REQ :{' '.join((*CAPABILITIES, *capabilities))}")
    client.send(f"NICK {nick}", f"USER {nick} 0 * :{nick}", "CAP END")
    token = token_of(client.lines())
    for room in rooms:
        client.send(f"JOIN {room}")
    client.lines()
    return token


def token_of(lines: list[str]) -> str:
    (token,) = [line.split()[3] for line in lines if line.startswith(":roost.local RESUME TOKEN ")]
    return token


def newest(world: World) -> Client:
    return list(world.clients.values())[-1]


def last_id(lines: list[str]) -> str:
    found = re.findall(r"msgid=([^; ]+)", lines[-1])
    return str(found[0])


def come_back(
    world: World,
    request: str,
    *others: str,
    node: int = 0,
    capabilities: tuple[str, ...] = CAPABILITIES,
    is_secure: bool = False,
) -> Client:
    client = world.connect(node=node, is_secure=is_secure)
    client.send(f"CAP REQ :{' '.join(capabilities)}")
    client.lines()
    client.send(f"RESUME {request}", *others, "CAP END")
    return client


def after_welcome(lines: list[str]) -> list[str]:
    (number,) = [n for n, line in enumerate(lines) if " RESUME TOKEN " in line]
    return lines[number + 1 :]


def test_a_token_follows_the_welcome() -> None:
    """The server sends this message right after the welcome burst (after `RPL_ENDOFMOTD` or
    `ERR_NOMOTD`) to each client that negotiated the capability, and after the `CAP ACK` to a client
    that negotiates it later."""
    world = World()
    client = world.connect()
    client.send("CAP REQ roost.chat/resume", "NICK alice", "USER a 0 * :A", "CAP END")
    commands = client.commands()
    assert commands[-2:] == ["376", "RESUME"]
    later = world.register("bob")
    later.send("CAP REQ roost.chat/resume")
    later.expect(":roost.local CAP bob ACK roost.chat/resume", ":roost.local RESUME TOKEN...")
    later.send("CAP REQ multi-prefix")
    later.expect(":roost.local CAP bob ACK multi-prefix")


def test_nobody_else_is_given_a_token() -> None:
    world = World()
    plain = world.connect()
    plain.send("NICK alice", "USER a 0 * :A")
    assert "RESUME" not in plain.commands()


def test_each_connection_has_a_token_of_its_own() -> None:
    """A token is one word of up to 128 characters that means nothing to the client. Each connection
    has a token of its own, and the client MUST use the newest that it was given."""
    world = World()
    tokens = [enter(world, "alice"), enter(world, "bob")]
    world.restart_balancer()
    tokens.append(token_of(come_back(world, tokens[0]).lines()))
    assert len(dict.fromkeys(tokens)) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,128}", token) for token in tokens)


def test_what_is_sent_to_a_client_that_resumes() -> None:
    """The server MUST send, in this order: 1. `:<server> RESUME SUCCESS <nick>`, 2. the welcome
    burst, as to any client, 3. a new token, 4. what the client missed after the message `<msgid>`,
    each message as it would have been sent live, with the same id and time, and none that the
    client could not have seen at the time."""
    world = World()
    token = enter(world, "alice", "#a")
    enter(world, "wilma", "#a")
    enter(world, "bob", "#a")
    (alice, wilma, bob) = world.clients.values()
    bob.send("PRIVMSG #a :seen")
    seen = last_id(alice.lines())
    # Half-open: the connection seems to be there, but nothing of this reaches anybody.
    wilma.lines()
    bob.send("PRIVMSG #a :missed", "TOPIC #a :new", "MODE #a +v wilma", "NICK robert", "PART #a")
    bob.send("PRIVMSG alice :psst", "PRIVMSG wilma :not for alice")
    live = [line for line in wilma.lines() if "not for alice" not in line]
    alice.lines()
    again = come_back(world, f"{token} {seen}")
    lines = again.lines()
    assert lines[0] == ":roost.local RESUME SUCCESS alice"
    assert lines[1].startswith(":roost.local 001 alice ")
    assert [line.split()[1] for line in lines].count("376") == 1
    missed = after_welcome(lines)
    assert missed[:-1] == live
    assert missed[-1].endswith(":robert!bob@host PRIVMSG alice :psst")


def test_state_of_before_is_there_again() -> None:
    """If the session exists, the client continues it, with its nickname, its rooms and its status
    in them, its user modes, its away message and its `MONITOR` list. The capabilities are those
    that were negotiated on the new connection."""
    world = World()
    token = enter(world, "alice", "#a")
    newest(world).send("MODE alice +i", "AWAY :tea", "MONITOR + carol")
    world.restart_balancer()
    client = come_back(world, token, capabilities=("roost.chat/resume",))
    client.expect_some(":roost.local 221 alice +i")
    client.send("CAP LIST", "NAMES #a", "WHOIS alice")
    client.expect_some(
        ":roost.local CAP alice LIST roost.chat/resume",
        ":roost.local 353 alice = #a @alice",
        ":roost.local 301 alice alice tea",
    )
    bob = world.register("bob")
    bob.send("JOIN #a", "PRIVMSG #a :hello")
    world.register("carol")
    client.expect(
        ":bob!bob@host JOIN #a",
        ":bob!bob@host PRIVMSG #a :hello",
        ":roost.local 730 * carol!carol@host",
    )
    client.send("KICK #a bob")
    client.expect(":alice!alice@host KICK #a bob alice")


def test_nick_and_user_are_ignored_on_success() -> None:
    """A client MAY also send `NICK` and `USER`, so that it is registered in the ordinary way if its
    session is gone. If the session is resumed, the server ignores both."""
    world = World()
    token = enter(world, "alice", "#a")
    world.restart_balancer()
    client = come_back(world, token, "NICK other", "USER other 0 * :Other")
    assert client.lines()[0] == ":roost.local RESUME SUCCESS alice"
    assert list(world.state.nicks) == ["alice"]
    client.send("PING 1", "PRIVMSG #a :hello")
    client.expect(":roost.local PONG roost.local 1", ":alice!alice@host PRIVMSG #a :hello")


def test_nick_and_user_register_when_the_session_is_gone() -> None:
    world = World()
    token = enter(world, "alice")
    newest(world).send("QUIT")
    client = come_back(world, token, "NICK alice", "USER alice 0 * :Alice")
    lines = client.lines()
    assert lines[0].startswith(":roost.local FAIL RESUME EXPIRED ")
    assert lines[1].startswith(":roost.local 001 alice ")


def test_own_doings_are_among_what_was_missed() -> None:
    """This includes what the client itself did without learning of it: its own messages if it
    negotiated `echo-message`, and its own `JOIN`, `PART`, `NICK` and the like."""
    for capabilities in (CAPABILITIES, CAPABILITIES[:3]):
        world = World()
        token = enter(world, "alice", "#a")
        alice = newest(world)
        alice.send("PRIVMSG #a :seen")
        seen = last_id(alice.lines())
        alice.send("PRIVMSG #a :said", "JOIN #b", "AWAY :tea", "MODE #b +m", "NICK alicia")
        alice.send("PRIVMSG alicia :self", "PART #a", "PRIVMSG nobody :lost")
        world.restart_balancer()
        lines = after_welcome(
            come_back(world, f"{token} {seen}", capabilities=capabilities).lines()
        )
        shown = [line.partition(" ")[2] for line in lines]
        is_echoed = "echo-message" in capabilities
        assert shown == [
            *[":alice!alice@host PRIVMSG #a :said"] * is_echoed,
            ":alice!alice@host JOIN #b",
            ":alice!alice@host MODE #b +m",
            ":alice!alice@host NICK alicia",
            # Once because it is to alicia, and its echo.
            *[":alicia!alice@host PRIVMSG alicia :self"] * (1 + is_echoed),
            ":alicia!alice@host PART #a",
        ]


def test_without_a_message_id_nothing_is_sent_again() -> None:
    """Without `<msgid>`, the server sends nothing in step 4."""
    world = World()
    token = enter(world, "alice", "#a")
    bob = world.register("bob")
    bob.send("JOIN #a", "PRIVMSG #a :missed")
    world.restart_balancer()
    assert after_welcome(come_back(world, token).lines()) == []


@pytest.mark.parametrize("seen", ["0000000000a-00", "nonsense", "-1"])
def test_what_is_not_at_hand_is_said_to_be_lost(seen: str) -> None:
    """If the server no longer has what the client missed, it sends instead :<server> NOTE RESUME
    HISTORY_LOST :<text>"""
    world = World(config=Config(recent_entries=4))
    token = enter(world, "alice", "#a")
    bob = world.register("bob")
    bob.send("JOIN #a", *[f"PRIVMSG #a :{number}" for number in range(8)])
    world.restart_balancer()
    (line,) = after_welcome(come_back(world, f"{token} {seen}").lines())
    assert line.startswith(":roost.local NOTE RESUME HISTORY_LOST :")


def test_rest_of_a_line_that_was_half_seen_is_sent() -> None:
    world = World()
    token = enter(world, "alice", "#a", "#b")
    bob = world.register("bob")
    bob.send("JOIN #a,#b")
    alice = next(iter(world.clients.values()))
    seen = last_id(alice.lines()[:1])
    (line,) = after_welcome(come_back(world, f"{token} {seen}").lines())
    assert line.endswith(":bob!bob@host JOIN #b")


def test_what_was_not_to_be_seen_then_is_not_sent_now() -> None:
    world = World()
    bob = world.register("bob", "message-tags")
    bob.send("JOIN #a")
    earlier = last_id(bob.lines()[:1])
    bob.send("PRIVMSG #a :before")
    token = enter(world, "alice", "#a")
    lines = after_welcome(come_back(world, f"{token} {earlier}").lines())
    assert not any("before" in line for line in lines)
    assert any(" JOIN #a" in line for line in lines)


def test_nobody_else_sees_anything() -> None:
    """The server MUST NOT send anything to anybody else: neither `QUIT` nor `JOIN` nor any other
    sign that the connection is another one."""
    world = World()
    bob = world.register("bob", "away-notify", "extended-join")
    bob.send("JOIN #a", "MONITOR + alice")
    token = enter(world, "alice", "#a")
    bob.lines()
    again = come_back(world, token)
    bob.expect_nothing()
    again.send("PRIVMSG #a :still me")
    bob.expect(":alice!alice@host PRIVMSG #a :still me")
    bob.send("PRIVMSG alice :and me")
    again.expect_some(":bob!bob@host PRIVMSG alice :and me")


def test_old_connection_is_closed() -> None:
    """If the old connection still seems to be open, the server closes it with ERROR :Closing link:
    resumed from another connection"""
    world = World(nodes=2)
    token = enter(world, "alice", "#a")
    old = newest(world)
    again = come_back(world, token, node=1)
    old.expect("ERROR :Closing link: resumed from another connection")
    assert old.is_closed
    assert "001" in again.commands()
    assert not any(isinstance(change, Quitted) for change in world.changes())
    assert [server.session_count for server in world.servers] == [0, 1]


def test_old_connection_that_breaks_later_takes_nobody_along() -> None:
    world = World()
    token = enter(world, "alice")
    old = newest(world)
    come_back(world, token)
    old.disconnect()
    assert list(world.state.nicks) == ["alice"]


def test_a_session_ends_when_nobody_comes_back_in_time() -> None:
    """Then it ends, and the others see a `QUIT`."""
    world = World()
    bob_token = enter(world, "bob", "#a")
    token = enter(world, "alice", "#a")
    world.restart_balancer()
    bob = come_back(world, bob_token)
    bob.lines()
    world.order(BalancerLost("", INCARNATION))
    world.run()
    bob.expect(":alice!alice@host QUIT :Connection lost")
    assert " EXPIRED " in come_back(world, token).lines()[0]


def test_sessions_that_cannot_be_resumed_end_when_the_balancer_starts_again() -> None:
    world = World()
    token = enter(world, "alice", "#a")
    world.join("#a", "plain")
    world.restart_balancer()
    assert list(world.state.nicks) == ["alice"]
    world.register("plain")
    assert "001" in come_back(world, token).commands()


def test_a_session_does_not_wait_after_a_connection_that_was_seen_to_end() -> None:
    """A session does not wait if its client sent `QUIT`, if the server closed the connection in
    order, or if the server saw the connection end."""
    world = World()
    token = enter(world, "alice")
    newest(world).disconnect()
    assert not world.state.nicks
    assert " EXPIRED " in come_back(world, token).lines()[0]


@pytest.mark.parametrize("change", ["cut", "ids", "digest", "empty", "unicode"])
def test_tokens_that_are_not_ours_are_refused(change: str) -> None:
    """| `INVALID_TOKEN` | The token is not valid on this network. |"""
    world = World()
    token = enter(world, "alice")
    forged = {
        "cut": token[:-4],
        "ids": ("B" if token[0] != "B" else "C") + token[1:],
        "digest": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "empty": ":",
        "unicode": "\u00e9" * len(token),
    }[change]
    client = come_back(world, forged, "NICK mallory", "USER m 0 * :M")
    lines = client.lines()
    assert lines[0].startswith(":roost.local FAIL RESUME INVALID_TOKEN ")
    # "After a failure the client can register with `NICK` and `USER` as if it had never asked."
    assert " 001 mallory " in lines[1]


def test_a_session_that_was_resumed_is_not_resumed_again() -> None:
    """| `EXPIRED` | The session has ended, or was resumed with a newer token. |"""
    world = World()
    first = enter(world, "alice")
    second = token_of(come_back(world, first).lines())
    third = token_of(come_back(world, second).lines())
    assert " EXPIRED " in come_back(world, first).lines()[0]
    assert "001" in come_back(world, third).commands()


def test_a_client_that_never_read_its_new_token_can_use_the_one_before() -> None:
    """The previous token is valid too, as long as the newest one has not been used: a client may
    lose its new connection before it has read the new token."""
    world = World()
    token = enter(world, "alice", "#a")
    alice = newest(world)
    alice.send("PRIVMSG #a :one")
    seen = last_id(alice.lines())
    unread = come_back(world, f"{token} {seen}")
    unread.send("PRIVMSG #a :two")
    unread.lines()
    world.restart_balancer()
    lines = after_welcome(come_back(world, f"{token} {seen}").lines())
    assert [line.partition(" ")[2] for line in lines] == [":alice!alice@host PRIVMSG #a :two"]


def test_resuming_has_its_time_and_needs_the_capability() -> None:
    """| `CANNOT_RESUME` | Not now or not here: the client is already registered, has not negotiated
    the capability, or the session was secure and this connection is not. |"""
    world = World()
    token = enter(world, "alice")
    bob = world.register("bob")
    bob.send(f"RESUME {token}")
    bob.expect(":roost.local FAIL RESUME CANNOT_RESUME :You are already registered")
    client = world.connect()
    client.send(f"RESUME {token}", "RESUME")
    client.expect(
        ":roost.local FAIL RESUME CANNOT_RESUME :Negotiate roost.chat/resume first",
        ":roost.local 461 * RESUME :Not enough parameters",
    )
    assert not newest(world).is_closed


def test_a_secure_session_stays_secure() -> None:
    """A session that was opened over TLS cannot be resumed over a connection without TLS."""
    world = World()
    client = world.connect(is_secure=True)
    client.send("CAP REQ roost.chat/resume", "NICK alice", "USER a 0 * :A", "CAP END")
    token = token_of(client.lines())
    plain = come_back(world, token)
    assert plain.lines()[0].startswith(":roost.local FAIL RESUME CANNOT_RESUME ")
    assert "001" in come_back(world, token, is_secure=True).commands()


def test_guessing_is_limited() -> None:
    """A connection with three failures is closed."""
    world = World()
    client = world.connect()
    client.send("CAP REQ roost.chat/resume")
    client.lines()
    client.send("RESUME a", "RESUME b")
    assert not client.is_closed
    client.send("RESUME c", "RESUME d")
    assert client.commands() == ["FAIL", "FAIL", "FAIL", "ERROR"]
    assert client.is_closed


def test_secret_is_shown_to_nobody() -> None:
    world = World()
    token = enter(world, "alice")
    assert world.state.secret.hex() not in token
    from roost.chat.commands.cluster import SetSecret

    assert repr(SetSecret(world.state.secret)) == "SetSecret(...)"


def test_quoted_sentences_stand_in_the_specification() -> None:
    words = " ".join(re.sub(r"^ {4}", "", DOCUMENT.read_text(), flags=re.MULTILINE).split())
    claims = [
        inspect.getdoc(claim)
        for name, claim in inspect.getmembers(sys.modules[__name__], inspect.isfunction)
        if name.startswith("test_") and claim.__doc__
    ]
    assert len(claims) > 10
    for claim in claims:
        assert claim is not None
        assert " ".join(claim.split()) in words, claim
