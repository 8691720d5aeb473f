"""PRIVMSG, NOTICE and TAGMSG (modern.ircdocs.horse; ircv3.net, message-tags, echo-message)."""

import pytest

from roost.chat.settings import Settings
from support.dialogue import World

TAGS = ("message-tags", "server-time", "echo-message")


def test_message_reaches_everybody_else_in_the_room() -> None:
    alice, bob, carol = World().join("#a", "alice", "bob", "carol")
    alice.send("PRIVMSG #A :hello there")
    alice.expect_nothing()
    for client in (bob, carol):
        client.expect(":alice!alice@host PRIVMSG #a :hello there")


def test_private_message_reaches_its_recipient_alone() -> None:
    world = World()
    alice, bob, carol = (world.register(nick) for nick in ("alice", "bob", "carol"))
    alice.send("PRIVMSG BOB :psst")
    bob.expect(":alice!alice@host PRIVMSG bob psst")
    carol.expect_nothing()


def test_message_to_several_targets_goes_to_each_once() -> None:
    alice, bob, carol = World().join("#a", "alice", "bob", "carol")
    alice.send("PRIVMSG #a,bob,bob :hi")
    bob.expect(":alice!alice@host PRIVMSG #a hi", ":alice!alice@host PRIVMSG bob hi")
    carol.expect(":alice!alice@host PRIVMSG #a hi")


def test_too_many_targets_are_refused_as_a_whole() -> None:
    world = World(settings=Settings(targets_per_line_max=2))
    alice, bob = world.register("alice"), world.register("bob")
    alice.send("PRIVMSG bob,alice,carol :hi")
    alice.expect(":roost.local 407 alice carol :Too many targets, up to 2")
    bob.expect_nothing()


def test_what_is_missing_is_said() -> None:
    alice = World().register("alice")
    alice.send("PRIVMSG", "PRIVMSG alice", "PRIVMSG alice :", "TAGMSG")
    assert alice.commands() == ["411", "412", "412", "461"]


def test_unknown_targets_are_refused() -> None:
    alice = World().register("alice")
    alice.send("PRIVMSG nobody :hi", "PRIVMSG #nowhere :hi")
    alice.expect(
        ":roost.local 401 alice nobody :No such nick/channel",
        ":roost.local 403 alice #nowhere :No such channel",
    )


def test_message_that_cannot_be_delivered_is_answered_with_404() -> None:
    """If a message cannot be delivered to a channel, the server SHOULD respond with an
    ERR_CANNOTSENDTOCHAN numeric."""
    world = World()
    alice, bob = world.join("#a", "alice", "bob")
    outsider = world.register("eve")
    alice.send("MODE #a +m")
    for client in (alice, bob):
        client.lines()
    outsider.send("PRIVMSG #a :hi")
    bob.send("PRIVMSG #a :hi")
    outsider.expect(":roost.local 404 eve #a :Cannot send to channel: you are not in it (+n)")
    bob.expect(":roost.local 404 bob #a :Cannot send to channel: it is moderated (+m)")
    alice.expect_nothing()


def test_notice_is_never_answered_with_an_error() -> None:
    """They must not send any error back to the client on receipt of a `NOTICE` message."""
    alice, bob = World().join("#a", "alice", "bob")
    alice.send("NOTICE", "NOTICE bob", "NOTICE nobody :hi", "NOTICE a,b,c,d,e,f :hi")
    alice.expect_nothing()
    alice.send("NOTICE #a :hello")
    bob.expect(":alice!alice@host NOTICE #a hello")


def test_status_message_reaches_that_status_and_higher_alone() -> None:
    """The message will be delivered only to the members of that channel with the given or higher
    status in the channel."""
    world = World()
    alice, bob, carol = world.join("#a", "alice", "bob", "carol")
    alice.send("MODE #a +v bob")
    for client in (alice, bob, carol):
        client.lines()
    carol.send("PRIVMSG +#a :voices", "PRIVMSG @#a :operators")
    alice.expect(":carol!carol@host PRIVMSG +#a voices", ":carol!carol@host PRIVMSG @#a operators")
    bob.expect(":carol!carol@host PRIVMSG +#a voices")
    carol.expect_nothing()


def test_sender_is_told_that_the_recipient_is_away() -> None:
    """If `<target>` is a user and that user has been set as away, the server may reply with an
    RPL_AWAY numeric and the command will continue."""
    world = World()
    alice, bob = world.register("alice"), world.register("bob")
    bob.send("AWAY :asleep")
    bob.expect(":roost.local 306 bob :You have been marked as being away")
    alice.send("PRIVMSG bob :hi", "NOTICE bob :hi")
    alice.expect(":roost.local 301 alice bob asleep")
    assert bob.commands() == ["PRIVMSG", "NOTICE"]
    bob.send("AWAY")
    bob.expect(":roost.local 305 bob :You are no longer marked as being away")


def test_echo_is_the_message_as_others_see_it() -> None:
    """If enabled, servers MUST send `PRIVMSG` and `NOTICE` messages back to the client that sent
    them."""
    world = World()
    alice = world.register("alice", *TAGS)
    bob = world.register("bob", *TAGS)
    for client in (alice, bob):
        client.send("JOIN #a")
    alice.lines()
    bob.lines()
    alice.send("@+x=1 PRIVMSG #a :hello", "NOTICE bob :psst")
    assert alice.lines() == bob.lines()


def test_message_to_oneself_is_delivered_and_echoed() -> None:
    world = World()
    alice = world.register("alice")
    alice.send("PRIVMSG alice :memo")
    assert alice.lines() == [":alice!alice@host PRIVMSG alice :memo"]
    alice.send("CAP REQ echo-message")
    alice.lines()
    alice.send("PRIVMSG alice :memo")
    assert alice.lines() == [":alice!alice@host PRIVMSG alice :memo"] * 2


def test_every_message_has_an_id_of_its_own_that_all_see() -> None:
    world = World(nodes=2)
    alice = world.register("alice", *TAGS)
    bob = world.register("bob", *TAGS, node=1)
    alice.send("PRIVMSG bob,alice :hi", "PRIVMSG bob :hi")
    mine = [dict(line.tags)["msgid"] for line in alice.messages() if line.parameters[0] == "bob"]
    theirs = [dict(line.tags)["msgid"] for line in bob.messages()]
    assert mine == theirs
    assert len(set(mine)) == 2


def test_client_only_tags_reach_those_with_message_tags_alone() -> None:
    """Client-only tags MUST be relayed on `PRIVMSG` and `NOTICE` messages. [...] Tags without the
    client-only prefix MUST be removed by the server before being relayed."""
    world = World()
    alice, bob = world.register("alice"), world.register("bob")
    carol = world.register("carol", "message-tags")
    alice.send(r"@+x=a\sb;plain=1;msgid=fake;+y PRIVMSG bob,carol :hi")
    assert bob.lines() == [":alice!alice@host PRIVMSG bob :hi"]
    (line,) = carol.messages()
    tags = dict(line.tags)
    assert tags.pop("msgid") != "fake"
    assert tags == {"+x": "a b", "+y": ""}


@pytest.mark.parametrize("tag", ["+draft/reply=123", "+draft/react=y"])
@pytest.mark.parametrize("line", ["PRIVMSG #a :hi", "TAGMSG #a"])
def test_replies_and_reactions_are_relayed_and_go_through_the_log(tag: str, line: str) -> None:
    """The reply tag is sent by a client with the client-only prefix `+` and its value references
    the server provided ID of another message."""
    world = World(nodes=2)
    alice = world.register("alice")
    bob = world.register("bob", "message-tags", node=1)
    for client in (alice, bob):
        client.send("JOIN #a")
    bob.lines()
    before = len(world.log)
    alice.send(f"@{tag} {line}")
    assert len(world.log) == before + 1
    (message,) = bob.messages()
    name, _, value = tag.partition("=")
    assert dict(message.tags)[name] == value


def test_server_tags_come_before_client_only_tags() -> None:
    """Any server-initiated tags attached to messages MUST be included before client-only tags."""
    world = World()
    alice = world.register("alice", *TAGS)
    alice.send("@+x=1 PRIVMSG alice :hi")
    names = [name for name, _ in alice.messages()[0].tags]
    assert names == ["time", "msgid", "+x"]


def test_server_time_has_the_format_of_the_specification() -> None:
    """<value> ::= YYYY-MM-DDThh:mm:ss.sssZ"""
    world = World()
    alice = world.register("alice", "server-time")
    world.time_ms = 1_318_990_000_619
    alice.send("PRIVMSG alice :hi")
    alice.expect("@time=2011-10-19T02:06:40.620Z :alice!alice@host PRIVMSG alice hi")


def test_tagmsg_is_not_delivered_without_message_tags() -> None:
    """Servers MUST NOT deliver `TAGMSG` to clients that haven't negotiated the message tags
    capability."""
    world = World()
    alice = world.register("alice", "message-tags")
    bob = world.register("bob", "message-tags")
    carol = world.register("carol")
    for client in (alice, bob, carol):
        client.send("JOIN #a")
    for client in (alice, bob, carol):
        client.lines()
    alice.send("@+react=x TAGMSG #a", "@plain=1 TAGMSG #a")
    alice.expect_nothing()
    bob.expect("@+react=x :alice!alice@host TAGMSG #a", ":alice!alice@host TAGMSG #a")
    carol.expect_nothing()


@pytest.mark.parametrize("tag", ["+typing", "+draft/typing"])
def test_typing_notice_reaches_all_nodes_without_the_log(tag: str) -> None:
    world = World(nodes=2)
    alice = world.register("alice", *TAGS)
    bob = world.register("bob", "message-tags", node=1)
    carol = world.register("carol", "message-tags")
    for client in (alice, bob, carol):
        client.send("JOIN #a")
    for client in (alice, bob, carol):
        client.lines()
    before = len(world.log)
    alice.send(f"@{tag}=active TAGMSG #a", f"@{tag}=done TAGMSG bob", f"@{tag}=done TAGMSG @#a")
    assert len(world.log) == before
    bob.expect(
        f"@{tag}=active :alice!alice@host TAGMSG #a", f"@{tag}=done :alice!alice@host TAGMSG bob"
    )
    carol.expect(f"@{tag}=active :alice!alice@host TAGMSG #a")
    assert alice.commands() == ["TAGMSG"] * 3


def test_typing_notice_obeys_the_rules_of_speaking() -> None:
    """This message MUST be delivered to targets in the same way as `PRIVMSG` and `NOTICE`
    messages. This means for example, honouring channel membership, modes."""
    world = World()
    (alice,) = world.join("#a", "alice")
    eve = world.register("eve", "message-tags")
    eve.send("@+typing=active TAGMSG #a", "@+typing=active TAGMSG nobody")
    assert eve.commands() == ["404", "401"]
    alice.expect_nothing()


def test_list_of_nobody_is_no_recipient() -> None:
    """ERR_NORECIPIENT (411): returned by the PRIVMSG command to indicate the message wasn't
    delivered because there was no recipient given."""
    alice = World().register("alice")
    alice.send("PRIVMSG , :hello", "TAGMSG :", "NOTICE , :hello")
    assert alice.commands() == ["411", "461"]
