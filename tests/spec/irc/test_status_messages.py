"""Messages to some of a room (modern.ircdocs.horse, "STATUSMSG Parameter")."""

import pytest

from support.dialogue import Client, World


@pytest.fixture
def people() -> tuple[World, dict[str, Client]]:
    """Return alice, the operator of #a; bob, who has voice; carol; and dora, who is not there."""
    world = World(nodes=2)
    everything = ("echo-message", "labeled-response", "batch", "draft/chathistory")
    clients = {
        nick: world.register(nick, *everything) for nick in ("alice", "bob", "carol", "dora")
    }
    for nick in ("alice", "bob", "carol"):
        clients[nick].send("JOIN #a")
    clients["alice"].send("MODE #a +v bob")
    for client in clients.values():
        client.lines()
    return world, clients


@pytest.mark.parametrize("verb", ["PRIVMSG", "NOTICE"])
def test_they_reach_those_who_have_the_status_or_a_higher_one(
    people: tuple[World, dict[str, Client]], verb: str
) -> None:
    """The server supports a method for clients to send a message via the PRIVMSG / NOTICE commands
    to those people on a channel with (one of) the specified channel membership prefixes."""
    _, clients = people
    clients["carol"].send(f"{verb} +#a :voices", f"{verb} @#a :operators", f"{verb} @+#a :both")
    source = f":carol!carol@host {verb}"
    voices, operators, both = (
        f"{source} +#a voices",
        f"{source} @#a operators",
        f"{source} +#a both",
    )
    clients["alice"].expect(voices, operators, both)
    clients["bob"].expect(voices, both)
    # The one who sent them is echoed each, and is given nothing else.
    clients["carol"].expect(voices, operators, both)


def test_they_are_answered_under_their_label_and_kept_out_of_history(
    people: tuple[World, dict[str, Client]],
) -> None:
    _, clients = people
    clients["bob"].send("@label=1 PRIVMSG @#a :psst")
    clients["bob"].expect("@label=1 :bob!bob@host PRIVMSG @#a psst")
    for nick in ("alice", "bob"):
        clients[nick].lines()
        clients[nick].send("CHATHISTORY LATEST #a * 10")
        assert "psst" not in str(clients[nick].lines())


def test_who_may_not_speak_in_the_room_may_not_speak_to_some_of_it(
    people: tuple[World, dict[str, Client]],
) -> None:
    _, clients = people
    clients["dora"].send("PRIVMSG @#a :x")
    clients["dora"].expect(
        ":roost.local 404 dora @#a :Cannot send to channel: you are not in it (+n)"
    )
    clients["alice"].send("MODE #a +m")
    clients["carol"].lines()
    clients["carol"].send("PRIVMSG @#a :x", "PRIVMSG @#none :x")
    assert clients["carol"].commands() == ["404", "403"]


def test_a_session_that_moved_is_shown_what_its_status_let_it_see(
    people: tuple[World, dict[str, Client]],
) -> None:
    world, clients = people
    position = world.log[-1].position
    clients["carol"].send("PRIVMSG @#a :operators", "PRIVMSG +#a :voices")
    for nick in ("alice", "bob"):
        client = clients[nick]
        live = client.lines()
        client.node, client.generation = 1, client.generation + 1
        world.attach(client, position)
        assert client.lines() == live
