"""The draft of webpush: phones are told of messages while their user is away."""

import pytest

from roost.chat.ids import AccountId
from roost.ircd.config import Config
from roost.ircd.push_config import PushConfig
from roost.ircd.push_keys import public_key
from roost.ircd.sessions.work import SendPush
from support.dialogue import SECRET, Client, World
from support.push_service import Device

ENDPOINT = "https://push.example/device"
PHONE = Device()
REGISTER = f"WEBPUSH REGISTER {ENDPOINT} {PHONE.keys}"
CONFIG = Config(push=PushConfig(contact="mailto:admin@example.org"))


def town(*, nodes: int = 1) -> tuple[World, Client]:
    """Make a room with alice, who has a phone."""
    world = World(config=CONFIG, nodes=nodes)
    world.servers[0].is_in_charge = True
    alice = world.register("alice", "message-tags", "draft/webpush", account="alice")
    alice.send("JOIN #a", REGISTER)
    assert alice.lines()[-1] == f":roost.local WEBPUSH REGISTER {ENDPOINT}"
    return world, alice


def pushed(world: World) -> list[str]:
    """Return and remove what was sent to phones: the messages without their tags."""
    sent = [work for _, _, work in world.jobs if isinstance(work, SendPush)]
    world.jobs.clear()
    return [work.payload.decode().partition(" :")[2] for work in sent]


def hold(world: World) -> None:
    """Keep pushes, so that a test can see them."""
    world.is_hashing_stopped = True


def test_it_is_offered_with_its_key_only_if_it_is_configured() -> None:
    world, _ = town()
    bob = world.connect()
    bob.send("CAP LS 302", "CAP REQ soju.im/webpush", "NICK bob", "USER b 0 * :b", "CAP END")
    text = "\n".join(bob.lines())
    assert "draft/webpush" in text
    assert "ACK :soju.im/webpush" in text
    assert f" VAPID={public_key(SECRET)} " in text
    bob.send("WEBPUSH VAPIDPUBKEY")
    bob.expect(f":roost.local WEBPUSH VAPIDPUBKEY {public_key(SECRET)}")
    other = World()
    carol = other.connect()
    carol.send("CAP LS 302", "CAP REQ :draft/webpush", "NICK c", "USER c 0 * :c", "CAP END")
    text = "\n".join(carol.lines())
    assert text.count("webpush") == 1
    assert "NAK :draft/webpush" in text
    assert "VAPID" not in text
    carol.send(REGISTER)
    assert "FAIL WEBPUSH FORBIDDEN REGISTER" in carol.lines()[0]


def test_a_private_message_to_who_is_away_is_pushed() -> None:
    """Each push notification MUST contain exactly one IRC message as the payload, without the final
    CRLF. [...] Servers MUST NOT drop the `msgid` tag if present."""
    world, alice = town()
    bob = world.register("bob", account="bob")
    hold(world)
    bob.send("PRIVMSG alice :while you are here")
    assert pushed(world) == []
    alice.send("AWAY :tea")
    bob.send("PRIVMSG alice :call me", "NOTICE alice :no", "PRIVMSG alice :\x01VERSION\x01")
    (_, _, work) = world.jobs[0]
    assert isinstance(work, SendPush)
    assert (work.endpoint, work.public_key, work.secret) == (ENDPOINT, PHONE.point, PHONE.secret)
    assert ENDPOINT not in repr(work)
    tags, _, line = work.payload.decode().partition(" ")
    assert tags.startswith("@msgid=")
    assert line == ":bob!bob@host PRIVMSG alice :call me"
    assert pushed(world) == ["bob!bob@host PRIVMSG alice :call me"]


def test_in_rooms_only_who_is_named_is_told() -> None:
    world, alice = town()
    bob, carol = world.register("bob"), world.register("carol")
    for client in (bob, carol):
        client.send("JOIN #a")
    alice.send("AWAY :tea")
    hold(world)
    bob.send("PRIVMSG #a :hello all", "PRIVMSG #a :malice", "PRIVMSG #a :Alice: tea?")
    bob.send("PRIVMSG #a :\x01ACTION pokes ALICE.\x01", "PRIVMSG @#a :alice, ops")
    alice.send("PRIVMSG #a :I am alice")
    texts = [text.partition("PRIVMSG ")[2] for text in pushed(world)]
    assert texts == ["#a :Alice: tea?", "#a :\x01ACTION pokes ALICE.\x01", "@#a :alice, ops"]
    bob.send("JOIN #b", "PRIVMSG #b :alice is not here")
    assert pushed(world) == []


def test_a_status_message_is_told_only_to_whom_it_is_shown() -> None:
    world, alice = town()
    bob = world.register("bob")
    alice.send("MODE #a -o alice", "AWAY :tea")
    bob.send("JOIN #a")
    hold(world)
    bob.send("PRIVMSG @#a :alice is no operator")
    assert pushed(world) == []


def test_an_always_on_user_without_a_client_is_told() -> None:
    world, alice = town()
    bob = world.register("bob")
    alice.send("NS SET ALWAYS-ON on")
    alice.disconnect()
    hold(world)
    bob.send("PRIVMSG alice :come back")
    assert pushed(world) == ["bob!bob@host PRIVMSG alice :come back"]


def test_one_node_pushes_each_message() -> None:
    world, alice = town(nodes=3)
    bob = world.register("bob", node=1)
    alice.send("AWAY :tea")
    hold(world)
    bob.send("PRIVMSG alice :once")
    assert len(pushed(world)) == 1
    world.servers[0].is_in_charge, world.servers[2].is_in_charge = False, True
    bob.send("PRIVMSG alice :again")
    assert len(pushed(world)) == 1


def test_old_news_is_not_pushed_by_a_node_that_has_just_caught_up() -> None:
    world, alice = town(nodes=2)
    bob = world.register("bob")
    alice.send("AWAY :tea")
    hold(world)
    bob.send("PRIVMSG alice :old")
    old = world.log[-1]
    world.jobs.clear()
    world.tick(61)
    world.servers[1].is_in_charge = True
    world.servers[1].show(old)
    world.run()
    assert pushed(world) == []


def test_a_device_that_is_gone_is_forgotten() -> None:
    world, alice = town()
    gone = f"{ENDPOINT}/gone"
    alice.send(f"WEBPUSH REGISTER {gone} {PHONE.keys}", "AWAY :tea")
    (account,) = world.state.accounts.values()
    assert list(account.pushes) == [ENDPOINT, gone]
    world.register("bob").send("PRIVMSG alice :hello")
    assert list(account.pushes) == [ENDPOINT]


def test_a_device_is_unregistered_and_nothing_is_said_of_unknown_ones() -> None:
    """Servers MUST silently ignore `UNREGISTER` commands for non-existing subscriptions."""
    world, alice = town()
    alice.send("WEBPUSH UNREGISTER https://push.example/other")
    alice.expect_nothing()
    alice.send(f"WEBPUSH unregister {ENDPOINT}")
    alice.expect(f":roost.local WEBPUSH UNREGISTER {ENDPOINT}")
    assert not next(iter(world.state.accounts.values())).pushes


def test_a_device_replaces_itself_and_the_oldest_goes_when_there_are_too_many() -> None:
    """Servers MUST replace any previous subscription with the same `<endpoint>`."""
    world, alice = town()
    position = world.state.position
    alice.send(REGISTER)
    assert world.state.position == position, "nothing has changed, so the log need not know"
    other = Device()
    alice.send(f"WEBPUSH REGISTER {ENDPOINT} {other.keys}")
    (account,) = world.state.accounts.values()
    assert [device.public_key for device in account.pushes.values()] == [other.point]
    for number in range(10):
        alice.send(f"WEBPUSH REGISTER {ENDPOINT}{number} {PHONE.keys}")
    assert list(account.pushes) == [f"{ENDPOINT}{number}" for number in range(10)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("WEBPUSH", "461"),
        ("WEBPUSH REGISTER", "INVALID_PARAMS"),
        ("WEBPUSH REGISTER https://push.example/x", "INVALID_PARAMS"),
        ("WEBPUSH OTHER x", "INVALID_PARAMS"),
        (f"WEBPUSH REGISTER http://push.example/x {PHONE.keys}", "INVALID_PARAMS"),
        (f"WEBPUSH REGISTER https://127.0.0.1/x {PHONE.keys}", "INVALID_PARAMS"),
        ("WEBPUSH REGISTER https://push.example/x p256dh=x;auth=y", "INVALID_PARAMS"),
        ("WEBPUSH REGISTER https://push.example/x auth=AAAAAAAAAAAAAAAAAAAAAA", "INVALID_PARAMS"),
        (f"WEBPUSH REGISTER https://push.example/x {PHONE.keys}AAAA", "INVALID_PARAMS"),
    ],
)
def test_what_cannot_be_registered_is_explained(line: str, code: str) -> None:
    _, alice = town()
    alice.send("CAP REQ standard-replies", line)
    (_, answer) = alice.messages()
    assert code in (answer.command, answer.parameters[1])


def test_an_account_is_needed_and_dropping_it_drops_the_devices() -> None:
    world, alice = town()
    bob = world.register("bob", "standard-replies")
    bob.send(REGISTER)
    bob.expect(
        f":roost.local FAIL WEBPUSH FORBIDDEN REGISTER {ENDPOINT} :Log in to an account first"
    )
    alice.send("AWAY :tea")
    hold(world)
    alice.disconnect()
    bob.send("PRIVMSG alice :gone")
    assert pushed(world) == []
    assert AccountId(0) not in world.state.account_names


def test_a_message_rings_only_so_many_phones() -> None:
    world, _ = town()
    names = [f"p{number}" for number in range(30)]
    for name in names:
        client = world.register(name, account=name)
        client.send("JOIN #a", REGISTER, "AWAY :tea")
    hold(world)
    world.register("bob").send("JOIN #a", f"PRIVMSG #a :{' '.join(names)}")
    assert len(pushed(world)) == 20
