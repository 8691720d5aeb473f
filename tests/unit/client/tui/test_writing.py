"""Marks, blocks of code, spoilers, links and emoji in the interface."""

from textual import events

from roost.client.tui.emojis import complete, label, replace
from roost.client.tui.highlighting import blocks, guess, highlight
from roost.client.tui.palette import Palette
from roost.client.tui.themes import THEMES
from support.chat_interface import open_interface, run_async
from support.fake_irc_network import Network


def test_an_emoji_is_completed_by_its_name() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            await ui.type("so ")
            await ui.pilot.press("colon")
            await ui.type("tad")
            await ui.see("\U0001f389 tada")
            await ui.pilot.press("tab")
            assert ui.composer.text == "so \U0001f389 "
            await ui.pilot.press("colon")
            await ui.type("smile")
            await ui.pilot.press("colon")
            await ui.wait(lambda: ui.composer.text == "so \U0001f389 \U0001f604")
            await ui.pilot.press("space", "colon")
            await ui.type("D")
            await ui.pilot.press("enter")
            await ui.wait(lambda: ui.network.texts() == [("me", "so \U0001f389 \U0001f604 :D")])

    run_async(scenario())


def test_names_of_emoji_are_found_from_the_beginning_and_within() -> None:
    assert complete("x :+1", 5)[0] == "\U0001f44d"
    assert "\U0001f389" in complete(":popper", 7)
    assert complete(":tada:", 6) == ["\U0001f389"]
    for text in (":D", "12:30", ":", "http://x", ":nothing_like_this:"):
        assert complete(text, len(text)) == []
    assert label("\U0001f389") == "\U0001f389 tada"
    assert label("word") == "word"


def test_names_of_emoji_become_emoji_when_sent_but_not_in_code_or_links() -> None:
    assert replace("so :tada: :smile::") == "so \U0001f389 :smile::"
    for text in (
        "`:tada:`",
        "```\n:tada:\n```",
        "http://x/:tada:",
        "a:tada:",
        ":nothing:",
        "10:20:30",
    ):
        assert replace(text) == text


def test_code_is_sent_as_one_message_and_shown_in_colours() -> None:
    async def scenario() -> None:
        async with open_interface(size=(100, 30)) as ui:
            await ui.see("You joined")
            lines = ["def f():", "    return 1  # one", "", "f()", "f()"]
            ui.composer.post_message(events.Paste("\n".join(lines)))
            await ui.see("Paste many lines?", "Paste them as a block of code")
            await ui.pilot.press("down", "enter")
            await ui.wait(lambda: ui.composer.text.startswith("```\ndef f():"))
            await ui.pilot.press("enter")
            await ui.wait(lambda: len(ui.network.texts()) == 5)
            assert [text for _, text in ui.network.texts()] == [f"\x11{line}" for line in lines]
            await ui.see("return 1  # one", "\u2713")
            assert "```" not in ui.text()

    run_async(scenario())


def test_a_block_of_code_is_told_from_other_text_and_coloured() -> None:
    palette = Palette(THEMES[0])
    words = "see:\n\x11def f():\n\x11    return 'x'\nend"
    assert blocks(words) == [
        (False, "see:"),
        (False, "\n"),
        (True, "def f():\n    return 'x'"),
        (False, "\n"),
        (False, "end"),
    ]
    pieces = highlight("def f():\n    return 'x'", "", palette, 40)
    assert "".join(piece.text for piece in pieces) == "def f():      \n    return 'x'"
    assert len({piece.style for piece in pieces}) > 2
    for language in ("no-such-language", "text", "rust"):
        shown = highlight("fn main() {\n", language, palette, 5)
        assert "".join(piece.text for piece in shown) == "fn main() {\n"
    found = [guess(code) for code in ('{"a": [1]}', "fn main() {\n}", "plain\nwords", "{x")]
    assert found == ["json", "rust", "", ""]


def test_a_spoiler_is_hidden_until_it_is_clicked() -> None:
    async def scenario() -> None:
        network = Network()
        network.say("bob", "it was the \x0301,01butler\x03, me")
        async with open_interface(network, rooms=("#room", "#tea")) as ui:
            await ui.wait(lambda: len(ui.model.order) == 3)
            ui.main.turn_to("#room")
            screen = await ui.see("it was the \u2591\u2591\u2591\u2591\u2591\u2591, me")
            lines = screen.splitlines()
            y = next(n for n, line in enumerate(lines) if "it was" in line)
            await ui.pilot.click(offset=(lines[y].index("\u2591"), y))
            await ui.see("it was the butler, me")
            await ui.pilot.press("ctrl+up", "up", "s")
            await ui.see_none("butler")
            ui.main.turn_to("#tea")
            network.say("bob", "me: \x0301,01again\x03", "#room")
            await ui.wait(lambda: ui.attention != [])
            await ui.say("and ||mine||")
            await ui.see("and \u2591\u2591\u2591\u2591")

    run_async(scenario())
