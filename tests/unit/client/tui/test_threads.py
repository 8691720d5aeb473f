"""Threads and edits in the interface."""

from support.chat_interface import Harness, open_interface, run_async
from support.fake_irc_network import Network


def reply(network: Network, nick: str, text: str, number: int) -> None:
    tags = (("+draft/reply", f"id{number:05}"),)
    network.happen(f"{nick}!u@h", "PRIVMSG", "#room", text, tags=tags)


def make_network() -> Network:
    network = Network(page=20)
    network.say("bob", "a question")
    reply(network, "carol", "the first answer", 0)
    for number in range(50):
        network.say("dave", f"noise {number}")
    reply(network, "erin", "the second answer", 0)
    reply(network, "bob", "thank you both", 52)
    return network


async def choose(ui: Harness, steps: int) -> None:
    """Choose a message with the keyboard, counted from the end; the user's own JOIN is the last."""
    await ui.pilot.press("ctrl+up", *["up"] * steps)


def test_a_thread_leads_up_to_what_is_not_loaded_and_down_again() -> None:
    async def scenario() -> None:
        async with open_interface(make_network(), size=(100, 30)) as ui:
            await ui.see("thank you both")
            ui.model.conversations["#room"].history.is_more_above = False
            await choose(ui, 1)
            await ui.see("T: thread")
            await ui.pilot.press("t")
            # What it answers is loaded meanwhile, and may be here already.
            await ui.see("Thread", "messages. Enter goes to one")
            if "It answers an earlier message" in ui.text():
                await ui.pilot.press("up", "up", "enter")
            else:
                await ui.pilot.press("home", "enter")
            await ui.see("a question", "\u21b3 2 replies")
            await ui.pilot.press("ctrl+end")
            await ui.see("thank you both")
            await choose(ui, 1)
            await ui.pilot.press("t")
            await ui.see("4 messages", "the first answer")
            await ui.pilot.press("escape")
            await choose(ui, 2)
            await ui.pilot.press("p")
            await ui.wait(lambda: ui.main.pane.view.cursor is not None)
            cursor = ui.main.pane.view.cursor
            assert cursor is not None
            assert cursor.text == "a question"

    run_async(scenario())


def test_a_click_on_what_is_answered_goes_there_and_one_on_the_replies_shows_them() -> None:
    async def scenario() -> None:
        network = Network()
        network.say("bob", "a question")
        for number in range(30):
            network.say("dave", f"noise {number}")
        reply(network, "carol", "answer one", 0)
        reply(network, "carol", "answer two", 0)
        async with open_interface(network, size=(100, 20)) as ui:
            await ui.see("answer two")
            await ui.see("\u21b3 bob")
            lines = ui.text().splitlines()
            y = next(n for n, line in enumerate(lines) if "\u21b3 bob" in line)
            await ui.pilot.click(offset=(lines[y].index("bob"), y))
            await ui.see("\u21b3 2 replies")
            lines = ui.text().splitlines()
            y = next(n for n, line in enumerate(lines) if "2 replies" in line)
            await ui.pilot.click(offset=(lines[y].index("replies"), y))
            await ui.see("Thread", "3 messages")

    run_async(scenario())


def test_the_last_message_is_edited_in_the_composer() -> None:
    async def scenario() -> None:
        async with open_interface(Network()) as ui:
            await ui.see("You joined")
            await ui.say("helo")
            await ui.see("\u2713")
            await ui.say("/edit")
            await ui.see("Editing your message")
            assert ui.composer.text == "helo"
            await ui.pilot.press("backspace")
            await ui.say("lo")
            await ui.see("hello (edited)")
            await ui.see_none(" helo")
            await ui.say("/edit hello there")
            await ui.see("hello there (edited)")
            await choose(ui, 0)
            await ui.pilot.press("m")
            await ui.see("Editing your message")
            await ui.pilot.press("escape")
            await ui.see_none("Editing your message")
            assert ui.composer.text == ""
            await ui.pilot.press("ctrl+up", "up", "m")
            await ui.see("You can edit only your own messages")

    run_async(scenario())


def test_the_menu_offers_to_edit_and_the_thread_only_where_there_is_one() -> None:
    async def scenario() -> None:
        async with open_interface(make_network()) as ui:
            await ui.see("thank you both")
            await ui.pilot.press("ctrl+up", "up", "enter")
            assert "Edit" not in await ui.see("Show the thread")
            await ui.pilot.press("escape")
            await ui.say("mine")
            await ui.see("\u2713")
            await ui.pilot.press("ctrl+up", "enter")
            assert "Show the thread" not in await ui.see("Edit")

    run_async(scenario())
