"""Real keys in the real interface and model, on an in-memory network."""

from textual import events

from roost.client.model import Delivery, Problem, ProblemKind
from support.chat_interface import open_interface, run_async
from support.fake_irc_network import Network


def test_started_with_nothing_it_asks_for_a_name_and_leads_to_a_new_room() -> None:
    async def scenario() -> None:
        async with open_interface(nick="", rooms=()) as ui:
            await ui.see("Your nickname")
            await ui.say("1st")
            await ui.see("A nickname cannot begin with 1")
            await ui.pilot.press("backspace", "backspace", "backspace")
            await ui.say("alice")
            await ui.see("Type to find a room")
            await ui.say("tea")
            await ui.see("#tea", "You joined")
            await ui.say("hello there")
            await ui.see("alice  hello there")

    run_async(scenario())


def test_a_message_is_sending_until_its_echo_comes_and_then_delivered() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("#room", "You joined")
            ui.link.is_mute = True
            await ui.say("is this on")
            screen = await ui.see("is this on")
            assert "\u2026 " in next(line for line in screen.splitlines() if "is this on" in line)
            ui.link.is_mute = False
            await ui.see("\u2713")

    run_async(scenario())


def test_what_is_typed_while_away_waits_and_is_sent_once() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            ui.link.cut()
            await ui.see("Reconnecting")
            await ui.say("said while away")
            await ui.see("\u25cc", "1 not sent yet")
            await ui.type("half a dra")
            await ui.pilot.press("ctrl+t")
            await ui.see("\u2713", "half a dra")
            await ui.see_none("not sent yet")
            assert ui.network.texts() == [("me", "said while away")]
            assert ui.text().count("said while away") == 1

    run_async(scenario())


def test_drafts_stay_with_their_rooms() -> None:
    async def scenario() -> None:
        async with open_interface(rooms=("#room", "#tea")) as ui:
            await ui.wait(lambda: "#tea" in ui.model.order and "#room" in ui.model.order)
            await ui.pilot.press("alt+1")
            await ui.type("for the first")
            await ui.pilot.press("alt+2")
            await ui.see_none("for the first")
            await ui.type("for the second")
            await ui.pilot.press("alt+1")
            await ui.see("for the first")
            await ui.pilot.press("alt+2")
            await ui.see("for the second")

    run_async(scenario())


def test_a_line_that_is_refused_stays_where_it_was_typed() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            await ui.say("/nosuchcommand with words")
            await ui.wait(lambda: ui.composer.text == "/nosuchcommand with words")

    run_async(scenario())


def test_new_lines_are_typed_and_sent_together() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            await ui.type("one")
            await ui.pilot.press("alt+enter")
            await ui.type("two")
            await ui.pilot.press("ctrl+j")
            await ui.type("three")
            assert ui.composer.text == "one\ntwo\nthree"
            await ui.pilot.press("enter")
            await ui.wait(lambda: len(ui.network.texts()) == 3)

    run_async(scenario())


def test_names_and_commands_are_completed() -> None:
    async def scenario() -> None:
        network = Network()
        network.members["#room"] = {"bobby": None, "robert": None}
        async with open_interface(network) as ui:
            await ui.see("You joined", "3 here")
            await ui.type("bo")
            await ui.pilot.press("tab")
            assert ui.composer.text.startswith("bobby")
            await ui.pilot.press("ctrl+u")
            await ui.type("/to")
            await ui.see("/topic")
            await ui.pilot.press("tab")
            assert ui.composer.text == "/topic "

    run_async(scenario())


def test_ones_own_lines_come_back_with_up() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            await ui.say("first line")
            await ui.say("second line")
            await ui.pilot.press("up", "up")
            assert ui.composer.text == "first line"
            await ui.pilot.press("down")
            assert ui.composer.text == "second line"

    run_async(scenario())


def test_pasting_many_lines_asks_first() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            ui.composer.post_message(events.Paste("a\nb\nc\nd\ne"))
            await ui.see("Paste many lines?", "Paste these 5 lines")
            assert ui.composer.text == ""
            await ui.pilot.press("enter")
            await ui.wait(lambda: ui.composer.text == "a\nb\nc\nd\ne")

    run_async(scenario())


def test_scrolling_up_loads_older_messages_without_a_jump() -> None:
    async def scenario() -> None:
        network = Network(page=50)
        for number in range(400):
            network.say("bob", f"message number {number}")
        async with open_interface(network) as ui:
            await ui.see("message number 399")
            seen: set[str] = set()
            for _ in range(60):
                before = ui.text()
                await ui.pilot.press("pageup")
                await ui.pilot.pause(0.02)
                seen.update(line.strip() for line in before.splitlines())
                if "message number 0" in ui.text():
                    break
            await ui.see("The beginning of #room", "message number 0")
            words = " ".join(seen)
            assert all(f"message number {number}" in words for number in range(20, 400))
            network.say("bob", "something new")
            await ui.see("1 new (End)")
            assert "something new" not in ui.text()
            await ui.pilot.press("ctrl+end")
            await ui.see("something new")

    run_async(scenario())


def test_the_view_stays_where_it_is_while_messages_come() -> None:
    async def scenario() -> None:
        network = Network(page=100)
        for number in range(100):
            network.say("bob", f"message number {number}")
        async with open_interface(network) as ui:
            await ui.see("message number 99")
            await ui.pilot.press("pageup")
            await ui.see_none("message number 99")

            def shown() -> list[str]:
                lines = ui.text().replace("\u2590", "").splitlines()
                return [line.strip() for line in lines if line.strip().startswith("message number")]

            before = shown()[:-1]
            for number in range(50):
                network.say("carol", f"later {number}")
            await ui.see("new (End)")
            assert len(before) > 5
            assert shown()[: len(before)] == before

    run_async(scenario())


def test_searching_finds_marks_and_goes_there() -> None:
    async def scenario() -> None:
        network = Network(page=200)
        for number in range(150):
            network.say("bob", "a needle" if number in (10, 90) else f"hay {number}")
        async with open_interface(network) as ui:
            await ui.see("hay 149")
            await ui.pilot.press("ctrl+f")
            await ui.type("needle")
            await ui.see("1 of 2", "hay 91")
            await ui.pilot.press("up")
            await ui.see("2 of 2", "hay 11")
            await ui.pilot.press("escape")
            await ui.see_none("2 of 2")
            assert ui.app.focused is ui.composer

    run_async(scenario())


def test_somebody_who_calls_is_heard_and_seen() -> None:
    async def scenario() -> None:
        async with open_interface(rooms=("#room", "#tea")) as ui:
            await ui.wait(lambda: "#tea" in ui.model.order and "#room" in ui.model.order)
            await ui.pilot.press("alt+2")
            ui.network.say("bob", "me: are you there?", "#room")
            await ui.wait(lambda: ui.attention == [("bob in #room", "me: are you there?")])
            await ui.see(" 1 ")
            await ui.pilot.press("alt+a")
            await ui.see("are you there?")

    run_async(scenario())


def test_what_comes_while_the_user_looks_elsewhere_is_below_the_unread_line() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            ui.app.post_message(events.AppBlur())
            await ui.wait(lambda: not ui.app.app_focus)
            ui.network.say("bob", "me: are you there?", "#room")
            await ui.see("New messages", "are you there?")
            assert ui.attention == [("bob in #room", "me: are you there?")]
            assert ui.model.conversations["#room"].unread == 1
            ui.app.post_message(events.AppFocus())
            await ui.wait(lambda: ui.model.conversations["#room"].unread == 0)

    run_async(scenario())


def test_the_list_of_rooms_takes_the_command_too_and_says_what_no_room_can_be_called() -> None:
    async def scenario() -> None:
        async with open_interface(rooms=("#room",)) as ui:
            await ui.wait(lambda: "#room" in ui.model.order)
            await ui.pilot.press("ctrl+o")
            await ui.see("Type to find")
            await ui.type("two words")
            await ui.see("There is no such room")
            await ui.pilot.press("ctrl+u")
            await ui.see_none("There is no such room")
            await ui.type("/join #tea")
            await ui.see("#tea")
            await ui.pilot.press("enter")
            await ui.wait(lambda: "#tea" in ui.model.conversations)

    run_async(scenario())


def test_the_quick_switcher_goes_to_a_room_by_its_letters() -> None:
    async def scenario() -> None:
        async with open_interface(rooms=("#room", "#tea", "#coffee")) as ui:
            await ui.wait(lambda: len(ui.model.order) == 4)
            await ui.pilot.press("ctrl+k")
            await ui.see("Go to")
            await ui.type("cof")
            await ui.pilot.press("enter")
            await ui.wait(lambda: ui.model.active == "#coffee")

    run_async(scenario())


def test_a_question_mark_shows_the_keys_and_a_second_one_writes_it() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            await ui.pilot.press("question_mark")
            await ui.see("Press ? again", "Ctrl+K")
            await ui.pilot.press("question_mark")
            await ui.wait(lambda: ui.composer.text == "?")
            await ui.pilot.press("f1")
            await ui.see("Everywhere")

    run_async(scenario())


def test_a_reply_names_what_it_answers() -> None:
    async def scenario() -> None:
        network = Network()
        network.say("bob", "what time is it")
        async with open_interface(network) as ui:
            await ui.see("what time is it")
            await ui.pilot.press("ctrl+up", "up", "r")
            await ui.see("Replying to")
            assert ui.app.focused is ui.composer

    run_async(scenario())


def test_the_mouse_copies_what_it_drags_over() -> None:
    async def scenario() -> None:
        network = Network()
        network.say("bob", "copy these words please")
        async with open_interface(network) as ui:
            await ui.see("copy these words")
            lines = ui.text().splitlines()
            y = next(n for n, line in enumerate(lines) if "copy these" in line)
            x = lines[y].index("copy")
            await ui.pilot.mouse_down(offset=(x, y))
            await ui.pilot.hover(offset=(x + 5, y))
            view = ui.main.pane.view
            region = view.region
            move = events.MouseMove(
                view, x + 15 - region.x, y - region.y, 1, 0, 1, False, False, False, x + 15, y
            )
            view.post_message(move)
            await ui.pilot.pause()
            await ui.pilot.mouse_up(offset=(x + 15, y))
            await ui.wait(lambda: ui.copied == ["copy these words"], f"{ui.copied}")

    run_async(scenario())


def test_what_stops_the_connection_is_said_in_words_with_a_way_on() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            ui.link.stop(
                Problem(
                    ProblemKind.PASSWORD,
                    "The password was not accepted.",
                    "Check it, or leave it out.",
                    is_final=True,
                )
            )
            await ui.see("Not connected", "The password was not accepted.", "Check it")
            await ui.pilot.press("enter")
            await ui.see("Your nickname", "The password was not accepted.")

    run_async(scenario())


def test_a_mistake_of_the_interface_is_a_sentence_and_no_traceback() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")

            def fail(*_: object) -> None:
                raise RuntimeError("on purpose")

            ui.main.conversations.show_rooms = fail  # type: ignore[method-assign,assignment]
            await ui.pilot.press("ctrl+o")
            screen = await ui.see("Something went wrong")
            assert "Traceback" not in screen
            assert "on purpose" in ui.app.mistakes.texts[-1]
            ui.app.mistakes.texts.clear()
            await ui.say("it goes on")
            await ui.see("\u2713")

    run_async(scenario())


def test_control_characters_and_turned_text_reach_no_cell() -> None:
    async def scenario() -> None:
        network = Network()
        network.say("bob", "a\x1b[31mred\x07 \u202eevil\u202c \x0304coloured\x0f end")
        async with open_interface(network) as ui:
            screen = await ui.see("coloured end")
            assert not set(screen) & set("\x1b\x07\u202e\u202c\x03\x0f")

    run_async(scenario())


def test_a_failed_message_says_why_and_is_sent_again() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            connection = ui.link.connection
            assert connection is not None
            assert connection.session is not None
            connection.session.rooms.pop("#room")
            await ui.say("does this arrive")
            await ui.see("Not sent", "Ctrl+R")
            connection.session.rooms["#room"] = None
            await ui.pilot.press("ctrl+r")
            await ui.see("\u2713")
            conversation = ui.model.conversations["#room"]
            assert [e.delivery for e in conversation.entries if e.is_mine][-1:] == [
                Delivery.DELIVERED
            ]

    run_async(scenario())
