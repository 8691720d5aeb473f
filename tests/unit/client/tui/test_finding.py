"""Searches, jumps to messages that are not loaded, and the command palette."""

from roost.client.tui.offering import everything
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


def test_a_search_from_the_servers_page_offers_no_narrower_one() -> None:
    async def scenario() -> None:
        async with open_interface(make_network()) as ui:
            await ui.see("hay 299")
            ui.main.turn_to("")
            await ui.pilot.press("f6")
            assert "Tab" not in await ui.see("Words that were said", "from:bob")
            await ui.pilot.press("tab")
            await ui.type("needle")
            assert "Tab" not in await ui.see("2 found")

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


def test_the_palette_does_everything_that_keys_commands_and_settings_do() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            await ui.pilot.press("ctrl+k")
            await ui.see("> for commands only")
            await ui.type("go to a date")
            await ui.pilot.press("enter")
            await ui.see("Type 2026-03-02")
            await ui.pilot.press("escape", "ctrl+k")
            await ui.type("nord")
            await ui.see("Theme: nord")
            await ui.pilot.press("enter")
            await ui.wait(lambda: ui.app.theme == "nord")
            await ui.type("a draft")
            await ui.pilot.press("ctrl+k")
            await ui.pilot.press("greater_than_sign")
            await ui.type("room's topic")
            await ui.pilot.press("enter")
            await ui.wait(lambda: ui.composer.text == "/topic a draft")
            await ui.pilot.press("ctrl+u", "ctrl+k")
            await ui.pilot.press("greater_than_sign")
            await ui.type("mark yourself as present")
            await ui.pilot.press("enter")
            await ui.wait(lambda: any(line.startswith(b"AWAY") for line in ui.link.sent))

    run_async(scenario())


def test_every_offer_of_the_palette_works() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            for offer in everything(
                ui.main, ui.host.preferences, lambda line: None, lambda words: None
            ):
                if offer.label != "Quit Roost":
                    offer.run()
                    await ui.pilot.pause()
                    while ui.app.screen is not ui.main:
                        await ui.pilot.press("escape")
                        await ui.pilot.pause()
            await ui.see("#room")

    run_async(scenario())


def test_an_unfinished_reply_stays_with_its_room_and_the_list_marks_it() -> None:
    async def scenario() -> None:
        network = Network()
        network.say("bob", "what time is it")
        async with open_interface(network, rooms=("#room", "#tea")) as ui:
            await ui.wait(lambda: len(ui.model.order) == 3)
            ui.main.turn_to("#room")
            await ui.see("what time is it")
            entry = next(e for e in ui.model.conversations["#room"].entries if e.sender == "bob")
            ui.main.pane.messages.reply(entry)
            await ui.type("half past")
            await ui.pilot.press("ctrl+n")
            await ui.see("\u270e")
            await ui.pilot.press("ctrl+p")
            await ui.see("Replying to bob", "half past")

    run_async(scenario())
