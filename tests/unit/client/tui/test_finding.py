"""Searches, and jumps to messages that are not loaded."""

from support.chat_interface import open_interface, run_async
from support.fake_irc_network import Network


def make_network() -> Network:
    network = Network(page=10)
    for number in range(300):
        network.say("bob", "a needle in it" if number in (40, 80) else f"hay {number}")
    return network


def test_a_search_in_everything_goes_to_the_hit_in_its_context() -> None:
    async def scenario() -> None:
        async with open_interface(make_network()) as ui:
            await ui.see("hay 299")
            await ui.pilot.press("ctrl+f")
            await ui.type("needle")
            await ui.see("not found", "Ctrl+F: everything")
            await ui.pilot.press("ctrl+f")
            await ui.see("2 found", "a needle in it")
            await ui.pilot.press("down", "enter")
            await ui.see("hay 39", "a needle in it", "hay 41", "Messages are missing here")
            view = ui.main.pane.view
            assert view.cursor is not None
            assert view.cursor.msgid == "id00040"
            await ui.pilot.press("ctrl+end")
            await ui.see("hay 299")

    run_async(scenario())


def test_a_search_can_be_kept_to_one_room_and_says_what_it_does_not_understand() -> None:
    async def scenario() -> None:
        network = make_network()
        async with open_interface(network, rooms=("#room", "#tea")) as ui:
            await ui.wait(lambda: len(ui.model.order) == 3)
            network.say("carol", "a needle for tea", "#tea")
            await ui.pilot.press("f6")
            await ui.see("Words that were said", "from:bob")
            await ui.type("needle")
            await ui.see("3 found")
            await ui.pilot.press("tab")
            await ui.see("now #")
            await ui.wait(lambda: len(ui.model.search.hits) in (1, 2))
            await ui.type(" before:nonsense")
            await ui.see("nonsense is no date")
            await ui.pilot.press("escape")
            await ui.see("Write a message")

    run_async(scenario())


def test_a_copied_link_leads_back_to_its_message() -> None:
    async def scenario() -> None:
        network = make_network()
        async with open_interface(network) as ui:
            await ui.see("hay 299")
            ui.main.pane.messages.copy_link(ui.model.conversations["#room"].entries[-2])
            assert ui.copied == ["irc://test:6667/%23room?msgid=id00299"]
            await ui.say("/jump irc://test:6667/%23room?msgid=id00040")
            await ui.see("a needle in it", "hay 39")
            await ui.say("/jump no link")
            await ui.see("That is no link to a message")

    run_async(scenario())
