"""Bot mode (ircv3.net/specs/extensions/bot-mode)."""

from support.dialogue import World, parse


def test_isupport_names_the_letter_and_the_mode_can_be_set() -> None:
    """The value of the `BOT` token is the mode character which is used to enable bot mode."""
    world = World()
    client = world.connect()
    client.send("NICK robo", "USER robo 0 * :A bot")
    tokens = [word for line in client.messages() for word in line.parameters]
    assert "BOT=B" in tokens
    client.send("MODE robo +B")
    client.expect(":robo!robo@host MODE robo +B")
    client.send("MODE robo -B")
    client.expect(":robo!robo@host MODE robo -B")


def test_whois_says_that_it_is_a_bot() -> None:
    """When a client is marked as a bot, they are given a special numeric as part of their `WHOIS`
    response [...] `:<server> 335 <nick> <target> :<message>`"""
    world = World()
    robo, alice = world.register("robo"), world.register("alice")
    alice.send("WHOIS robo")
    assert "335" not in alice.commands()
    robo.send("MODE robo +B")
    alice.send("WHOIS robo")
    alice.expect_some(":roost.local 335 alice robo ...")


def test_who_has_a_flag() -> None:
    """When a `RPL_WHOREPLY` `(352)` numeric is returned for a bot, the character used as the value
    of the ISUPPORT `BOT` token is returned in the flags (alongside `H|G`)."""
    world = World()
    robo, alice = world.join("#a", "robo", "alice")
    robo.send("MODE robo +B")
    alice.send("WHO #a")
    flags = [line.parameters[-2] for line in alice.messages() if line.command == "352"]
    assert flags == ["H@B", "H"]


def test_all_that_a_bot_does_is_tagged_for_those_with_message_tags() -> None:
    """This tag SHOULD be added by the server to all commands sent by a bot (e.g. `PRIVMSG`, `JOIN`,
    `MODE`, `NOTICE`, and all others). [...] This tag MUST only be sent to users who have requested
    the `message-tags` capability. Servers MUST NOT send this tag with a value."""
    world = World(nodes=2)
    (operator,) = world.join("#a", "operator")
    alice = world.register("alice", "message-tags", "away-notify", "setname", node=1)
    plain = world.register("plain", "server-time", "account-tag")
    robo = world.register("robo", "message-tags", "echo-message")
    robo.send("MODE robo +B")
    for client in (alice, plain):
        client.send("JOIN #a")
    for client in (operator, alice, plain, robo):
        client.lines()
    robo.send(
        "JOIN #a",
        "PRIVMSG #a :hi",
        "NOTICE alice :psst",
        "@+typing=active TAGMSG #a",
        "@+react=x TAGMSG #a",
        "TOPIC #a :bots",
        "AWAY :tea",
        "SETNAME :Robot",
        "PART #a",
        "PRIVMSG robo :me",
        "QUIT",
    )
    tagged = alice.lines()
    assert [parse(line).command for line in tagged] == [
        *("JOIN", "PRIVMSG", "NOTICE", "TAGMSG", "TAGMSG", "AWAY", "SETNAME", "PART")
    ]
    for line in tagged:
        assert ("bot", "") in parse(line).tags
        assert "bot=" not in line
    assert not any(name == "bot" for line in plain.messages() for name, _ in line.tags)
    echo = [line for line in robo.messages() if line.command == "PRIVMSG"]
    assert all(("bot", "") in line.tags for line in echo)


def test_history_knows_who_was_a_bot() -> None:
    world = World()
    (robo,) = world.join("#a", "robo")
    alice = world.register("alice", "message-tags", "batch", "draft/chathistory")
    alice.send("JOIN #a")
    robo.send("MODE robo +B", "PRIVMSG #a :beep", "MODE robo -B", "PRIVMSG #a :by hand")
    live = [line.tags for line in alice.messages() if line.command == "PRIVMSG"]
    alice.send("CHATHISTORY LATEST #a * 2")
    shown = [line.tags for line in alice.messages() if line.command == "PRIVMSG"]
    assert [dict(tags).get("bot") for tags in shown] == ["", None]
    assert [dict(tags)["msgid"] for tags in live] == [dict(tags)["msgid"] for tags in shown]


def test_a_client_cannot_tag_itself() -> None:
    world = World()
    alice, bob = world.register("alice", "message-tags"), world.register("bob", "message-tags")
    alice.send("@bot PRIVMSG bob :beep")
    assert not any(name == "bot" for line in bob.messages() for name, _ in line.tags)
