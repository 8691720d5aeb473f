"""Several servers in one window."""

from support.chat_interface import FakeHost, Harness, open_interface, run_async
from support.fake_irc_network import Network


def make_other(*rooms: str) -> FakeHost:
    return FakeHost(Network(), "", rooms or ("#work",))


def test_servers_of_the_settings_are_opened_and_f8_goes_between_them() -> None:
    async def scenario() -> None:
        other = make_other()
        async with open_interface(others={"office": other}, size=(100, 24)) as ui:
            await ui.see("#room", "You joined", "Servers", "office")
            await ui.say("said at home")
            await ui.see("said at home", "\u2713")
            await ui.wait(lambda: "#work" in other.links[0].model.conversations)
            await ui.pilot.press("f8")
            await ui.see("#work", "You joined", "test:6667")
            await ui.say("said at work")
            await ui.see("said at work", "\u2713")
            await ui.pilot.press("f8")
            await ui.see("said at home", "office")
            assert other.network.texts("#work") == [("me", "said at work")]
            await ui.wait(lambda: ui.network.texts() == [("me", "said at home")])

    run_async(scenario())


def test_what_comes_at_a_server_that_is_not_in_front_is_counted_and_calls() -> None:
    async def scenario() -> None:
        other = make_other()
        async with open_interface(others={"office": other}) as ui:
            await ui.see("office")
            await ui.wait(lambda: other.links[0].model.is_online)
            await ui.wait(lambda: other.links[0].model.conversations["#work"].is_joined)
            other.network.say("boss", "me: where are you?", "#work")
            await ui.wait(
                lambda: ui.attention == [("boss in #work (office)", "me: where are you?")]
            )
            await ui.see("office     1")
            await ui.pilot.press("alt+a")
            await ui.see("where are you?")
            ui.network.say("bob", "me: hello", "#room")
            await ui.wait(lambda: ui.attention[-1] == ("bob in #room", "me: hello"))
            await ui.see(" 1 ")
            await ui.pilot.press("f8")
            await ui.see("me: hello")

    run_async(scenario())


def test_a_server_is_opened_by_a_command_and_closed_by_the_menu() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            ui.host.other_hosts = {"other:6667": make_other()}
            await ui.say("/server nonsense")
            await ui.see("nonsense is not an address")
            await ui.say("/server other:6667")
            await ui.see("#work", "You joined")
            await ui.pilot.press("f9")
            await ui.see("Go to server", "Close other:6667")
            await ui.pilot.press("down", "enter")
            await ui.see("#room")
            await ui.see_none("Servers")
            await ui.pilot.press("f9")
            await ui.see("There is only this one")

    run_async(scenario())


def test_the_menu_of_servers_opens_another_and_closes_it_from_anywhere() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            ui.host.other_hosts = {"other:6667": make_other()}
            await ui.pilot.press("f9")
            await ui.see("There is only this one", "Open another")
            await ui.pilot.press("enter")
            await ui.see("Another server", "Its address")
            await ui.pilot.press(*"other", "colon", *"6667", "enter")
            await ui.see("#work", "You joined")
            await ui.pilot.press("f8")
            await ui.see("other:6667", "#room")
            await ui.pilot.press("f9")
            await ui.see("Go to other:6667", "Close other:6667")
            await ui.pilot.press("down", "enter")
            await ui.see_none("other:6667")

    run_async(scenario())


def test_a_mistake_in_the_settings_of_one_server_does_not_stop_the_others() -> None:
    async def scenario() -> None:
        async with open_interface(others={}) as ui:
            ui.host.others = {"broken": True}
            await ui.see("You joined")
            ui.app.servers.open_all("me")
            await ui.see("broken: broken is not an address")
            await ui.say("it goes on")
            await ui.see("\u2713")

    run_async(scenario())


async def names(ui: Harness) -> list[str]:
    await ui.pilot.pause()
    return [other.label for other in ui.app.servers.elsewhere()]


def test_a_dialog_stays_with_its_server_and_everything_is_saved_at_the_end() -> None:
    async def scenario() -> None:
        other = make_other()
        async with open_interface(others={"office": other}) as ui:
            await ui.see("office")
            assert await names(ui) == ["office"]
            await ui.pilot.press("ctrl+g")
            await ui.see("Go to a date")
            await ui.app.servers.show("office")
            await ui.see("#work")
            await ui.see_none("Go to a date")
            await ui.app.servers.show("")
            await ui.see("Go to a date")
            before = other.saved
            await ui.pilot.press("escape", "ctrl+q")
            await ui.wait(lambda: other.saved > before)

    run_async(scenario())
