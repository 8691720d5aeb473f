"""Addresses are cloaked: nobody learns where somebody else lives, and bans work all the same."""

import pytest

from roost.chat.cloaks import cloak_of
from roost.chat.commands.administration import FoundCluster
from roost.chat.settings import Settings
from roost.chat.snapshot import decode_state, encode_state
from roost.chat.state import State
from support.dialogue import SECRET, Client, World

ADDRESS = "203.0.113.7"
SAME_24 = "203.0.113.200"
SAME_16 = "203.0.9.9"
ELSEWHERE = "198.51.100.7"
EVERYTHING = (
    "account-notify",
    "away-notify",
    "batch",
    "chghost",
    "draft/chathistory",
    "draft/event-playback",
    "echo-message",
    "extended-join",
    "extended-monitor",
    "invite-notify",
    "message-tags",
    "server-time",
    "setname",
    "userhost-in-names",
)


def world_of(*, nodes: int = 1) -> World:
    return World(settings=Settings(cloak_addresses=True), nodes=nodes)


def cloak(world: World, address: str) -> str:
    return cloak_of(world.state, address)


def operator(world: World, client: Client) -> None:
    user = world.state.users[world.state.sessions[client.session].user]  # type: ignore[index]
    user.modes = "o"


def test_nobody_sees_an_address_in_any_line() -> None:
    world = world_of()
    bob = world.register("bob", *EVERYTHING, address=ELSEWHERE)
    old = world.register("old", address=ELSEWHERE)
    bob.send("MONITOR + alice,ally", "JOIN #a")
    old.send("JOIN #a")
    alice = world.register("alice", *EVERYTHING, account="alice", address=ADDRESS)
    alice.send("JOIN #a", "PRIVMSG #a :hello", "PRIVMSG bob :psst", "TAGMSG #a", "NOTICE old :x")
    bob.send("MODE #a +o alice")
    alice.send("TOPIC #a :tea", "MODE #a +b x!*@*", "MODE #a +v bob", "INVITE old #b", "AWAY :tea")
    alice.send("SETNAME :A", "NICK ally", "NS LOGOUT", "KICK #a old :out", "PART #a :later", "AWAY")
    for client in (bob, old):
        client.send(
            "WHOIS ally", "WHO ally", "WHO ally %tcuihsnfdlaor,7", "WHO *.ip", "USERHOST ally"
        )
        client.send("NAMES #a", "TOPIC #a", "MODE #a +b", f"WHO *{ADDRESS}*", f"WHO {ADDRESS}")
    alice.send("JOIN #a", "JOIN #c", "QUIT :bye")
    for client in (bob, old):
        client.send("WHOWAS ally", "WHOWAS al*")
        client.send("CHATHISTORY LATEST #a * 50", "CHATHISTORY LATEST ally * 50")
    seen = bob.lines() + old.lines()
    # A question is repeated as it was asked.
    assert not [line for line in seen if "203.0" in line and " 315 " not in line]
    assert [line for line in seen if cloak(world, ADDRESS) in line]


def test_a_vhost_is_shown_instead_and_taking_it_away_shows_the_cloak() -> None:
    world = world_of()
    bob = world.register("bob", "chghost")
    alice = world.register("alice", account="alice", address=ADDRESS)
    for client in (alice, bob):
        client.send("JOIN #a")
    operator(world, bob)
    bob.lines()
    bob.send("HS SET alice tea.house", "HS DEL alice")
    shown = [line for line in bob.lines() if "CHGHOST" in line]
    hidden = cloak(world, ADDRESS)
    assert shown == [
        f":alice!alice@{hidden} CHGHOST alice tea.house",
        f":alice!alice@tea.house CHGHOST alice {hidden}",
    ]


def test_oneself_and_operators_see_the_address() -> None:
    world = world_of()
    alice = world.register("alice", address=ADDRESS)
    olga = world.register("olga")
    operator(world, olga)
    for client in (alice, olga):
        client.send("WHOIS alice")
        assert f"alice@{ADDRESS} {ADDRESS}" in "\n".join(client.lines())


def test_a_cloak_has_a_label_for_each_size_of_network() -> None:
    world = world_of()
    mine = cloak(world, ADDRESS).split(".")
    assert len(mine) == 4
    assert cloak(world, SAME_24).split(".")[1:] == mine[1:]
    assert cloak(world, SAME_16).split(".")[2:] == mine[2:]
    assert not set(cloak(world, ELSEWHERE).split(".")[:3]) & set(mine)
    assert cloak(world, "2001:db8:0:1::7") == cloak(world, "2001:db8::1:f:f:f:f")
    assert (
        cloak(world, "2001:db8:0:2::7").split(".")[1:] == cloak(world, "2001:db8::").split(".")[1:]
    )
    assert cloak(world, f"::ffff:{ADDRESS}") == cloak(world, ADDRESS)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "0::1", "host", ""])
def test_what_tells_nothing_is_not_cloaked(host: str) -> None:
    assert cloak(world_of(), host) == ""


def test_another_cluster_has_other_cloaks() -> None:
    ours, theirs = world_of(), world_of()
    theirs.state.secret = SECRET[::-1]
    assert cloak(ours, ADDRESS) != cloak(theirs, ADDRESS)


def banned(world: World, mask: str, address: str, room: str = "#a") -> bool:
    """Return whether somebody from an address is kept out by a ban."""
    boss = world.register("boss")
    boss.send(f"JOIN {room}", f"MODE {room} +b {mask}")
    world.own(client := world.connect(address=address), "carol")
    client.send("NICK carol", "USER carol 0 * :Carol")
    client.lines()
    client.send(f"JOIN {room}")
    return "474" in client.commands()


@pytest.mark.parametrize(
    ("of", "labels", "address", "is_hit"),
    [
        (ADDRESS, 0, ADDRESS, True),
        (ADDRESS, 0, SAME_24, False),
        (ADDRESS, 1, SAME_24, True),
        (ADDRESS, 1, SAME_16, False),
        (ADDRESS, 2, SAME_16, True),
        (ADDRESS, 2, ELSEWHERE, False),
    ],
)
def test_rooms_ban_an_address_or_its_networks(
    of: str, labels: int, address: str, *, is_hit: bool
) -> None:
    world = world_of()
    rest = cloak(world, of).split(".")[labels:]
    mask = "*!*@" + "*." * bool(labels) + ".".join(rest)
    assert banned(world, mask, address) is is_hit


def test_addresses_cannot_be_found_out_by_trying_bans() -> None:
    assert not banned(world_of(), "*!*@203.*", ADDRESS)


def test_a_virtual_host_evades_no_ban_on_the_cloak() -> None:
    world = world_of()
    world.own(world.connect(), "carol")
    world.state.accounts["carol"].virtual_host = "tea.house"  # type: ignore[index]
    assert banned(world, f"*!*@{cloak(world, ADDRESS)}", ADDRESS)


def test_bans_from_before_go_on_with_addresses() -> None:
    world = World(settings=Settings(cloak_addresses=False))
    boss = world.register("boss")
    boss.send("JOIN #a", f"MODE #a +b *!*@{ADDRESS}", "MODE #a +b ~m:*!*@198.*")
    world.state.settings = Settings(cloak_addresses=True)
    carol = world.register("carol", address=ADDRESS)
    carol.send("JOIN #a")
    assert "474" in carol.commands()
    dave = world.register("dave", address=ELSEWHERE)
    dave.send("JOIN #a", "PRIVMSG #a :hello")
    assert "404" in dave.commands()


@pytest.mark.parametrize("ban", ["KLINE *@*.{}", "KLINE *@203.0.113.*", "DLINE 203.0.113.0/24"])
def test_network_bans_match_addresses_and_cloaks(ban: str) -> None:
    world = world_of()
    olga = world.register("olga")
    operator(world, olga)
    alice = world.register("alice", address=ADDRESS)
    part = cloak(world, ADDRESS).partition(".")[2]
    olga.send(f"{ban.format(part)} :out")
    assert alice.is_closed
    again = world.connect(address=SAME_24)
    again.send("NICK again", "USER again 0 * :A")
    assert "465" in again.commands()


def test_an_always_on_user_gets_a_cloak_with_the_next_client() -> None:
    world = World(settings=Settings(cloak_addresses=False))
    alice = world.register("alice", account="alice", address=ADDRESS)
    bob = world.register("bob", "chghost")
    for client in (alice, bob):
        client.send("JOIN #a")
    alice.send("NS SET ALWAYS-ON on")
    alice.disconnect()
    world.state.settings = Settings(cloak_addresses=True)
    bob.lines()
    world.register("alice", account="alice", address=ELSEWHERE)
    assert any(f"CHGHOST alice {cloak(world, ADDRESS)}" in line for line in bob.lines())


def test_only_clusters_of_this_version_cloak_unless_they_are_told_to() -> None:
    def is_cloaked(founded: int, version: int, *, wanted: bool | None) -> bool:
        world = World(settings=Settings(cloak_addresses=wanted))
        world.state.version = 1
        world.order(FoundCluster(("n1",), founded))
        world.state.version = version
        return bool(cloak(world, ADDRESS))

    assert is_cloaked(2, 2, wanted=None)
    assert not is_cloaked(1, 2, wanted=None)
    assert is_cloaked(1, 2, wanted=True)
    assert not is_cloaked(2, 2, wanted=False)
    assert not is_cloaked(1, 1, wanted=True)
    assert cloak_of(State(version=2, founded_version=2), ADDRESS) == ""


def test_a_snapshot_keeps_cloaks() -> None:
    world = world_of()
    world.register("alice", address=ADDRESS)
    (before,) = world.state.users.values()
    (after,) = decode_state(encode_state(world.state)).users.values()
    assert after == before
    assert (after.cloak, after.real_host) == (cloak(world, ADDRESS), ADDRESS)
