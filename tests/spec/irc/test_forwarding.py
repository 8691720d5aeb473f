"""+f: whoever may not enter a room enters another one, as in Solanum and Ergo (470)."""

import pytest

from support.dialogue import Client, World


def town(*modes: str) -> tuple[World, Client, Client]:
    """Alice runs #a and #b; #a forwards to #b."""
    world = World()
    alice, bob = world.register("alice"), world.register("bob")
    alice.send("JOIN #a,#b", "MODE #a +f #B", *(f"MODE #a {mode}" for mode in modes))
    alice.lines()
    return world, alice, bob


@pytest.mark.parametrize("mode", ["+i", "+k key", "+l 1", "+b bob!*@*", "+R"])
def test_who_may_not_enter_enters_the_other(mode: str) -> None:
    """ERR_LINKCHANNEL (470): "<client> <channel> <target> :Forwarding to another channel"."""
    _, alice, bob = town(mode)
    bob.send("JOIN #a")
    bob.expect(
        ":roost.local 470 bob #a #b :Forwarding to another channel",
        ":bob!bob@host JOIN #b",
        ":roost.local 353 bob = #b :@alice bob",
        ":roost.local 366 bob #b :End of /NAMES list",
    )
    alice.expect(":bob!bob@host JOIN #b")


def test_who_may_enter_does() -> None:
    _, _, bob = town()
    bob.send("JOIN #a")
    assert bob.commands() == ["JOIN", "353", "366"]


@pytest.mark.parametrize("obstacle", ["MODE #b +i", "closed", "there already", "gone"])
def test_there_is_no_second_step_and_no_circle(obstacle: str) -> None:
    _, alice, bob = town("+i")
    if obstacle == "there already":
        bob.send("JOIN #b")
    elif obstacle == "gone":
        alice.send("MODE #a -f")
    elif obstacle.startswith("MODE"):
        alice.send("MODE #b +f #a", obstacle)
    else:
        alice.send("MODE #b +i")
    bob.lines()
    bob.send("JOIN #a")
    assert bob.commands() == ["473"]


def test_only_operators_of_both_set_it() -> None:
    _, alice, bob = town()
    bob.send("JOIN #c")
    alice.send("MODE #a +f #c", "MODE #a +f #a", "MODE #a +f #none", "MODE #a +f")
    text = "You can forward only to another channel that you are an operator of"
    alice.expect(*(f":roost.local 696 alice #a f {name} :{text}" for name in ("#c", "#a", "#none")))


def test_it_is_shown_and_follows_a_renamed_room() -> None:
    """RPL_CHANNELMODEIS (324): "<client> <channel> <modestring> <mode arguments>...".

    Members see what is set."""
    _, alice, _ = town()
    alice.send("RENAME #b #d", "MODE #a")
    assert ":roost.local 324 alice #a +ntf #d" in alice.lines()
    alice.send("MODE #a -f")
    alice.expect(":alice!alice@host MODE #a -f")


def test_a_secret_target_is_not_revealed() -> None:
    """Secret: the channel is not shown to people who are not in it."""
    _, alice, bob = town()
    alice.send("MODE #b +s")
    bob.send("MODE #a")
    assert ":roost.local 324 bob #a +nt" in bob.lines()


def test_an_empty_room_forwards_nobody() -> None:
    _, alice, bob = town("+i")
    alice.send("PART #a")
    bob.send("JOIN #a")
    assert bob.commands()[0] == "JOIN"
