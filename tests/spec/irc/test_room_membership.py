"""JOIN, PART, TOPIC, KICK, INVITE (modern.ircdocs.horse, "Channel Operations")."""

import pytest

from roost.chat.settings import Settings
from support.dialogue import World


def test_join_is_answered_with_join_topic_and_names() -> None:
    """They receive a `JOIN` message from the server [...] After this, they are sent the channel's
    topic (with RPL_TOPIC), and no message if the channel does not have a topic. They are also
    sent a list of users currently joined to the channel."""
    world = World()
    (alice,) = world.join("#Nest", "alice")
    alice.send("TOPIC #nest :twigs")
    alice.lines()
    bob = world.register("bob")
    bob.send("JOIN #nest")
    bob.expect(
        ":bob!bob@host JOIN #Nest",
        ":roost.local 332 bob #Nest twigs",
        ":roost.local 333 bob #Nest alice!alice@host 1700000000",
        ":roost.local 353 bob = #Nest :@alice bob",
        ":roost.local 366 bob #Nest :End of /NAMES list",
    )
    alice.expect(":bob!bob@host JOIN #Nest")


def test_join_without_topic_shows_none() -> None:
    alice = World().register("alice")
    alice.send("JOIN #a")
    assert alice.commands() == ["JOIN", "353", "366"]


def test_join_takes_lists_of_rooms_and_keys() -> None:
    """With the first `<key>` being used for the first `<channel>`, the second `<key>` being used
    for the second `<channel>`."""
    world = World()
    (alice,) = world.join("#a", "alice")
    alice.send("JOIN #b", "MODE #a +k one", "MODE #b +k two")
    bob = world.register("bob")
    bob.send("JOIN #a,#b one,two")
    assert bob.commands() == ["JOIN", "353", "366", "JOIN", "353", "366"]
    carol = world.register("carol")
    carol.send("JOIN #a,#b one")
    carol.expect_some(
        ":carol!carol@host JOIN #a", ":roost.local 475 carol #b :Cannot join channel (+k)"
    )


def test_join_0_leaves_all_rooms() -> None:
    """Requests that the sending client leave all channels they are currently connected to. The
    server will process this command as though the client had sent a PART command for each."""
    alice, bob = World().join("#a", "alice", "bob")
    alice.send("JOIN #b")
    alice.lines()
    alice.send("JOIN 0")
    alice.expect(":alice!alice@host PART #a", ":alice!alice@host PART #b")
    bob.expect(":alice!alice@host PART #a")


def test_join_of_a_room_one_is_in_shows_nothing() -> None:
    alice, bob = World().join("#a", "alice", "bob")
    alice.send("JOIN #a")
    alice.expect_nothing()
    bob.expect_nothing()


@pytest.mark.parametrize(("name", "numeric"), [("nohash", "476"), ("#", "476"), ("#a\x07", "476")])
def test_join_of_an_impossible_name_is_refused(name: str, numeric: str) -> None:
    alice = World().register("alice")
    alice.send(f"JOIN {name}")
    assert alice.commands() == [numeric]


def test_join_beyond_the_limit_is_refused() -> None:
    """If the client cannot join this channel because they would be over their limit, they will
    receive an ERR_TOOMANYCHANNELS reply and the command will fail."""
    alice = World(settings=Settings(rooms_per_user_max=1)).register("alice")
    alice.send("JOIN #a,#b")
    alice.expect_some(":roost.local 405 alice #b :You have joined too many channels")


@pytest.mark.parametrize(
    ("modes", "numeric"),
    [("+i", "473"), ("+b bob", "474"), ("+k secret", "475"), ("+l 1", "471")],
)
def test_modes_keep_people_out(modes: str, numeric: str) -> None:
    world = World()
    (alice,) = world.join("#a", "alice")
    alice.send(f"MODE #a {modes}")
    bob = world.register("bob")
    bob.send("JOIN #a")
    assert bob.commands() == [numeric]
    alice.send("INVITE bob #a")
    assert bob.commands() == ["INVITE"]


def test_names_of_a_large_room_take_several_lines() -> None:
    world = World()
    nicks = [f"member-number-{number:03}" for number in range(60)]
    world.join("#a", *nicks)
    last = world.register("last", "userhost-in-names", "multi-prefix")
    last.send("JOIN #a")
    lines = [line for line in last.messages() if line.command == "353"]
    assert len(lines) > 3
    listed = " ".join(line.parameters[-1] for line in lines).split()
    assert listed == [
        "@member-number-000!member-number-000@host",
        *[f"{nick}!{nick}@host" for nick in nicks[1:]],
        "last!last@host",
    ]


def test_part_is_shown_with_its_reason_and_names_each_mistake() -> None:
    """If the channel exists and the client is not joined to it, they will receive an
    ERR_NOTONCHANNEL reply and that channel will be ignored. If the channel does not exist, the
    client will receive an ERR_NOSUCHCHANNEL reply."""
    world = World()
    alice, bob = world.join("#a", "alice", "bob")
    world.join("#other", "carol")
    alice.send("PART #a,#other,#none :bye all", "PART #a")
    alice.expect(
        ":alice!alice@host PART #a :bye all",
        ":roost.local 442 alice #other :You're not on that channel",
        ":roost.local 403 alice #none :No such channel",
        ":roost.local 442 alice #a :You're not on that channel",
    )
    bob.expect(":alice!alice@host PART #a :bye all")
    bob.send("PRIVMSG #a :anyone?", "PART #a")
    alice.expect_nothing()
    bob.expect(":bob!bob@host PART #a")


def test_topic_is_shown_to_all_and_can_be_asked() -> None:
    """Every client in that channel (including the author of the topic change) will receive a
    `TOPIC` command with the new topic as argument (or an empty argument if the topic was
    cleared)."""
    alice, bob = World().join("#a", "alice", "bob")
    alice.send("TOPIC #a", "TOPIC #a :eggs and twigs", "TOPIC #a", "TOPIC #a :", "TOPIC #a")
    alice.expect(
        ":roost.local 331 alice #a :No topic is set",
        ":alice!alice@host TOPIC #a :eggs and twigs",
        ":roost.local 332 alice #a :eggs and twigs",
        ":roost.local 333 alice #a alice!alice@host 1700000000",
        ":alice!alice@host TOPIC #a :",
        ":roost.local 331 alice #a :No topic is set",
    )
    bob.expect(":alice!alice@host TOPIC #a :eggs and twigs", ":alice!alice@host TOPIC #a :")


def test_protected_topic_is_for_operators() -> None:
    """If a client does not have appropriate channel permissions and tries to change the topic,
    the ERR_CHANOPRIVSNEEDED numeric is returned."""
    world = World()
    alice, bob = world.join("#a", "alice", "bob")
    eve = world.register("eve")
    bob.send("TOPIC #a :mine")
    eve.send("TOPIC #a :mine", "TOPIC #none")
    bob.expect(":roost.local 482 bob #a :You're not channel operator")
    eve.expect(
        ":roost.local 442 eve #a :You're not on that channel",
        ":roost.local 403 eve #none :No such channel",
    )
    alice.send("MODE #a -t")
    bob.lines()
    bob.send("TOPIC #a :mine")
    bob.expect(":bob!bob@host TOPIC #a mine")


def test_topic_of_a_secret_room_is_not_told_to_outsiders() -> None:
    world = World()
    (alice,) = world.join("#a", "alice")
    alice.send("TOPIC #a :hidden", "MODE #a +s")
    eve = world.register("eve")
    eve.send("TOPIC #a", "MODE #a", "MODE #a b")
    assert eve.commands() == ["403"] * 3


def test_kick_is_seen_by_all_and_removes() -> None:
    world = World()
    alice, bob, carol = world.join("#a", "alice", "bob", "carol")
    alice.send("KICK #a bob :too loud")
    for client in (alice, bob, carol):
        client.expect(":alice!alice@host KICK #a bob :too loud")
    carol.send("PRIVMSG #a :hm")
    bob.expect_nothing()


def test_kick_has_a_default_comment() -> None:
    """If no comment is given, the server SHOULD use a default message instead."""
    alice, bob = World().join("#a", "alice", "bob")
    alice.send("KICK #a bob")
    bob.expect(":alice!alice@host KICK #a bob alice")


def test_kick_of_several_sends_one_message_for_each() -> None:
    """The server MUST NOT send KICK messages with multiple channels or users to clients."""
    alice, bob, carol = World().join("#a", "alice", "bob", "carol")
    alice.send("KICK #a bob,carol :all out")
    bob.expect(":alice!alice@host KICK #a bob :all out")
    carol.expect(
        ":alice!alice@host KICK #a bob :all out", ":alice!alice@host KICK #a carol :all out"
    )


def test_kick_refusals() -> None:
    world = World()
    alice, bob = world.join("#a", "alice", "bob")
    eve = world.register("eve")
    bob.send("KICK #a alice", "KICK #none alice", "KICK #a")
    assert bob.commands() == ["482", "403", "461"]
    eve.send("KICK #a bob")
    assert eve.commands() == ["442"]
    alice.send("KICK #a eve", "KICK #a,#b bob")
    alice.expect(
        ":roost.local 441 alice eve #a :They aren't on that channel",
        ":roost.local 461 alice KICK :Give one channel, or one for each user",
    )


def test_kicking_oneself_is_possible() -> None:
    alice, bob = World().join("#a", "alice", "bob")
    alice.send("KICK #a alice :enough")
    alice.expect(":alice!alice@host KICK #a alice enough")
    bob.send("PRIVMSG #a :gone?")
    alice.expect_nothing()


def test_invite_tells_both_and_lets_in() -> None:
    """When the invite is successful, the server MUST send a RPL_INVITING numeric to the command
    issuer, and an `INVITE` message, with the issuer as `<source>`, to the target user. Other
    channel members SHOULD NOT be notified."""
    world = World()
    alice, bob = world.join("#a", "alice", "bob")
    carol = world.register("carol")
    alice.send("MODE #a +i")
    bob.lines()
    alice.lines()
    alice.send("INVITE carol #a")
    alice.expect(":roost.local 341 alice carol #a")
    carol.expect(":alice!alice@host INVITE carol #a")
    bob.expect_nothing()
    carol.send("INVITE", "JOIN #a", "INVITE")
    carol.expect_some(
        ":roost.local 336 carol #a",
        ":roost.local 337 carol :End of /INVITE list",
        ":carol!carol@host JOIN #a",
        ":roost.local 337 carol :End of /INVITE list",
    )


def test_invite_refusals() -> None:
    world = World()
    alice, bob = world.join("#a", "alice", "bob")
    eve = world.register("eve")
    alice.send("INVITE bob #a", "INVITE nobody #a", "INVITE bob #none", "INVITE bob")
    assert alice.commands() == ["443", "401", "403", "461"]
    eve.send("INVITE eve #a")
    assert eve.commands() == ["442"]
    alice.send("MODE #a +i")
    bob.lines()
    bob.send("INVITE eve #a")
    assert bob.commands() == ["482"]


def test_an_operators_invitation_opens_a_ban() -> None:
    """A user who is banned from a channel and who carries an invitation sent by a channel operator
    is allowed to join the channel (RFC 2811, 4.3.1)."""
    world = World()
    alice, bob = world.join("#a", "alice", "bob")
    carol = world.register("carol")
    alice.send("MODE #a +b carol!*@*")
    bob.send("INVITE carol #a")
    carol.lines()
    carol.send("JOIN #a")
    carol.expect(":roost.local 474 carol #a :Cannot join channel (+b)")
    alice.send("INVITE carol #a")
    carol.send("JOIN #a", "PART #a", "JOIN #a")
    assert carol.commands() == ["INVITE", "JOIN", "353", "366", "PART", "474"]


def test_a_new_ban_withdraws_invitations() -> None:
    """The ban is the operators' later word."""
    world = World()
    (alice,) = world.join("#a", "alice")
    carol, dave, eve = [world.register(nick) for nick in ("carol", "dave", "eve")]
    alice.send("MODE #a +i", "INVITE carol #a", "INVITE dave #a", "INVITE eve #a")
    eve.send("QUIT")
    alice.send("MODE #a +b carol!*@*")
    for client, command in ((carol, "474"), (dave, "JOIN")):
        client.lines()
        client.send("JOIN #a")
        assert client.commands()[0] == command


def test_rooms_live_on_when_they_are_empty() -> None:
    world = World()
    (alice,) = world.join("#a", "alice")
    alice.send("TOPIC #a :still here", "PART #a", "JOIN #a")
    alice.expect_some(":roost.local 332 alice #a :still here", ":roost.local 353 alice = #a @alice")


@pytest.mark.parametrize("line", ["JOIN :", "JOIN ,", "PART :", "PART ,", "KICK #a :", "KICK , ,"])
def test_list_of_nothing_is_no_parameter(line: str) -> None:
    """If a command is sent from a client to a server with less parameters than the command requires
    to be processed, the server will reply with an ERR_NEEDMOREPARAMS numeric."""
    (alice,) = World().join("#a", "alice")
    alice.send(line)
    alice.expect(f":roost.local 461 alice {line.split()[0]} :Not enough parameters")
