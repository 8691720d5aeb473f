"""The keys: all of them work, none twice, and the user may have their own."""

import pytest

from roost.client.tui.keys import GROUPS, NAMES, check, groups, keymap
from support.chat_interface import open_interface, run_async


def test_no_key_is_bound_twice() -> None:
    check({})
    keys = [word for group in GROUPS for key in group.keys for word in key.keys.split(",") if word]
    assert len(keys) == len(set(keys))
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"nonsense": "f10"}, "keys.nonsense: there are help, switcher"),
        ({"help": "x"}, "keys.help: x is no key"),
        ({"help": "ctrl+k"}, "ctrl\\+k is already"),
        ({"quit": "alt+1"}, "alt\\+1 is already another conversation"),
    ],
)
def test_a_wrong_key_is_explained(own: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check(own)


def test_own_keys_replace_and_are_shown() -> None:
    own = {"switcher": "Ctrl+X, f10", "search": "f12"}
    check(own)
    assert keymap(own) == {"switcher": "ctrl+x,f10", "search": "f12"}
    shown = [key.shown for group in groups(own) for key in group.keys]
    assert "Ctrl+X, F10" in shown
    assert "Ctrl+K" not in shown

    async def scenario() -> None:
        async with open_interface(keys=own) as ui:
            await ui.see("You joined")
            await ui.pilot.press("ctrl+x")
            await ui.see("Go to")
            await ui.pilot.press("escape", "f10")
            await ui.see("Go to")
            await ui.pilot.press("escape", "f12")
            await ui.see("Words that were said")
            await ui.pilot.press("escape", "f1")
            await ui.see("Ctrl+X, F10")
            await ui.pilot.press("escape", "ctrl+k", "f6")
            await ui.pilot.pause(0.1)
            assert ui.app.screen is ui.main

    run_async(scenario())


def test_notifications_of_a_room_are_chosen_from_its_menu() -> None:
    async def scenario() -> None:
        async with open_interface(rooms=("#room", "#tea")) as ui:
            await ui.wait(lambda: len(ui.model.order) == 3)
            ui.main.conversations.show_levels("#room")
            await ui.see("Notifications of #room", "\u2022 Mentions and watched words")
            # The level that applies is the one to begin with.
            await ui.pilot.press("down", "down", "enter")
            await ui.see("#room: nothing calls you")
            ui.main.turn_to("#tea")
            ui.network.say("bob", "me: hello", "#room")
            await ui.wait(lambda: len(ui.network.texts()) == 1)
            await ui.pilot.pause(0.1)
            assert ui.attention == []

    run_async(scenario())
