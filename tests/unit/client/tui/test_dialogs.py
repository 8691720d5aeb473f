"""Dialogs do what is chosen in them."""

import pytest

from roost.client.model import Delivery, ListedRoom, ListingState
from roost.client.model.effects import AskName
from roost.client.model.rules import Level
from roost.client.tui.screens.reaction import REACTIONS
from support.chat_interface import Harness, open_interface, run_async
from support.fake_irc_network import Network


def make_network() -> Network:
    network = Network()
    network.members["#room"] = {"bob": None}
    network.say("bob", "see https://example.org/1 and https://example.org/2")
    return network


async def choose(ui: Harness, *labels: str) -> None:
    """Choose the last label, once all are on the screen."""
    screen = await ui.see(*labels)
    rows = [line for line in screen.splitlines() if any(label in line for label in labels)]
    down = next(place for place, row in enumerate(rows) if labels[-1] in row)
    await ui.pilot.press(*["down"] * down, "enter")
    await ui.see_none(labels[-1])


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
        async with open_interface(make_network()) as ui:
            await ui.see("You joined", "example.org/1")
            await ui.pilot.press("ctrl+up", "up", "enter")
            labels = ["Reply", "React", "Copy the text", "Open https://example.org/1"]
            await choose(ui, *labels, "Open https://example.org/2"[: len(label)], label)
            assert ui.copied == [expected]

    run_async(scenario())


def test_a_reaction_is_asked_for_and_sent() -> None:
    async def scenario() -> None:
        async with open_interface(make_network()) as ui:
            await ui.see("You joined")
            await ui.pilot.press("ctrl+up", "up", "e")
            await ui.see("or type one")
            await ui.pilot.press("right", "enter")
            await ui.see_none("or type one")
            assert any("+draft/react=\u2764\ufe0f" in line.decode() for line in ui.link.sent)

    run_async(scenario())


def test_the_menu_of_a_person_writes_their_name_or_opens_a_private_conversation() -> None:
    async def scenario() -> None:
        async with open_interface(make_network(), size=(120, 30)) as ui:
            await ui.see("2 people")
            bob = ui.model.people["bob"]
            ui.main.conversations.show_person_menu(bob)
            await choose(ui, "Talk privately with bob", "Mention bob")
            assert ui.composer.text == "bob: "
            ui.main.conversations.show_person_menu(bob)
            await choose(ui, "Talk privately with bob")
            await ui.wait(lambda: ui.model.active == "bob")
            ui.main.conversations.show_person_menu(bob)
            await choose(ui, "Talk privately", "Mention", "Show who bob is", "Ignore bob")
            assert ui.model.ignored == ["bob"]

    run_async(scenario())


def test_the_menu_of_a_room_leaves_it() -> None:
    async def scenario() -> None:
        async with open_interface(rooms=("#room", "#tea")) as ui:
            await ui.wait(lambda: "#tea" in ui.model.order and "#room" in ui.model.order)
            await ui.see("#tea")
            ui.main.conversations.show_conversation_menu("#tea")
            await choose(ui, "Open", "Mark as read", "Leave the room")
            await ui.wait(lambda: "#tea" not in ui.model.order)

    run_async(scenario())


def test_the_topic_is_changed() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            ui.main.conversations.show_topic()
            await ui.see("Topic of #room")
            await ui.say("tea")
            await ui.wait(lambda: b"TOPIC #room tea\r\n" in ui.link.sent)

    run_async(scenario())


def test_a_date_that_is_none_is_asked_again() -> None:
    async def scenario() -> None:
        async with open_interface(make_network()) as ui:
            await ui.see("You joined")
            await ui.pilot.press("ctrl+g")
            await ui.see("Go to a date")
            await ui.say("soon")
            await ui.see("This date is not")
            await ui.pilot.press("ctrl+u")
            await ui.say("yesterday")
            await ui.see_none("Go to a date")

    run_async(scenario())


def test_the_connection_can_be_given_up_for_another() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            ui.main.connection.show_state()
            await choose(ui, "Reconnect now", "Change name or server")
            await ui.see("Your nickname")
            assert ui.app.main_screen is None

    run_async(scenario())


def test_a_name_that_is_taken_is_asked_for_again() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            ui.main.handle_effect(AskName("me", "It is taken."))
            await ui.see("Another name", "It is taken")
            await ui.pilot.press("backspace", "backspace")
            await ui.say("alice")
            await ui.wait(lambda: b"NICK alice\r\n" in ui.link.sent)

    run_async(scenario())


def test_what_is_not_sent_yet_is_taken_back_to_be_edited() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            ui.link.cut()
            await ui.say("half a thought")
            await ui.see("1 not sent yet")
            entry = ui.model.conversations["#room"].pending[0]
            assert entry.delivery is Delivery.WAITING
            ui.main.pane.messages.show_menu(entry)
            await choose(ui, "Edit instead of sending")
            assert ui.composer.text == "half a thought"
            assert not ui.model.conversations["#room"].pending

    run_async(scenario())


def test_commands_of_the_interface_are_obeyed() -> None:
    async def scenario() -> None:
        async with open_interface(make_network()) as ui:
            await ui.see("You joined")
            await ui.say("/theme roost-light")
            await ui.wait(lambda: ui.app.theme == "roost-light")
            await ui.say("/theme nosuch")
            await ui.see("There is no theme nosuch")
            for command, title in (
                ("/keys", "Everywhere"),
                ("/help", "Commands"),
                ("/rooms", "Type to find"),
                ("/set", "When you are mentioned"),
            ):
                await ui.say(command)
                await ui.see(title)
                await ui.pilot.press("escape")
                await ui.see_none(title)
            await ui.say("/find example")
            await ui.see("1 of 1")
            await ui.pilot.press("escape")
            await ui.say("/clear")
            await ui.say("/date yesterday")
            await ui.say("/quit")
            await ui.wait(lambda: b"QUIT Goodbye\r\n" in ui.link.sent)

    run_async(scenario())


def test_all_reactions_are_to_be_seen_on_a_narrow_screen() -> None:
    async def scenario() -> None:
        async with open_interface(make_network(), size=(60, 20)) as ui:
            await ui.see("You joined")
            await ui.pilot.press("ctrl+up", "up", "e")
            screen = await ui.see("or type one")
            assert all(reaction in screen for reaction in REACTIONS)

    run_async(scenario())


def test_help_that_is_too_long_for_a_line_goes_on_below_itself() -> None:
    async def scenario() -> None:
        async with open_interface(make_network(), size=(60, 20)) as ui:
            await ui.see("You joined")
            for what, key, begin in (("/help", "/account", "Make"), ("/keys", "Ctrl+K", "go to a")):
                await ui.say(what)
                lines = (await ui.see(key, begin)).splitlines()
                number = next(n for n, line in enumerate(lines) if key in line and begin in line)
                column = lines[number].index(begin)
                assert lines[number + 1][5:column].isspace(), lines[number + 1]
                assert lines[number + 1][column] != " "
                await ui.pilot.press("escape")
                await ui.see_none(begin)

    run_async(scenario())


def test_the_level_that_applies_is_the_one_that_is_chosen() -> None:
    async def scenario() -> None:
        async with open_interface(make_network()) as ui:
            await ui.see("You joined")
            ui.main.conversations.show_levels("#room")
            await ui.see("Notifications of #room")
            await ui.pilot.press("enter")
            await ui.see_none("Notifications of #room")
            assert ui.model.rules.levels == {"#room": Level.MENTIONS}

    run_async(scenario())


def test_a_list_of_rooms_begins_with_what_was_asked_for() -> None:
    async def scenario() -> None:
        async with open_interface(make_network()) as ui:
            await ui.see("You joined")
            ui.model.listing.state = ListingState.COMPLETE
            await ui.say("/list #t*")
            await ui.see("Rooms")
            ui.model.listing.rooms = [ListedRoom("#other", 4, ""), ListedRoom("#tea", 12, "")]
            ui.model.listing.revision += 1
            assert "#other" not in await ui.see("#tea", "1 of 2 rooms")

    run_async(scenario())
