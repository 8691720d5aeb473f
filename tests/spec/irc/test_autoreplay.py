"""Earlier messages for clients that cannot ask for them, when they enter a room."""

import pytest

from roost.chat.history import Answer, Query
from roost.chat.ids import AccountId
from roost.chat.settings import Settings
from roost.chat.state import Erasure
from roost.ircd.config import Config
from support.dialogue import Client, World

TIME = "[22:13Z]"


def town(lines: int = 15, *, nodes: int = 1, texts: int = 3) -> tuple[World, Client]:
    """Make a room in which alice has said something."""
    world = World(config=Config(autoreplay_lines=lines), nodes=nodes)
    alice = world.register("alice", "batch")
    alice.send("JOIN #a", *[f"PRIVMSG #a :text {number}" for number in range(texts)])
    alice.lines()
    return world, alice


def played(client: Client) -> list[str]:
    """Return and remove the texts of others that the client was sent."""
    return [line.parameters[1] for line in client.messages() if line.command == "PRIVMSG"]


def test_an_old_client_is_shown_what_was_said_after_the_names() -> None:
    world, _ = town(2)
    bob = world.register("bob")
    bob.send("JOIN #a", "PRIVMSG #a :hi")
    bob.expect(
        ":bob!bob@host JOIN #a",
        ":roost.local 353 bob = #a :@alice bob",
        ":roost.local 366 bob #a :End of /NAMES list",
        f":alice!alice@host PRIVMSG #a :{TIME} text 1",
        f":alice!alice@host PRIVMSG #a :{TIME} text 2",
    )


def test_who_knows_the_time_gets_it_as_a_tag() -> None:
    world, _ = town(1)
    bob = world.register("bob", "server-time")
    bob.send("JOIN #a")
    last = bob.lines()[-1]
    assert last.startswith("@time=2023-11-14T22:13:20.0")
    assert last.endswith("PRIVMSG #a :text 2")


@pytest.mark.parametrize("capability", ["batch", "draft/chathistory"])
def test_others_are_not_shown_it_unless_they_choose(capability: str) -> None:
    world, _ = town()
    bob = world.register("bob", capability, account="bob")
    bob.send("JOIN #a", "PART #a", "NS SET AUTOREPLAY-LINES 2", "JOIN #a", "PART #a")
    by_account = played(bob)
    # Who can ask for history does so: the account's choice is for the other clients.
    assert len(by_account) == (2 if capability == "batch" else 0)
    bob.send("AUTOREPLAY 1", "JOIN #a", "PART #a", "AUTOREPLAY off", "JOIN #a")
    assert len(played(bob)) == 1


def test_a_batch_holds_them_for_who_knows_batches() -> None:
    world, _ = town()
    bob = world.register("bob", "batch", "labeled-response", "message-tags")
    bob.send("AUTOREPLAY 2")
    bob.lines()
    bob.send("@label=x JOIN #a")
    lines = bob.lines()
    assert lines[0].startswith("@label=x :roost.local BATCH +")
    begin = next(n for n, line in enumerate(lines) if "chathistory #a" in line)
    # The answer to the line is over before.
    assert lines[begin - 1].startswith(":roost.local BATCH -")
    assert [line.split(";")[0].partition("=")[0] for line in lines[begin + 1 : -1]] == [
        "@batch"
    ] * 2


def test_choices_are_told_and_wrong_ones_explained() -> None:
    world, _ = town()
    bob = world.register("bob")
    bob.send("NS SET AUTOREPLAY-LINES 5", "AUTOREPLAY x", "AUTOREPLAY 1001", "AUTOREPLAY")
    told = [line.parameters[-1] for line in bob.messages()]
    wrong = (
        "*** AUTOREPLAY failed: The number of lines must be a number from 1 to 1000, OFF or DEFAULT"
    )
    assert told[0] == "You must be logged in to an account."
    assert told[1:3] == [wrong, wrong]
    assert "up to 15 earlier messages" in told[3]
    bob.send("AUTOREPLAY 200", "AUTOREPLAY OFF", "AUTOREPLAY default")
    assert [line.parameters[-1] for line in bob.messages()] == [
        "*** This client is shown up to 100 earlier messages of each room that you enter.",
        "*** This client is shown no earlier messages.",
        "*** This client is shown earlier messages as everybody's.",
    ]


def test_an_accounts_choice_is_remembered_and_a_sessions_moves_with_it() -> None:
    world, _ = town(nodes=2)
    bob = world.register("bob", account="bob")
    bob.send("NS SET AUTOREPLAY-LINES 2", "QUIT")
    again = world.register("bob", account="bob")
    again.send("JOIN #a", "PART #a", "AUTOREPLAY 1")
    assert len(played(again)) == 2
    world.kill(0)
    again.send("JOIN #a")
    assert len(played(again)) == 1


def test_nothing_comes_twice_or_is_missing_if_somebody_speaks_meanwhile() -> None:
    world, alice = town()
    bob = world.register("bob")
    world.is_log_stopped = True
    bob.send("JOIN #a")
    alice.send("PRIVMSG #a :live")
    world.is_log_stopped = False
    world.run()
    assert sorted(played(bob)) == sorted(["live", *[f"{TIME} text {n}" for n in range(3)]])


@pytest.mark.parametrize("capabilities", [(), ("server-time", "message-tags")])
def test_a_node_that_takes_over_shows_them_once(capabilities: tuple[str, ...]) -> None:
    world, _ = town(nodes=2)
    bob = world.register("bob", *capabilities)
    bob.sent.append(b"JOIN #a")
    world.submit(bob, len(bob.sent))
    # The JOIN is ordered and answered, but its node dies before history is.
    answer, world.history.answer = world.history.answer, lambda query: ()  # type: ignore[method-assign]
    output = world.servers[0].take_output()
    for command in output.commands:
        world.order(command)
    world.history.answer = answer  # type: ignore[method-assign]
    world.kill(0)
    world.run()
    lines = bob.messages()
    assert [line.command for line in lines].count("JOIN") == 1
    assert len([line for line in lines if line.command == "PRIVMSG"]) == 3
    bob.send("PRIVMSG #a :x", "PING 1")
    assert bob.commands() == ["PONG"]


def test_a_client_of_an_always_on_user_sees_the_rooms_it_is_put_into() -> None:
    world, alice = town()
    bob = world.register("bob", account="bob")
    bob.send("JOIN #a", "NS SET ALWAYS-ON on")
    bob.disconnect()
    alice.send("PRIVMSG #a :while you were out")
    again = world.connect()
    world.own(again, "bob")
    again.send("NICK bob", "USER bob 0 * :Bob")
    assert played(again)[-1] == f"{TIME} while you were out"
    alice.send("PRIVMSG #a :now")
    assert played(again) == ["now"]


def test_what_a_client_may_not_read_is_not_shown() -> None:
    world, alice = town()
    alice.send("MODE #a +i", "PART #a")
    bob = world.register("bob")
    bob.send("JOIN #a")
    assert played(bob) == []


def test_what_asks_a_client_to_answer_is_left_out_and_actions_keep_their_form() -> None:
    world, alice = town(texts=0)
    alice.send("PRIVMSG #a :\x01VERSION\x01", "PRIVMSG #a :\x01ACTION waves\x01", "NOTICE #a :n")
    bob = world.register("bob")
    bob.send("JOIN #a")
    lines = [line.parameters[1] for line in bob.messages() if line.command in ("PRIVMSG", "NOTICE")]
    assert lines == [f"\x01ACTION {TIME} waves\x01", f"{TIME} n"]


def test_the_date_is_told_of_what_is_old() -> None:
    world, _ = town(1)
    world.tick(86_400)
    bob = world.register("bob")
    bob.send("JOIN #a")
    assert played(bob) == ["[2023-11-14 22:13Z] text 2"]


def test_a_crowd_that_comes_back_asks_the_store_once_until_somebody_speaks() -> None:
    world, alice = town(2)
    asked: list[Query] = []
    answer = world.history.answer

    def count(query: Query) -> Answer:
        asked.append(query)
        return answer(query)

    world.history.answer = count  # type: ignore[method-assign]
    for number in range(3):
        client = world.register(f"p{number}")
        client.send("JOIN #a")
        assert played(client) == [f"{TIME} text 1", f"{TIME} text 2"]
    assert len(asked) == 1
    alice.send("PRIVMSG #a :news")
    late = world.register("late")
    late.send("JOIN #a")
    assert played(late) == [f"{TIME} text 2", f"{TIME} news"]
    assert len(asked) == 2


def test_a_store_that_cannot_answer_is_not_a_failed_join() -> None:
    world, _ = town()
    server = world.servers[0]
    real = world.answer

    def fail(_node: int, ticket: int, _query: object) -> None:
        server.answer_failed(ticket, "gone")

    world.answer = fail  # type: ignore[method-assign]
    bob = world.register("bob")
    bob.send("JOIN #a")
    assert bob.commands() == ["JOIN", "353", "366"]
    world.answer = real  # type: ignore[method-assign]
    bob.send("PING 1")
    assert bob.commands() == ["PONG"]


def test_no_choice_is_proposed_while_older_nodes_could_not_read_it() -> None:
    world, _ = town()
    world.state.version = 1
    bob = world.register("bob")
    bob.send("AUTOREPLAY 5")
    assert "upgrade" in bob.lines()[0].lower()
    assert not world.state.failed_entries
    assert world.state.settings == Settings()


def absent(world: World, *capabilities: str) -> Client:
    """Make bob, who is always on and has no client."""
    bob = world.register("bob", *capabilities, account="bob")
    bob.send("NS SET ALWAYS-ON on")
    bob.disconnect()
    world.tick(1)
    return bob


def back(world: World, *capabilities: str) -> Client:
    client = world.connect()
    world.own(client, "bob")
    if capabilities:
        client.send(f"CAP REQ :{' '.join(capabilities)}")
    client.send("NICK bob", "USER bob 0 * :Bob", "CAP END")
    return client


def test_private_messages_of_an_absence_are_shown_to_the_first_client() -> None:
    world, alice = town()
    carol = world.register("carol")
    bob = world.register("bob", account="bob")
    alice.send("PRIVMSG bob :before")
    bob.send("PRIVMSG alice :mine", "QUIT")
    absent(world)
    carol.send("PRIVMSG bob :from carol")
    alice.send("PRIVMSG bob :one", "NOTICE bob :two", "PRIVMSG bob :\x01VERSION\x01")
    again = back(world)
    shown = [line for line in again.messages() if line.command in ("PRIVMSG", "NOTICE")]
    assert [(line.source.partition("!")[0], *line.parameters) for line in shown] == [
        ("carol", "bob", f"{TIME} from carol"),
        ("alice", "bob", f"{TIME} one"),
        ("alice", "bob", f"{TIME} two"),
    ]
    alice.send("PRIVMSG bob :now")
    assert played(again) == ["now"]
    second = back(world)
    assert played(second) == []
    again.send("QUIT")
    second.send("QUIT")
    assert played(back(world)) == []


def test_who_can_ask_for_private_messages_is_not_shown_them() -> None:
    world, alice = town()
    absent(world)
    alice.send("PRIVMSG bob :one")
    assert played(back(world, "draft/chathistory", "batch")) == []


def test_what_is_erased_from_history_is_not_shown_from_memory() -> None:
    world, _ = town(1)
    world.register("bob").send("JOIN #a")
    world.state.erasures[AccountId(1)] = Erasure((), world.state.position)
    world.history.answer = lambda query: ()  # type: ignore[method-assign]
    carol = world.register("carol")
    carol.send("JOIN #a")
    assert played(carol) == []
