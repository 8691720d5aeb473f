"""Keys do what the screen offers, lists are in line, and nothing covers the messages."""

import pytest
from textual import events

from roost.client.tui.palette import HUES, NameHues
from support.chat_interface import Harness, open_interface, run_async
from support.fake_irc_network import Network

END, F3 = "\x1b[F", "\x1bOR"


async def fill(ui: Harness, count: int = 60) -> None:
    await ui.see("You joined")
    for number in range(count):
        ui.network.say("bob", f"line {number}")
    await ui.see(f"line {count - 1}")


def test_end_goes_to_the_latest_message_where_it_is_offered() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await fill(ui)
            await ui.feed("\x1b[5~")
            await ui.see("(End)")
            await ui.feed(END)
            await ui.see("line 59")
            await ui.feed(*"draft", "\x1b[H", "\x1b[5~")
            await ui.see("(End)")
            await ui.feed(END, END)
            await ui.see("line 59")
            assert ui.composer.text == "draft"

    run_async(scenario())


def test_what_was_folded_by_hand_follows_the_width_again() -> None:
    async def scenario() -> None:
        async with open_interface(size=(120, 30)) as ui:
            await ui.see("You joined", "1 person")
            await ui.feed(F3)
            await ui.see_none("1 person")
            await ui.pilot.resize_terminal(100, 30)
            await ui.pilot.resize_terminal(120, 30)
            await ui.see("1 person")
            await ui.pilot.resize_terminal(60, 30)
            await ui.see_none("1 person")
            await ui.feed(F3)
            await ui.see("1 person")
            await ui.feed(F3)
            await ui.see_none("1 person")

    run_async(scenario())


@pytest.mark.parametrize(("letters", "label"), [(5000, "5,000"), (1_000_000, "the first 50,000")])
def test_a_long_line_is_not_pasted_without_a_question(letters: int, label: str) -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            ui.composer.post_message(events.Paste("x" * letters))
            await ui.see("Paste so much?", label)
            assert ui.composer.text == ""
            await ui.pilot.press("enter")
            await ui.wait(lambda: len(ui.composer.text) == min(letters, 50_000))

    run_async(scenario())


def test_completions_explain_themselves_and_cover_no_message() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await fill(ui)
            await ui.type("/jo")
            screen = await ui.see("/join ROOM [PASSWORD]", "Join a room, or create it.")
            assert "line 59" in screen
            await ui.pilot.press("escape")
            await ui.see_none("Join a room, or")

    run_async(scenario())


def test_names_in_the_list_of_people_begin_in_one_column() -> None:
    async def scenario() -> None:
        network = Network()
        network.members["#room"] = {"@oscar": None, "bob": None}
        async with open_interface(network, size=(120, 30)) as ui:
            screen = await ui.see("3 people", "@oscar")
            rows = [line[100:] for line in screen.splitlines()]
            columns = {
                row.index(name) for name in ("oscar", "bob", "me") for row in rows if name in row
            }
            assert len(columns) == 1

    run_async(scenario())


def test_wide_terminals_get_lines_that_can_be_read() -> None:
    async def scenario() -> None:
        async with open_interface(size=(200, 50)) as ui:
            await ui.see("You joined")
            ui.network.say("bob", "word " * 60)
            screen = await ui.see("word word")
            longest = max(line.count("word ") for line in screen.splitlines())
            assert 15 <= longest <= 20

    run_async(scenario())


def test_few_people_have_hues_that_nobody_confuses() -> None:
    for start in range(50):
        hues = NameHues()
        places = [hues.place(f"{start} {name}") for name in range(4)]
        apart = [
            min(abs(a - b), len(HUES) - abs(a - b)) for a in places for b in places if a is not b
        ]
        assert len(set(places)) == 4
        assert min(found for found in apart if found) >= 2
    hues = NameHues()
    assert len({hues.place(str(number)) for number in range(len(HUES))}) == len(HUES)
    assert hues.place("3") == hues.place("3")


def test_only_what_the_chosen_message_allows_is_offered_and_as_much_as_fits() -> None:
    async def scenario(width: int) -> str:
        network = Network()
        network.members["#room"] = {"bob": None}
        network.say("bob", "see https://example.org")
        async with open_interface(network, size=(width, 20)) as ui:
            await ui.see("You joined", "example.org")
            await ui.pilot.press("ctrl+up")
            shown = await ui.see("Enter: menu, C: copy, Escape: back")
            assert "reply" not in shown
            # On what cannot be answered, the letter is typed.
            await ui.type("r")
            await ui.wait(lambda: ui.composer.text == "r")
            await ui.pilot.press("backspace", "ctrl+up", "up")
            await ui.see("R: reply, E: react, O: open, ")
            shown = ui.text()
            # A deleted message has nothing to act on.
            chosen = ui.main.pane.view.cursor
            assert chosen is not None
            ui.network.happen("bob!u@h", "REDACT", "#room", chosen.msgid)
            await ui.see("was deleted", "Enter: menu, Escape: back")
            await ui.pilot.press("enter")
            assert "Reply" not in await ui.see("Talk privately with bob")
            return shown

    async def both() -> None:
        assert "C: copy" in await scenario(100)
        assert "O: open, Escape: back" in await scenario(60)

    run_async(both())


def test_what_the_status_bar_has_no_room_for_is_marked() -> None:
    async def scenario() -> None:
        async with open_interface(size=(60, 20)) as ui:
            await ui.see("You joined")
            ui.link.cut()
            screen = await ui.see("Reconnecting in", "The connection w")
            assert "\u2026  me  F7 more" in screen

    run_async(scenario())
