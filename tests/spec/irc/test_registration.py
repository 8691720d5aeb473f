"""Connection registration and leaving (modern.ircdocs.horse)."""

import pytest

from roost.chat.settings import Settings
from roost.ircd.config import Config
from support.dialogue import World
from support.fake_hashing import credentials


def test_welcome_comes_in_the_order_that_is_demanded() -> None:
    """Upon successful completion of the registration process, the server MUST send, in this
    order, the RPL_WELCOME, RPL_YOURHOST, RPL_CREATED, RPL_MYINFO, and at least one RPL_ISUPPORT
    numeric. [...] The server SHOULD then respond as though the client sent the LUSERS command
    [...] The server MUST then respond as though the client sent it the MOTD command."""
    client = World().connect()
    client.send("NICK alice", "USER a 0 * :Alice A")
    commands = client.commands()
    assert commands[:5] == ["001", "002", "003", "004", "005"]
    assert commands[-3:] == ["375", "372", "376"]
    after_isupport = [command for command in commands[5:] if command != "005"]
    assert after_isupport[0] == "251"


def test_welcome_names_the_client_and_the_network() -> None:
    client = World(settings=Settings(network="Nest")).connect()
    client.send("USER a 0 * :Alice A", "NICK alice")
    assert client.lines()[0] == (
        ":roost.local 001 alice :Welcome to the Nest Network, alice!a@host"
    )


def test_missing_motd_is_said() -> None:
    client = World(config=Config()).connect()
    client.send("NICK alice", "USER a 0 * :Alice A")
    assert client.commands()[-1] == "422"


def test_registration_is_acknowledged_as_a_whole() -> None:
    client = World().connect()
    client.send("NICK alice", "CAP LS", "USER a 0 * :Alice")
    assert client.acknowledged == 0
    client.send("CAP END")
    assert client.acknowledged == 4


@pytest.mark.parametrize("line", ["JOIN #a", "PRIVMSG bob :hi", "NAMES #a", "NOSUCHCOMMAND"])
def test_commands_have_to_wait_for_registration(line: str) -> None:
    """Until registration is complete, only a limited subset of commands SHOULD be accepted."""
    client = World().connect()
    client.send(line)
    client.expect(":roost.local 451 * :You have not registered")


@pytest.mark.parametrize("line", ["USER a 0 * :A", "PASS secret"])
def test_registering_twice_is_refused(line: str) -> None:
    """If a client tries to send the `USER` command after they have already completed
    registration with the server, the `ERR_ALREADYREGISTERED` reply should be sent."""
    client = World().register("alice")
    client.send(line)
    client.expect(":roost.local 462 alice :You may not reregister")


def test_nickname_in_use_is_refused_and_another_one_registers() -> None:
    """The desired nickname is already in use on the network, it should issue an
    `ERR_NICKNAMEINUSE` numeric and ignore the `NICK` command."""
    world = World()
    world.register("alice")
    client = world.connect()
    client.send("NICK Alice", "USER a 0 * :A")
    client.expect(":roost.local 433 * Alice :Nickname is already in use")
    client.send("NICK alice2")
    assert client.lines()[0].startswith(":roost.local 001 alice2 ")


@pytest.mark.parametrize("nick", ["1a", "-a", "a!b", "a.b", "#a", "a" * 33, "\u00e4"])
def test_invalid_nickname_is_refused(nick: str) -> None:
    """If the server does not accept the new nickname supplied by the client as valid (for
    instance, due to containing invalid characters), it should issue an `ERR_ERRONEUSNICKNAME`
    numeric."""
    client = World().connect()
    client.send(f"NICK {nick}")
    client.expect(f":roost.local 432 * {nick} :Erroneous nickname")


def test_nick_without_nickname_is_refused() -> None:
    """If the server does not receive the `<nickname>` parameter with the `NICK` command, it
    should issue an `ERR_NONICKNAMEGIVEN` numeric."""
    client = World().connect()
    client.send("NICK", "NICK :")
    client.expect(":roost.local 431 * :No nickname given", ":roost.local 431 * :No nickname given")


def test_username_is_cut_silently() -> None:
    """The username MUST be silently truncated to the given length before being used."""
    client = World().connect()
    client.send("NICK alice", f"USER {'u' * 30} 0 * :A")
    assert client.lines()[0].endswith(f" alice!{'u' * 20}@host")


@pytest.mark.parametrize("line", ["USER  0 * :A", "USER a 0 * :"])
def test_username_must_not_be_empty(line: str) -> None:
    """The minimum length of `<username>` is 1, ie. it MUST not be empty. If it is empty, the
    server SHOULD reject the command with ERR_NEEDMOREPARAMS."""
    client = World().connect()
    client.send("NICK alice", line)
    assert client.commands() == ["461"]


@pytest.mark.parametrize(
    ("username", "shown"), [("@", "user"), ("!!", "user"), ("\u00e9", "user"), ("a@b!c", "abc")]
)
def test_an_unfit_username_does_not_keep_anybody_out(username: str, shown: str) -> None:
    """The username is the name of a login on the client's own machine (RFC 1459, 4.1.3)."""
    client = World().connect()
    client.send("NICK alice", f"USER {username} 0 * :A")
    assert client.lines()[0].endswith(f" alice!{shown}@host")


@pytest.mark.parametrize(
    ("line", "shown"),
    [(b"USER h\xe9 0 * :A", "h - A"), (b"USER \xe9 0 * :Andr\xe9", "user - Andr?")],
)
def test_a_username_that_is_not_utf8_is_modified_and_registration_goes_on(
    line: bytes, shown: str
) -> None:
    """When sent with the `WARN` command, it indicates that the message was modified but still
    accepted. (UTF8ONLY, INVALID_UTF8)"""
    world = World()
    client = world.connect()
    client.send("NICK alice", line)
    answer = client.lines()
    assert answer[0] == (
        ":roost.local WARN USER INVALID_UTF8 :Your username or real name is not UTF-8 and had to "
        "be modified"
    )
    assert answer[1].startswith(":roost.local 001 alice ")
    (user,) = world.state.users.values()
    assert f"{user.username} - {user.realname}" == shown


def guarded(nodes: int = 1) -> World:
    return World(nodes=nodes, config=Config(password=credentials("open sesame").password))


@pytest.mark.parametrize(
    "lines", [[], ["PASS wrong"], ["PASS :open sesame", "PASS :"], ["PASS"], ["PASS x"] * 3]
)
def test_who_does_not_know_the_server_password_stays_out(lines: list[str]) -> None:
    """The password supplied must match the one defined in the server configuration.
    ERR_PASSWDMISMATCH (464)"""
    world = guarded()
    client = world.connect()
    client.send(*lines, "NICK alice", "USER a 0 * :A", "JOIN #a")
    client.expect_some(
        ":roost.local 464 alice :Password incorrect",
        "ERROR :Closing link: host (The server password is missing or wrong)",
    )
    assert client.is_closed
    assert not world.state.users


@pytest.mark.parametrize("before", [[], ["PASS wrong"], ["CAP LS 302", "CAP END"]])
def test_the_last_server_password_counts(before: list[str]) -> None:
    """It is possible to send multiple `PASS` commands before registering but only the last one sent
    is used for verification."""
    world = guarded()
    for nick in ("alice", "bob"):
        client = world.connect()
        client.send(*before, "PASS :open sesame", f"NICK {nick}", "USER a 0 * :A")
        client.expect_some(f":roost.local 001 {nick} ...")


def test_a_connection_tries_few_server_passwords() -> None:
    client = guarded().connect()
    client.send(*["PASS x"] * 4)
    assert client.is_closed


def test_a_server_password_that_was_right_is_not_hashed_again_until_it_changes() -> None:
    world = guarded()
    line = ("PASS :open sesame", "NICK alice", "USER a 0 * :A")
    world.connect().send(*line)
    world.is_hashing_stopped = True
    bob = world.connect()
    bob.send(line[0], "NICK bob", line[2])
    bob.expect_some(":roost.local 001 bob ...")
    world.servers[0].reconfigure(Config(password=credentials("another one").password))
    eve = world.connect()
    eve.send(line[0], "NICK eve", line[2])
    eve.expect_nothing()
    world.is_hashing_stopped = False
    world.run()
    eve.expect_some(":roost.local 464 eve ...", "ERROR ...")


@pytest.mark.parametrize("before", [[], ["NICK alice"]])
def test_a_proxys_header_from_elsewhere_or_too_late_ends_the_connection(before: list[str]) -> None:
    """The receiver MUST NOT start processing the connection before it receives a complete and valid
    PROXY protocol header. (haproxy.org, doc/proxy-protocol.txt)"""
    client = World().connect()
    client.send(*before, "PROXY TCP4 192.0.2.1 198.51.100.1 50000 6667", "USER a 0 * :A")
    client.expect(
        "ERROR :Closing link: host (PROXY headers are not accepted from your address)",
    )
    assert client.is_closed


def test_connections_that_are_not_registered_are_counted() -> None:
    """RPL_LUSERUNKNOWN (253): `<connections>` is a positive integer and represents the number of
    connections to this server that are currently in an unknown state."""
    world = World(nodes=2)
    alice = world.register("alice")
    early, late = world.connect(), world.connect()
    early.send("NICK early")
    alice.send("LUSERS")
    alice.expect_some(":roost.local 253 alice 2 :unknown connection(s)")
    early.send("USER e 0 * :E")
    early.expect_some(":roost.local 253 early 1 :unknown connection(s)", ":roost.local 254 ...")
    world.servers[0].newcomers.elsewhere = 3
    alice.send("LUSERS")
    alice.expect_some(":roost.local 253 alice 4 :unknown connection(s)")
    world.servers[0].newcomers.elsewhere = 0
    late.disconnect()
    world.move(alice, 1)
    alice.lines()
    for _ in range(2):
        alice.send("LUSERS")
        assert "253" not in alice.commands()
        world.move(alice, 0)


def test_change_of_nickname_is_shown_to_all_who_share_a_room_once() -> None:
    """The `<source>` of the message will be the old `nickname [ [ "!" user ] "@" host ]` of the
    user who is changing their nickname."""
    world = World()
    alice, bob = world.join("#a", "alice", "bob")
    alice.send("JOIN #b")
    bob.send("JOIN #b")
    stranger = world.register("eve")
    alice.lines()
    bob.lines()
    alice.send("NICK alicia")
    alice.expect(":alice!alice@host NICK alicia")
    bob.expect(":alice!alice@host NICK alicia")
    stranger.expect_nothing()
    alice.send("PING x", "NICK bob", "NICK alicia")
    alice.expect(
        ":roost.local PONG roost.local x",
        ":roost.local 433 alicia bob :Nickname is already in use",
    )


def test_nickname_that_somebody_left_is_free_at_once() -> None:
    world = World()
    world.register("alice").send("QUIT")
    world.register("alice").send("PING x")


def test_quit_is_answered_with_error_and_shown_to_those_who_share_a_room() -> None:
    """The server acknowledges this by replying with an ERROR message and closing the connection
    to the client. [...] Servers SHOULD prepend `<reason>` with the ASCII string "Quit: "."""
    alice, bob = World().join("#a", "alice", "bob")
    alice.send("QUIT :so long", "PRIVMSG #a :too late")
    alice.expect("ERROR :Closing link: host (Quit: so long)")
    assert alice.is_closed
    bob.expect(":alice!alice@host QUIT :Quit: so long")


def test_quit_without_reason() -> None:
    """The reason sent to other clients SHOULD be just this "Quit: " string."""
    alice, bob = World().join("#a", "alice", "bob")
    alice.send("QUIT")
    bob.expect(":alice!alice@host QUIT :Quit: ")


def test_quit_before_registration_closes() -> None:
    client = World().connect()
    client.send("NICK alice", "QUIT :bye", "USER a 0 * :A")
    client.expect("ERROR :Closing link: host (Quit: bye)")
    assert client.is_closed


def test_lost_connection_is_shown_as_quit() -> None:
    """If a client connection is closed without the client issuing a `QUIT` command to the
    server, the server MUST distribute a `QUIT` message to other clients."""
    alice, bob = World().join("#a", "alice", "bob")
    alice.disconnect("Ping timeout: 120 seconds")
    assert alice.is_closed
    alice.expect_nothing()
    bob.expect(":alice!alice@host QUIT :Ping timeout: 120 seconds")


def test_what_was_sent_before_the_connection_broke_is_done() -> None:
    world = World()
    alice, bob = world.join("#a", "alice", "bob")
    world.is_log_stopped = True
    alice.send("PRIVMSG #a :one", "PRIVMSG #a :two")
    alice.disconnect("gone")
    world.is_log_stopped = False
    world.run()
    bob.expect(
        ":alice!alice@host PRIVMSG #a one",
        ":alice!alice@host PRIVMSG #a two",
        ":alice!alice@host QUIT gone",
    )


def test_connection_that_breaks_while_the_log_opens_it_leaves_nobody_behind() -> None:
    world = World()
    client = world.connect()
    world.is_log_stopped = True
    client.send("NICK alice", "USER a 0 * :A")
    client.disconnect()
    world.is_log_stopped = False
    world.run()
    assert client.is_closed
    assert not world.state.users


def test_ping_is_answered_with_the_same_token() -> None:
    """When receiving a `PING` message, clients or servers must reply to it with a PONG message
    with the same `<token>` value. [...] Servers MUST send a `<server>` parameter."""
    client = World().register("alice")
    client.send("PING :a b", "PING", "PING :", "PONG x", "ERROR x")
    client.expect(
        ":roost.local PONG roost.local :a b",
        ":roost.local 461 alice PING :Not enough parameters",
        ":roost.local 409 alice :No origin specified",
    )


def test_unknown_command_is_named() -> None:
    client = World().register("alice")
    client.send("foo bar", "F00 bar")
    client.expect(
        ":roost.local 421 alice FOO :Unknown command",
        ":roost.local 421 alice * :This is not an IRC command",
    )


def test_too_many_lines_before_registration_close() -> None:
    world = World(config=Config(registration_lines_max=8))
    client = world.connect()
    client.send(*["PING x"] * 9)
    assert client.lines()[-1] == ("ERROR :Closing link: host (Too many lines before registration)")
    assert client.is_closed
    assert world.servers[0].session_count == 0


def test_more_queued_lines_than_the_limit_end_the_session() -> None:
    world = World(config=Config(queued_lines_max=5))
    alice, bob = world.join("#a", "alice", "bob")
    world.is_log_stopped = True
    alice.send(*[f"PRIVMSG #a :{number}" for number in range(20)])
    world.is_log_stopped = False
    world.run()
    assert alice.is_closed
    assert bob.lines()[-1] == ":alice!alice@host QUIT :Excess flood"


def test_full_network_refuses_with_a_reason() -> None:
    world = World(settings=Settings(users_max=1))
    world.register("alice")
    client = world.connect()
    client.send("NICK bob", "USER b 0 * :B")
    client.expect("ERROR :Closing link: host (The network is full, try again later)")
    assert client.is_closed


def test_address_of_ipv6_cannot_be_mistaken_for_a_last_parameter() -> None:
    world = World()
    client = world.connect(address="::1")
    client.send("NICK alice", "USER a 0 * :A")
    assert client.lines()[0].endswith("alice!a@0::1")


def test_empty_realname_is_none() -> None:
    """If a command is sent from a client to a server with less parameters than the command requires
    to be processed, the server will reply with an ERR_NEEDMOREPARAMS numeric and the command will
    fail. (SETNAME refuses an empty real name, too.)"""
    client = World().connect()
    client.send("NICK alice", "USER a 0 * :")
    client.expect(":roost.local 461 alice USER :Not enough parameters")
    client.send("USER a 0 * :Alice")
    assert "001" in client.commands()
