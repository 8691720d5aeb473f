"""Dialogs do what is chosen in them."""

import pytest

from roost.client.model import Delivery
from roost.client.model.effects import AskName
from support.chat_interface import Stand, open_interface, run_async
from support.fake_irc_network import Network


def make_network() -> Network:
    network = Network()
    network.members["#room"] = {"bob": None}
    network.say("bob", "see https://example.org/1 and https://example.org/2")
    return network


async def choose(stand: Stand, *labels: str) -> None:
    """Choose the last label, once all are on the screen."""
    screen = await stand.see(*labels)
    rows = [line for line in screen.splitlines() if any(label in line for label in labels)]
    down = next(place for place, row in enumerate(rows) if labels[-1] in row)
    await stand.pilot.press(*["down"] * down, "enter")
    await stand.see_none(labels[-1])


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Copy the text", "see https://example.org/1 and https://example.org/2"),
        ("Open https://example.org/2", "https://example.org/2"),
    ],
)
def test_the_menu_of_a_message_copies_and_opens(
    label: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.get", lambda: pytest.fail("no browser in tests"))
    monkeypatch.setattr("roost.client.tui.message_actions._open_in_browser", lambda url: False)

    async def scenario() -> None:
        async with open_interface(make_network()) as stand:
            await stand.see("You joined", "example.org/1")
            await stand.pilot.press("ctrl+up", "up", "enter")
            labels = ["Reply", "React", "Copy the text", "Open https://example.org/1"]
            await choose(stand, *labels, "Open https://example.org/2"[: len(label)], label)
            assert stand.copied == [expected]

    run_async(scenario())


def test_a_reaction_is_asked_for_and_sent() -> None:
    async def scenario() -> None:
        async with open_interface(make_network()) as stand:
            await stand.see("You joined")
            await stand.pilot.press("ctrl+up", "up", "e")
            await stand.see("or type one")
            await stand.pilot.press("right", "enter")
            await stand.see_none("or type one")
            assert any("+draft/react=\u2764\ufe0f" in line.decode() for line in stand.link.sent)

    run_async(scenario())


def test_the_menu_of_a_person_writes_their_name_or_opens_a_private_conversation() -> None:
    async def scenario() -> None:
        async with open_interface(make_network(), size=(120, 30)) as stand:
            await stand.see("2 people")
            bob = stand.model.people["bob"]
            stand.main.conversations.show_person_menu(bob)
            await choose(stand, "Talk privately with bob", "Mention bob")
            assert stand.composer.text == "bob: "
            stand.main.conversations.show_person_menu(bob)
            await choose(stand, "Talk privately with bob")
            await stand.wait(lambda: stand.model.active == "bob")
            stand.main.conversations.show_person_menu(bob)
            await choose(stand, "Talk privately", "Mention", "Show who bob is", "Ignore bob")
            assert stand.model.ignored == ["bob"]

    run_async(scenario())


def test_the_menu_of_a_room_leaves_it() -> None:
    async def scenario() -> None:
        async with open_interface(rooms=("#room", "#tea")) as stand:
            await stand.wait(lambda: "#tea" in stand.model.order and "#room" in stand.model.order)
            await stand.see("#tea")
            stand.main.conversations.show_conversation_menu("#tea")
            await choose(stand, "Open", "Mark as read", "Leave the room")
            await stand.wait(lambda: "#tea" not in stand.model.order)

    run_async(scenario())


def test_the_topic_is_changed() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")
            stand.main.conversations.show_topic()
            await stand.see("Topic of #room")
            await stand.say("tea")
            await stand.wait(lambda: b"TOPIC #room tea\r\n" in stand.link.sent)

    run_async(scenario())


def test_a_date_that_is_none_is_asked_again() -> None:
    async def scenario() -> None:
        async with open_interface(make_network()) as stand:
            await stand.see("You joined")
            await stand.pilot.press("ctrl+g")
            await stand.see("Go to a date")
            await stand.say("soon")
            await stand.see("This date is not")
            await stand.pilot.press("ctrl+u")
            await stand.say("yesterday")
            await stand.see_none("Go to a date")

    run_async(scenario())


def test_the_connection_can_be_given_up_for_another() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")
            stand.main.connection.show_state()
            await choose(stand, "Reconnect now", "Change name or server")
            await stand.see("Your nickname")
            assert stand.app.main_screen is None

    run_async(scenario())


def test_a_name_that_is_taken_is_asked_for_again() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")
            stand.main.handle_effect(AskName("me", "It is taken."))
            await stand.see("Another name", "It is taken")
            await stand.pilot.press("backspace", "backspace")
            await stand.say("alice")
            await stand.wait(lambda: b"NICK alice\r\n" in stand.link.sent)

    run_async(scenario())


def test_what_is_not_sent_yet_is_taken_back_to_be_edited() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")
            stand.link.cut()
            await stand.say("half a thought")
            await stand.see("1 not sent yet")
            entry = stand.model.conversations["#room"].pending[0]
            assert entry.delivery is Delivery.WAITING
            stand.main.pane.messages.show_menu(entry)
            await choose(stand, "Edit instead of sending")
            assert stand.composer.text == "half a thought"
            assert not stand.model.conversations["#room"].pending

    run_async(scenario())


def test_commands_of_the_interface_are_obeyed() -> None:
    async def scenario() -> None:
        async with open_interface(make_network()) as stand:
            await stand.see("You joined")
            await stand.say("/theme roost-light")
            await stand.wait(lambda: stand.app.theme == "roost-light")
            await stand.say("/theme nosuch")
            await stand.see("There is no theme nosuch")
            for command, title in (
                ("/keys", "Everywhere"),
                ("/help", "Commands"),
                ("/rooms", "Type to find"),
                ("/set", "When you are mentioned"),
            ):
                await stand.say(command)
                await stand.see(title)
                await stand.pilot.press("escape")
                await stand.see_none(title)
            await stand.say("/search example")
            await stand.see("1 of 1")
            await stand.pilot.press("escape")
            await stand.say("/clear")
            await stand.say("/date yesterday")
            await stand.say("/quit")
            await stand.wait(lambda: b"QUIT Goodbye\r\n" in stand.link.sent)

    run_async(scenario())
