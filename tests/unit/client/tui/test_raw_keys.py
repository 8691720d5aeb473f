"""What terminals send for keys, as bytes, in the real interface."""

import pytest
from textual import events

from roost.client.tui.key_parser import KeyParser
from support.chat_interface import Harness, open_interface, run_async

LEGACY, OTHER_KEYS, KITTY, KITTY_WITH_TEXT = "legacy", "modifyOtherKeys", "kitty", "kitty with text"
ENCODINGS = (LEGACY, OTHER_KEYS, KITTY, KITTY_WITH_TEXT)
ESCAPE = {LEGACY: "\x1b", OTHER_KEYS: "\x1b", KITTY: "\x1b[27u", KITTY_WITH_TEXT: "\x1b[27u"}
CTRL_UP = "\x1b[1;5A"
END = "\x1b[F"


def alt(character: str, encoding: str) -> str:
    """Return what a terminal sends for Alt with a key."""
    code = ord(character)
    return {
        LEGACY: f"\x1b{character}",
        OTHER_KEYS: f"\x1b[27;3;{code}~",
        KITTY: f"\x1b[{code};3u",
        KITTY_WITH_TEXT: f"\x1b[{code};3;{code}u",
    }[encoding]


def typed(text: str, encoding: str) -> list[str]:
    """Return what a terminal sends for a text."""
    if encoding in (LEGACY, OTHER_KEYS):
        return list(text)
    return [f"\x1b[{ord(letter.lower())};;{ord(letter)}u" for letter in text]


def keys(data: str) -> list[tuple[str, str | None]]:
    return [(e.key, e.character) for e in KeyParser().feed(data) if isinstance(e, events.Key)]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("character", "1590azéß.")
def test_alt_with_a_key_types_nothing_in_any_encoding(encoding: str, character: str) -> None:
    name = "full_stop" if character == "." else character
    assert keys(alt(character, encoding)) == [(f"alt+{name}", None)]


@pytest.mark.parametrize("data", ["\x1b\r", "\x1b\n", "\x1b[13;3u", "\x1b[27;3;13~"])
def test_alt_enter_is_not_enter(data: str) -> None:
    assert keys(data) == [("alt+enter", None)]


@pytest.mark.parametrize("data", ["\x1b[1;3A", "\x1b\x1b[A", "\x1b\x1bOA"])
def test_alt_up_is_known_as_xterm_rxvt_and_putty_send_it(data: str) -> None:
    assert keys(data) == [("alt+up", None)]


def test_what_a_terminal_composes_with_alt_is_typed() -> None:
    assert keys("\x1b[49;3;161u") == [("inverted_exclamation_mark", "\xa1")]


def test_alternate_keys_and_releases_do_not_end_the_input() -> None:
    assert keys("\x1b[97:65;4u") == [("alt+shift+a", None)]
    assert keys("\x1b[97;1:3ub") == [("b", "b")]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_alt_and_a_digit_go_to_that_conversation(encoding: str) -> None:
    async def scenario() -> None:
        async with open_interface(rooms=("#room", "#tea")) as ui:
            await ui.wait(lambda: len(ui.model.order) == 3)
            await ui.feed(alt("2", encoding))
            await ui.wait(lambda: ui.model.active == "#tea")
            await ui.feed(alt("1", encoding))
            await ui.wait(lambda: ui.model.active == "#room")
            assert ui.composer.text == ""

    run_async(scenario())


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_alt_enter_makes_a_new_line(encoding: str) -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            await ui.feed(*typed("one", encoding), alt("\r", encoding), *typed("two", encoding))
            assert ui.composer.text == "one\ntwo"
            assert ui.network.texts() == []

    run_async(scenario())


async def choose(ui: Harness) -> None:
    """Choose the last message, which says "hello"."""
    await ui.see("You joined")
    await ui.say("hello")
    await ui.see("\u2713")
    await ui.feed(CTRL_UP)
    await ui.see("R: reply")
    assert ui.main.pane.view.cursor is not None


async def check_all_is_typed(ui: Harness, encoding: str) -> None:
    sentence = "F recorder message, joy+ok stamps"
    await ui.feed(*typed(sentence, encoding))
    assert ui.composer.text == sentence
    assert ui.main.pane.view.cursor is None


@pytest.mark.parametrize("encoding", [LEGACY, KITTY])
def test_after_escape_letters_are_typed(encoding: str) -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await choose(ui)
            await ui.feed(ESCAPE[encoding])
            await check_all_is_typed(ui, encoding)

    run_async(scenario())


@pytest.mark.parametrize("deed", ["reply", "react", "copy", "no menu", "click", "leave the menu"])
def test_after_a_deed_letters_are_typed(deed: str) -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await choose(ui)
            if deed == "reply":
                await ui.feed("r")
                await ui.see("Replying to me")
            elif deed == "react":
                await ui.feed("e")
                await ui.see("React")
                await ui.feed("\r")
                await ui.wait(lambda: ui.app.screen is ui.main)
            elif deed == "copy":
                await ui.feed("c")
                await ui.wait(lambda: ui.copied)
            elif deed == "leave the menu":
                await ui.feed("\r")
                await ui.see("Copy the text")
                await ui.feed("\x1b[27u")
                await ui.wait(lambda: ui.app.screen is ui.main)
            elif deed == "click":
                await ui.feed("\x1b[<2;40;20M", "\x1b[<2;40;20m")
                await ui.see("Copy the text")
                await ui.feed("\x1b[27u")
                await ui.wait(lambda: ui.app.screen is ui.main)
            else:
                # There is no link to open: the letter is a letter.
                await ui.feed(*"open")
                await ui.wait(lambda: ui.composer.text == "open")
                await ui.feed(*["\x7f"] * 4, "\x1b[27u")
            await ui.wait(lambda: ui.main.pane.view.cursor is None, "the end of the selection")
            await check_all_is_typed(ui, LEGACY)

    run_async(scenario())


def test_while_there_is_a_draft_letters_are_typed() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await choose(ui)
            await ui.feed("\x1b[27u", "half a thought ", CTRL_UP)
            await ui.see("Enter: menu, Escape: back")
            await ui.feed(*"recorder")
            assert ui.composer.text == "half a thought recorder"

    run_async(scenario())


def test_a_selection_out_of_sight_takes_no_letters() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            for number in range(100):
                ui.network.say("bob", f"line {number}")
            await ui.see("line 99")
            await ui.feed(CTRL_UP)
            await ui.see("R: reply")
            await ui.feed(*["\x1b[<64;40;10M"] * 20)
            await ui.see_none("R: reply")
            await ui.feed(*"recorder")
            assert ui.composer.text == "recorder"

    run_async(scenario())


def test_a_reaction_by_command_is_to_the_chosen_message() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await choose(ui)
            await ui.feed("\x1b[27u")
            await ui.say("second")
            await ui.see("second")
            await ui.wait(lambda: not ui.model.waiting_count())
            await ui.feed(CTRL_UP, "\x1b[A", *"/react", " ", "x", "\r")
            chosen = ui.model.conversations["#room"].entries[-2]
            assert chosen.text == "hello"
            reply = f"+draft/reply={chosen.msgid};+draft/react=x".encode()
            await ui.wait(lambda: any(reply in line for line in ui.link.sent), "the reaction")

    run_async(scenario())


@pytest.mark.parametrize("encoding", [LEGACY, KITTY])
def test_joiners_are_typed(encoding: str) -> None:
    text = "\U0001f468\u200d\U0001f469 \u0645\u06cc\u200c\u062e \u2764\ufe0f"

    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            await ui.feed(*typed(text, encoding))
            assert ui.composer.text == text

    run_async(scenario())


@pytest.mark.parametrize(("up", "down"), [("\x1b[A", "\x1b[B"), ("\x1bOA", "\x1bOB")])
def test_what_is_half_written_comes_back_after_earlier_lines(up: str, down: str) -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            await ui.feed("first\r", "second\r", "half", up, up)
            await ui.wait(lambda: ui.composer.text == "first")
            await ui.feed(down, down)
            await ui.wait(lambda: ui.composer.text == "half")
            await ui.feed(down, " done\r", up)
            await ui.wait(lambda: ui.composer.text == "half done")
            await ui.feed(down)
            await ui.wait(lambda: ui.composer.text == "")

    run_async(scenario())
