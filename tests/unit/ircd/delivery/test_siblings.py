"""Several clients of one user: each sees what the others do, live and after a move."""

import pytest

from roost.chat.commands.sessions import ExpireAbsent
from roost.chat.commands.users import SetAlwaysOn
from roost.chat.ids import SessionId
from roost.chat.settings import Settings
from support.chat_invariants import check_invariants
from support.dialogue import Client, World
from unit.ircd.serving.test_takeover import cut_off, move

TAGGED = ("message-tags", "server-time")
MASK = ":alice!alice@host"


def two_clients(
    world: World, *capabilities: str, node: int = 0, other_node: int = 0
) -> tuple[Client, Client]:
    """Return the desktop and the phone of alice, who is in no room."""
    desk = world.register("alice", *capabilities, account="alice", node=node)
    phone = world.register("alice", *capabilities, account="alice", node=other_node)
    return desk, phone


# Joining


def test_second_client_of_an_account_joins_its_user_and_nobody_else_notices() -> None:
    world = World()
    bob, _ = world.join("#a", "bob", "carol")
    desk = world.register("alice", account="alice")
    desk.send("JOIN #a")
    desk.lines()
    bob.send("MONITOR + alice")
    bob.lines()
    world.register("alice", account="alice")
    bob.expect_nothing()
    desk.expect_nothing()
    assert len(world.state.users) == 3
    check_invariants(world.state)


def test_nickname_of_another_account_or_none_is_in_use() -> None:
    world = World()
    world.register("alice", account="alice")
    for account in ("", "eve"):
        rival = world.connect()
        if account:
            world.own(rival, account)
        rival.send("NICK alice", "USER eve 0 * :Eve")
        assert rival.commands() == ["433"]


def test_joining_client_is_told_of_the_rooms_after_the_welcome() -> None:
    world = World()
    desk = world.register("alice", account="alice")
    desk.send("JOIN #a,#b", "TOPIC #b :eggs", "AWAY :tea")
    phone = world.register("ALICE", account="alice")
    phone.expect(
        ":alice!alice@host JOIN #a",
        ":roost.local 353 alice = #a @alice",
        ":roost.local 366 alice #a :End of /NAMES list",
        ":alice!alice@host JOIN #b",
        ":roost.local 332 alice #b eggs",
        ":roost.local 333 alice #b ...",
        ":roost.local 353 alice = #b @alice",
        ":roost.local 366 alice #b :End of /NAMES list",
        ":roost.local 306 alice :You have been marked as being away",
    )
    tablet = world.register("alice", "extended-join", account="alice")
    tablet.expect_some(":alice!alice@host JOIN #a alice Alice")


def test_each_client_speaks_and_asks_for_the_same_user() -> None:
    world = World()
    bob = world.join("#a", "bob")[0]
    desk, phone = two_clients(world)
    desk.send("JOIN #a")
    for client in (desk, phone, bob):
        client.lines()
    phone.send("PRIVMSG #a :from the phone")
    desk.expect(f"{MASK} PRIVMSG #a :from the phone")
    bob.expect(f"{MASK} PRIVMSG #a :from the phone")
    phone.expect_nothing()
    bob.send("PRIVMSG alice :psst")
    desk.expect(":bob!bob@host PRIVMSG alice psst")
    phone.expect(":bob!bob@host PRIVMSG alice psst")


# Each other's doings

DOINGS = [
    ("PRIVMSG #a :hi", [f"{MASK} PRIVMSG #a hi"]),
    ("PRIVMSG @#a :psst", [f"{MASK} PRIVMSG @#a psst"]),
    ("PRIVMSG #open :into the open", [f"{MASK} PRIVMSG #open :into the open"]),
    ("PRIVMSG bob :hello", [f"{MASK} PRIVMSG bob hello"]),
    ("NOTICE bob :hello", [f"{MASK} NOTICE bob hello"]),
    ("PRIVMSG alice :to myself", [f"{MASK} PRIVMSG alice :to myself"]),
    ("@+react=x TAGMSG bob", ["@+react=x :alice!alice@host TAGMSG bob"]),
    ("@+typing=active TAGMSG bob", ["@+typing=active :alice!alice@host TAGMSG bob"]),
    ("@+typing=active TAGMSG #a", ["@+typing=active :alice!alice@host TAGMSG #a"]),
    ("@+typing=active TAGMSG #open", ["@+typing=active :alice!alice@host TAGMSG #open"]),
    ("@+typing=active TAGMSG @#a", ["@+typing=active :alice!alice@host TAGMSG @#a"]),
    ("PART #a :bye", [f"{MASK} PART #a bye"]),
    ("NICK alicia", [f"{MASK} NICK alicia"]),
    ("AWAY :tea", [":roost.local 306 alice :You have been marked as being away"]),
    ("AWAY", [":roost.local 305 alice :You are no longer marked as being away"]),
    ("SETNAME :Al", [f"{MASK} SETNAME Al"]),
    ("MODE alice +i", [f"{MASK} MODE alice +i"]),
    ("TOPIC #b :eggs", [f"{MASK} TOPIC #b eggs"]),
    ("MODE #b +m", [f"{MASK} MODE #b +m"]),
    (
        "JOIN #c",
        [
            f"{MASK} JOIN #c",
            ":roost.local 332 alice #c :see here",
            ":roost.local 333 alice #c ...",
            ":roost.local 353 alice = #c :@bob alice",
            ":roost.local 366 alice #c :End of /NAMES list",
        ],
    ),
    ("MONITOR + bob", []),
    ("WHOIS bob", []),
    ("PRIVMSG nobody :hello", []),
    ("JOIN", []),
    ("QUIT :not the end", []),
]


def scene(world: World, *, other_node: int = 0) -> tuple[Client, Client]:
    bob = world.register("bob")
    bob.send("JOIN #a", "JOIN #c", "TOPIC #c :see here", "JOIN #open", "MODE #open -n")
    desk, phone = two_clients(world, "setname", *TAGGED, other_node=other_node)
    desk.send("JOIN #a,#b")
    for client in (desk, phone):
        client.lines()
    return desk, phone


@pytest.mark.parametrize(("line", "shown"), DOINGS, ids=[line for line, _ in DOINGS])
@pytest.mark.parametrize("other_node", [0, 1])
def test_what_one_client_does_the_other_sees(line: str, shown: list[str], other_node: int) -> None:
    world = World(nodes=2)
    desk, phone = scene(world, other_node=other_node)
    desk.send(line)
    phone.expect(*shown)


@pytest.mark.parametrize(("line", "shown"), DOINGS, ids=[line for line, _ in DOINGS])
def test_what_one_client_did_the_other_is_shown_when_it_has_moved(
    line: str, shown: list[str]
) -> None:
    world = World(nodes=3)
    desk, phone = scene(world, other_node=1)
    served = cut_off(world, phone)
    desk.send(line)
    move(world, phone, 2, served)
    # A typing notice may be lost.
    phone.expect(*([] if "typing" in line else shown))


def test_rooms_that_one_client_enters_are_the_others_too() -> None:
    world = World(nodes=2)
    bob = world.register("bob")
    bob.send("JOIN #a")
    desk, phone = two_clients(world, other_node=1)
    desk.send("JOIN #a")
    phone.lines()
    bob.send("PRIVMSG #a :hi")
    phone.expect(":bob!bob@host PRIVMSG #a hi")
    phone.send("PART #a")
    phone.expect(f"{MASK} PART #a")
    desk.lines()
    bob.send("PRIVMSG #a :gone?")
    desk.expect_nothing()
    phone.expect_nothing()


def test_a_room_that_was_entered_meanwhile_is_described_as_it_is_at_the_end() -> None:
    world = World(nodes=2)
    bob, carol = world.join("#a", "bob", "carol")
    desk, phone = two_clients(world, node=0, other_node=1)
    for client in (bob, carol, desk):
        move(world, client, 0, world.log[-1].position)
        client.lines()
    served = cut_off(world, phone)
    desk.send("JOIN #a,#b", "PART #b")
    bob.send("NICK gone", "QUIT")
    carol.send("NICK bob")
    move(world, phone, 0, served)
    phone.expect(
        f"{MASK} JOIN #a",
        f"{MASK} JOIN #b",
        f"{MASK} PART #b",
        ":bob!bob@host NICK gone",
        ":gone!bob@host QUIT :Quit: ",
        ":carol!carol@host NICK bob",
        ":roost.local 353 alice = #a :bob alice",
        ":roost.local 366 alice #a :End of /NAMES list",
    )


def test_both_are_addressed_by_the_new_nickname() -> None:
    world = World(nodes=2)
    desk, phone = two_clients(world, other_node=1)
    desk.send("NICK alicia")
    phone.lines()
    phone.send("PING x", "MOTD")
    assert all("alicia" in line for line in phone.lines() if " 37" in line)


def test_a_client_that_leaves_is_not_the_user_leaving() -> None:
    world = World()
    bob = world.register("bob")
    bob.send("JOIN #a")
    desk, phone = two_clients(world)
    desk.send("JOIN #a")
    bob.lines()
    desk.send("QUIT :enough")
    bob.expect_nothing()
    phone.disconnect()
    bob.expect(":alice!alice@host QUIT :Connection closed")


def test_kick_puts_out_every_client() -> None:
    world = World(nodes=2)
    bob = world.register("bob")
    bob.send("JOIN #a")
    desk, phone = two_clients(world, other_node=1)
    desk.send("JOIN #a")
    for client in (desk, phone):
        client.lines()
    bob.send("KICK #a alice :out", "PRIVMSG #a :finally")
    for client in (desk, phone):
        client.expect(":bob!bob@host KICK #a alice out")


# Taking over


def test_client_whose_welcome_was_lost_is_told_of_the_rooms_of_that_time() -> None:
    world = World(nodes=3)
    desk = world.register("alice", account="alice", node=1)
    desk.send("JOIN #a")
    bob = world.register("bob", node=1)
    bob.send("JOIN #a")
    phone = world.connect(node=0)
    world.own(phone, "alice")
    phone.sent = [b"NICK alice", b"USER alice 0 * :Alice"]
    world.submit(phone, 1)
    served = world.log[-1].position
    output = world.servers[0].take_output()
    world.servers[0].trunk_disconnected("b1")
    for command in output.commands:
        world.order(command)
    # It is open, and was told nothing. Meanwhile:
    bob.send("PRIVMSG #a :one")
    desk.send("JOIN #b")
    bob.send("PRIVMSG #a :two")
    move(world, phone, 2, served)
    lines = phone.lines()
    end = next(number for number, line in enumerate(lines) if " 376 " in line)
    phone.received = lines[end + 1 :]
    phone.expect(
        ":alice!alice@host JOIN #a",
        ":roost.local 353 alice = #a :@alice bob",
        ":roost.local 366 alice #a :End of /NAMES list",
        ":bob!bob@host PRIVMSG #a one",
        ":alice!alice@host JOIN #b",
        ":bob!bob@host PRIVMSG #a two",
        ":roost.local 353 alice = #b :@alice",
        ":roost.local 366 alice #b :End of /NAMES list",
    )
    bob.send("PRIVMSG #a :three")
    phone.expect(":bob!bob@host PRIVMSG #a three")


def test_own_lines_and_the_other_clients_are_told_apart_when_a_session_moves() -> None:
    world = World(nodes=3)
    desk, phone = two_clients(world, "echo-message", node=0, other_node=1)
    desk.send("JOIN #a")
    for client in (desk, phone):
        client.lines()
    served = cut_off(world, desk)
    phone.send("PRIVMSG #a :phone one")
    desk.sent.append(b"PRIVMSG #a :desk")
    move(world, desk, 2, served)
    phone.send("PRIVMSG #a :phone two")
    desk.expect(*(f"{MASK} PRIVMSG #a :{text}" for text in ("phone one", "desk", "phone two")))
    phone.expect(*(f"{MASK} PRIVMSG #a :{text}" for text in ("phone one", "desk", "phone two")))


def test_resuming_client_is_shown_its_own_lines_as_answers_and_the_others_always() -> None:
    world = World(nodes=2)
    desk = world.register("alice", "roost.chat/resume", *TAGGED, account="alice")
    phone = world.register("alice", *TAGGED, account="alice", node=1)
    desk.send("JOIN #a")
    token = token_of(desk)
    desk.lines()
    phone.lines()
    phone.send("PRIVMSG #a :seen")
    seen = desk.messages()[0].tags
    msgid = dict(seen)["msgid"]
    cut_off(world, desk)
    phone.send("PRIVMSG #a :missed", "PRIVMSG bob :refused", "JOIN #b")
    again = world.connect(node=1)
    again.send(f"CAP REQ :roost.chat/resume {' '.join(TAGGED)}", f"RESUME {token} {msgid}")
    again.send("CAP END")
    again.expect_some(
        f"{MASK} PRIVMSG #a missed",
        f"{MASK} JOIN #b",
        ":roost.local 353 alice = #b :@alice",
    )


def token_of(client: Client) -> str:
    client.send("CAP REQ :-roost.chat/resume", "CAP REQ :roost.chat/resume")
    return client.messages()[-1].parameters[1]


# Always on


def always_on(world: World, client: Client) -> None:
    session = world.state.sessions[SessionId(client.session)]
    world.act(client, SetAlwaysOn(True))
    assert world.state.always_on == {"alice": session.user}


def test_who_is_always_on_goes_away_and_comes_back_instead_of_leaving() -> None:
    world = World(nodes=2)
    bob = world.register("bob", "away-notify", node=1)
    bob.send("JOIN #a")
    desk = world.register("alice", account="alice")
    desk.send("JOIN #a")
    always_on(world, desk)
    bob.lines()
    desk.send("QUIT :later")
    bob.expect(":alice!alice@host AWAY Auto-away")
    check_invariants(world.state)
    bob.send("PRIVMSG #a :are you there?", "PRIVMSG alice :psst")
    bob.expect(":roost.local 301 bob alice Auto-away")
    phone = world.register("alice", "draft/chathistory", account="alice")
    bob.expect(":alice!alice@host AWAY")
    phone.expect(
        ":alice!alice@host JOIN #a",
        ":roost.local 353 alice = #a :@bob alice",
        ":roost.local 366 alice #a :End of /NAMES list",
    )
    phone.send("CHATHISTORY LATEST #a * 10", "CHATHISTORY LATEST bob * 10")
    phone.expect(":bob!bob@host PRIVMSG #a :are you there?", ":bob!bob@host PRIVMSG alice psst")
    check_invariants(world.state)


def test_own_away_message_outlasts_the_absence() -> None:
    world = World()
    desk = world.register("alice", account="alice")
    desk.send("AWAY :on holiday")
    always_on(world, desk)
    desk.disconnect()
    phone = world.register("alice", account="alice")
    phone.expect(":roost.local 306 alice :You have been marked as being away")
    assert next(iter(world.state.users.values())).away == "on holiday"


def test_client_of_who_is_always_on_becomes_that_user_whatever_nickname_it_asks_for() -> None:
    world = World()
    desk = world.register("alice", account="alice")
    desk.send("JOIN #a")
    always_on(world, desk)
    desk.disconnect()
    phone = world.connect()
    world.own(phone, "alice")
    phone.send("NICK alice_", "USER alice 0 * :Alice")
    phone.expect_some(":roost.local 001 alice ...", ":alice!alice@host JOIN #a")


def test_restart_of_the_balancer_leaves_who_is_always_on() -> None:
    world = World()
    bob = world.register("bob")
    desk = world.register("alice", account="alice")
    always_on(world, desk)
    world.restart_balancer()
    assert [user.nick for user in world.state.users.values()] == ["alice"]
    assert bob.is_closed
    check_invariants(world.state)


def test_whois_tells_that_nobody_is_connected() -> None:
    world = World()
    bob = world.register("bob")
    desk = world.register("alice", account="alice")
    always_on(world, desk)
    desk.disconnect()
    bob.send("WHOIS alice")
    bob.expect_some(
        ":roost.local 301 bob alice Auto-away",
        ":roost.local 330 bob alice alice :is logged in as",
        ":roost.local 320 bob alice :is always on, with no client since ...",
    )
    bob.send("WHO alice")
    bob.expect_some(":roost.local 352 bob * alice host roost.local alice G :0 Alice")
    bob.send("WHOIS alice")
    assert "671" not in bob.commands()


def test_who_never_comes_back_leaves_at_last() -> None:
    world = World(settings=Settings(always_on_days_max=2))
    bob, _ = world.join("#a", "bob", "carol")
    desk = world.register("alice", account="alice")
    desk.send("JOIN #a")
    always_on(world, desk)
    desk.disconnect()
    bob.lines()
    world.time_ms += 2 * 24 * 60 * 60 * 1000 - 10
    world.order(ExpireAbsent())
    world.run()
    bob.expect_nothing()
    world.time_ms += 10
    world.order(ExpireAbsent())
    world.run()
    bob.expect(":alice!alice@host QUIT :No client for too long")
    assert not world.state.always_on
    assert not world.state.absent


# Limits


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (
            Settings(sessions_per_user_max=2),
            "Too many clients under your nickname, the limit is 2",
        ),
        (
            Settings(sessions_per_account_max=2),
            "Too many clients logged in to your account, the limit is 2",
        ),
        (
            Settings(sessions_per_address_max=2),
            "Too many clients from your address, the limit is 2",
        ),
    ],
)
def test_client_too_many_is_told_which_limit_it_met(settings: Settings, reason: str) -> None:
    world = World(nodes=3, settings=settings)
    for node in (0, 1):
        world.register("alice", account="alice", address="192.0.2.1", node=node)
    third = world.connect(address="192.0.2.1", node=2)
    world.own(third, "alice")
    third.send("NICK alice", "USER alice 0 * :Alice")
    third.expect(f"ERROR :Closing link: 192.0.2.1 ({reason})")
    assert third.is_closed
