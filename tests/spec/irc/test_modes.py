"""MODE (modern.ircdocs.horse, "MODE message")."""

import pytest

from roost.chat.settings import Settings
from support.dialogue import World


def test_modes_of_a_room_are_told() -> None:
    """If `<modestring>` is not given, the RPL_CHANNELMODEIS numeric is returned. Servers MAY
    choose to hide sensitive information such as channel keys. [...] Servers MAY also return the
    RPL_CREATIONTIME numeric following `RPL_CHANNELMODEIS`."""
    world = World()
    (alice,) = world.join("#a", "alice")
    eve = world.register("eve")
    alice.send("MODE #a +kl secret 9")
    alice.lines()
    alice.send("MODE #a")
    eve.send("MODE #a")
    alice.expect(":roost.local 324 alice #a +ntkl secret 9", ":roost.local 329 alice #a 1700000000")
    eve.expect(":roost.local 324 eve #a +ntkl * 9", ":roost.local 329 eve #a 1700000000")


def test_changes_are_shown_to_all_as_they_took_effect() -> None:
    """When the server is done processing the modes, a `MODE` command is sent to all members of
    the channel containing the mode changes."""
    alice, bob = World().join("#a", "alice", "bob")
    alice.send("MODE #a +im-t+vl-n bob 5")
    for client in (alice, bob):
        client.expect(":alice!alice@host MODE #a +im-t+vl-n bob 5")
    alice.send("MODE #a +i")
    alice.expect_nothing()


def test_privileges_are_needed() -> None:
    """If a user does not have appropriate privileges to change modes on the target channel, the
    server MUST not process the message, and ERR_CHANOPRIVSNEEDED numeric is returned."""
    alice, bob = World().join("#a", "alice", "bob")
    bob.send("MODE #a +o bob")
    bob.expect(":roost.local 482 bob #a :You're not channel operator")
    alice.expect_nothing()


def test_unknown_letters_are_named_and_the_others_done() -> None:
    (alice,) = World().join("#a", "alice")
    alice.send("MODE #a +xiyx")
    alice.expect(
        ":roost.local 472 alice x :is unknown mode char to me",
        ":roost.local 472 alice y :is unknown mode char to me",
        ":alice!alice@host MODE #a +i",
    )


def test_room_that_does_not_exist() -> None:
    alice = World().register("alice")
    alice.send("MODE #none", "MODE #none +i", "MODE #none b")
    assert alice.commands() == ["403"] * 3


@pytest.mark.parametrize(
    ("letter", "entry", "end"),
    [("b", "367", "368"), ("e", "348", "349"), ("I", "346", "347")],
)
def test_lists_are_shown_without_a_parameter(letter: str, entry: str, end: str) -> None:
    """If a type A mode has been sent without an argument, the contents of the list MUST be sent
    to the user."""
    (alice,) = World().join("#a", "alice")
    alice.send(f"MODE #a +{letter} bob", f"MODE #a {letter}", f"MODE #a -{letter} bob!*@*")
    shown, listed, ended, removed = alice.lines()
    assert shown == f":alice!alice@host MODE #a +{letter} bob!*@*"
    assert listed == f":roost.local {entry} alice #a bob!*@* alice!alice@host 1700000000"
    assert ended.startswith(f":roost.local {end} alice #a :End of channel")
    assert removed == f":alice!alice@host MODE #a -{letter} bob!*@*"


def test_mode_that_lacks_its_parameter_is_ignored() -> None:
    """If a type B or C mode does not have a parameter when being set, the server MUST ignore
    that mode."""
    (alice,) = World().join("#a", "alice")
    alice.send("MODE #a +kl", "MODE #a +o")
    alice.expect_nothing()


def test_key_is_removed_with_or_without_naming_it() -> None:
    (alice,) = World().join("#a", "alice")
    alice.send("MODE #a +k one", "MODE #a -k", "MODE #a +k two", "MODE #a -k wrong")
    assert [line.parameters[1:] for line in alice.messages()] == [
        ("+k", "one"),
        ("-k", "one"),
        ("+k", "two"),
        ("-k", "two"),
    ]


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1000000"])
def test_impossible_limit_is_refused(limit: str) -> None:
    (alice,) = World().join("#a", "alice")
    alice.send(f"MODE #a +l {limit}")
    alice.expect(f":roost.local 696 alice #a l {limit} :Invalid mode parameter")


@pytest.mark.parametrize("key", ["a,b", "k" * 33])
def test_impossible_key_is_refused(key: str) -> None:
    (alice,) = World().join("#a", "alice")
    alice.send(f"MODE #a +k {key}")
    assert alice.commands() == ["525"]


def test_full_list_is_said() -> None:
    (alice,) = World(settings=Settings(list_entries_max=1)).join("#a", "alice")
    alice.send("MODE #a +bb one two")
    alice.expect_some(
        ":roost.local 478 alice #a b :Channel list is full",
        ":alice!alice@host MODE #a +b one!*@*",
    )


def test_status_of_people_who_are_not_there() -> None:
    world = World()
    (alice,) = world.join("#a", "alice")
    world.register("bob")
    alice.send("MODE #a +o bob", "MODE #a +v nobody")
    alice.expect(
        ":roost.local 441 alice bob #a :They aren't on that channel",
        ":roost.local 401 alice nobody :No such nick/channel",
    )


def test_long_changes_are_shown_in_lines_that_fit() -> None:
    (alice,) = World().join("#a", "alice")
    masks = [f"{'x' * 20}{number}" for number in range(19)]
    alice.send(f"MODE #a +{'b' * 19} {' '.join(masks)}")
    lines = alice.messages()
    assert len(lines) > 1
    shown = [mask for line in lines for mask in line.parameters[2:]]
    assert shown == [f"{mask}!*@*" for mask in masks]


def test_own_modes_are_told_and_changed() -> None:
    """If `<modestring>` is given, the supplied modes will be applied, and a `MODE` message will
    be sent to the user containing the changed modes."""
    alice = World().register("alice")
    alice.send("MODE alice", "MODE ALICE +i", "MODE alice", "MODE alice -i")
    alice.expect(
        ":roost.local 221 alice +",
        ":alice!alice@host MODE alice +i",
        ":roost.local 221 alice +i",
        ":alice!alice@host MODE alice -i",
    )


def test_unknown_own_modes_are_refused_after_the_others_are_done() -> None:
    """If one or more modes sent are not implemented on the server, the server MUST apply the
    modes that are implemented, and then send the ERR_UMODEUNKNOWNFLAG in reply."""
    alice = World().register("alice")
    alice.send("MODE alice +xi")
    assert sorted(alice.lines()) == [
        ":alice!alice@host MODE alice +i",
        ":roost.local 501 alice :Unknown MODE flag",
    ]


def test_modes_of_others_are_theirs() -> None:
    """If `<target>` is a different nick than the user who sent the command, the
    ERR_USERSDONTMATCH numeric is returned."""
    world = World()
    alice = world.register("alice")
    world.register("bob")
    alice.send("MODE bob", "MODE bob +i", "MODE nobody")
    assert alice.commands() == ["502", "502", "401"]


@pytest.mark.parametrize("words", ["+Z", "+l abc", "+m", "b", "+lZ x"])
def test_modes_of_no_room(words: str) -> None:
    """If `<target>` is a channel that does not exist on the network, the ERR_NOSUCHCHANNEL numeric
    is returned."""
    alice = World().register("alice")
    alice.send(f"MODE #nowhere {words}")
    alice.expect(":roost.local 403 alice #nowhere :No such channel")


def test_bad_parameter_of_somebody_without_privileges() -> None:
    """If a user does not have appropriate privileges to change modes on the target channel, the
    server MUST not process the message, and ERR_CHANOPRIVSNEEDED numeric is returned."""
    _, bob = World().join("#a", "alice", "bob")
    bob.send("MODE #a +lm abc")
    bob.expect(":roost.local 482 bob #a :You're not channel operator")


@pytest.mark.parametrize("letter", ["k", "l"])
def test_empty_parameter_is_invalid(letter: str) -> None:
    """ERR_INVALIDMODEPARAM (696): "<client> <target chan/user> <mode char> <parameter>
    :<description>". Indicates that there was a problem with a mode parameter."""
    (alice,) = World().join("#a", "alice")
    alice.send(f"MODE #a +{letter} :")
    alice.expect(f":roost.local 696 alice #a {letter} * :Invalid mode parameter")


def test_unknown_own_modes_are_told_once_and_last() -> None:
    """If one or more modes sent are not implemented on the server, the server MUST apply the modes
    that are implemented, and then send the ERR_UMODEUNKNOWNFLAG in reply along with the `MODE`
    message."""
    alice = World().register("alice")
    alice.send("MODE alice +YiZ")
    alice.expect(
        ":alice!alice@host MODE alice +i",
        ":roost.local 501 alice :Unknown MODE flag",
    )
