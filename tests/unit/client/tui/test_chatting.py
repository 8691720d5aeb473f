"""Real keys in the real interface and model, on an in-memory network."""

from textual import events

from roost.client.model import Delivery, Problem, ProblemKind
from support.chat_interface import open_interface, run_async
from support.fake_irc_network import Network


def test_started_with_nothing_it_asks_for_a_name_and_leads_to_a_new_room() -> None:
    async def scenario() -> None:
        async with open_interface(nick="", rooms=()) as stand:
            await stand.see("Your nickname")
            await stand.say("1st")
            await stand.see("A nickname cannot begin with 1")
            await stand.pilot.press("backspace", "backspace", "backspace")
            await stand.say("alice")
            await stand.see("Type to find a room")
            await stand.say("tea")
            await stand.see("#tea", "You joined")
            await stand.say("hello there")
            await stand.see("alice  hello there")

    run_async(scenario())


def test_a_message_is_sending_until_its_echo_comes_and_then_delivered() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("#room", "You joined")
            stand.link.is_mute = True
            await stand.say("is this on")
            screen = await stand.see("is this on")
            assert "\u2026 " in next(line for line in screen.splitlines() if "is this on" in line)
            stand.link.is_mute = False
            await stand.see("\u2713")

    run_async(scenario())


def test_what_is_typed_while_away_waits_and_is_sent_once() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")
            stand.link.cut()
            await stand.see("Reconnecting")
            await stand.say("said while away")
            await stand.see("\u25cc", "1 not sent yet")
            await stand.type("half a dra")
            await stand.pilot.press("ctrl+t")
            await stand.see("\u2713", "half a dra")
            await stand.see_none("not sent yet")
            assert stand.network.texts() == [("me", "said while away")]
            assert stand.text().count("said while away") == 1

    run_async(scenario())


def test_drafts_stay_with_their_rooms() -> None:
    async def scenario() -> None:
        async with open_interface(rooms=("#room", "#tea")) as stand:
            await stand.wait(lambda: "#tea" in stand.model.order and "#room" in stand.model.order)
            await stand.pilot.press("alt+1")
            await stand.type("for the first")
            await stand.pilot.press("alt+2")
            await stand.see_none("for the first")
            await stand.type("for the second")
            await stand.pilot.press("alt+1")
            await stand.see("for the first")
            await stand.pilot.press("alt+2")
            await stand.see("for the second")

    run_async(scenario())


def test_a_line_that_is_refused_stays_where_it_was_typed() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")
            await stand.say("/nosuchcommand with words")
            await stand.wait(lambda: stand.composer.text == "/nosuchcommand with words")

    run_async(scenario())


def test_new_lines_are_typed_and_sent_together() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")
            await stand.type("one")
            await stand.pilot.press("alt+enter")
            await stand.type("two")
            await stand.pilot.press("ctrl+j")
            await stand.type("three")
            assert stand.composer.text == "one\ntwo\nthree"
            await stand.pilot.press("enter")
            await stand.wait(lambda: len(stand.network.texts()) == 3)

    run_async(scenario())


def test_names_and_commands_are_completed() -> None:
    async def scenario() -> None:
        network = Network()
        network.members["#room"] = {"bobby": None, "robert": None}
        async with open_interface(network) as stand:
            await stand.see("You joined", "3 here")
            await stand.type("bo")
            await stand.pilot.press("tab")
            assert stand.composer.text.startswith("bobby")
            await stand.pilot.press("ctrl+u")
            await stand.type("/to")
            await stand.see("/topic")
            await stand.pilot.press("tab")
            assert stand.composer.text == "/topic "

    run_async(scenario())


def test_ones_own_lines_come_back_with_up() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")
            await stand.say("first line")
            await stand.say("second line")
            await stand.pilot.press("up", "up")
            assert stand.composer.text == "first line"
            await stand.pilot.press("down")
            assert stand.composer.text == "second line"

    run_async(scenario())


def test_pasting_many_lines_asks_first() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")
            stand.composer.post_message(events.Paste("a\nb\nc\nd\ne"))
            await stand.see("Paste many lines?", "Paste these 5 lines")
            assert stand.composer.text == ""
            await stand.pilot.press("enter")
            await stand.wait(lambda: stand.composer.text == "a\nb\nc\nd\ne")

    run_async(scenario())


def test_scrolling_up_loads_older_messages_without_a_jump() -> None:
    async def scenario() -> None:
        network = Network(page=50)
        for number in range(400):
            network.say("bob", f"message number {number}")
        async with open_interface(network) as stand:
            await stand.see("message number 399")
            seen: set[str] = set()
            for _ in range(60):
                before = stand.text()
                await stand.pilot.press("pageup")
                await stand.pilot.pause(0.02)
                seen.update(line.strip() for line in before.splitlines())
                if "message number 0" in stand.text():
                    break
            await stand.see("The beginning of #room", "message number 0")
            words = " ".join(seen)
            assert all(f"message number {number}" in words for number in range(20, 400))
            network.say("bob", "something new")
            await stand.see("1 new (End)")
            assert "something new" not in stand.text()
            await stand.pilot.press("ctrl+end")
            await stand.see("something new")

    run_async(scenario())


def test_the_view_stays_where_it_is_while_messages_come() -> None:
    async def scenario() -> None:
        network = Network(page=100)
        for number in range(100):
            network.say("bob", f"message number {number}")
        async with open_interface(network) as stand:
            await stand.see("message number 99")
            await stand.pilot.press("pageup")
            await stand.see_none("message number 99")

            def shown() -> list[str]:
                lines = stand.text().replace("\u2590", "").splitlines()
                return [line.strip() for line in lines if line.strip().startswith("message number")]

            before = shown()[:-1]
            for number in range(50):
                network.say("carol", f"later {number}")
            await stand.see("new (End)")
            assert len(before) > 5
            assert shown()[: len(before)] == before

    run_async(scenario())


def test_searching_finds_marks_and_goes_there() -> None:
    async def scenario() -> None:
        network = Network(page=200)
        for number in range(150):
            network.say("bob", "a needle" if number in (10, 90) else f"hay {number}")
        async with open_interface(network) as stand:
            await stand.see("hay 149")
            await stand.pilot.press("ctrl+f")
            await stand.type("needle")
            await stand.see("1 of 2", "hay 91")
            await stand.pilot.press("up")
            await stand.see("2 of 2", "hay 11")
            await stand.pilot.press("escape")
            await stand.see_none("2 of 2")
            assert stand.app.focused is stand.composer

    run_async(scenario())


def test_somebody_who_calls_is_heard_and_seen() -> None:
    async def scenario() -> None:
        async with open_interface(rooms=("#room", "#tea")) as stand:
            await stand.wait(lambda: "#tea" in stand.model.order and "#room" in stand.model.order)
            await stand.pilot.press("alt+2")
            stand.network.say("bob", "me: are you there?", "#room")
            await stand.wait(lambda: stand.attention == [("bob in #room", "me: are you there?")])
            await stand.see(" 1 ")
            await stand.pilot.press("alt+a")
            await stand.see("are you there?")

    run_async(scenario())


def test_what_comes_while_the_user_looks_elsewhere_is_below_the_unread_line() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")
            stand.app.post_message(events.AppBlur())
            await stand.wait(lambda: not stand.app.app_focus)
            stand.network.say("bob", "me: are you there?", "#room")
            await stand.see("New messages", "are you there?")
            assert stand.attention == [("bob in #room", "me: are you there?")]
            assert stand.model.conversations["#room"].unread == 1
            stand.app.post_message(events.AppFocus())
            await stand.wait(lambda: stand.model.conversations["#room"].unread == 0)

    run_async(scenario())


def test_the_list_of_rooms_takes_the_command_too_and_says_what_no_room_can_be_called() -> None:
    async def scenario() -> None:
        async with open_interface(rooms=("#room",)) as stand:
            await stand.wait(lambda: "#room" in stand.model.order)
            await stand.pilot.press("ctrl+o")
            await stand.see("Type to find")
            await stand.type("two words")
            await stand.see("There is no such room")
            await stand.pilot.press("ctrl+u")
            await stand.see_none("There is no such room")
            await stand.type("/join #tea")
            await stand.see("#tea")
            await stand.pilot.press("enter")
            await stand.wait(lambda: "#tea" in stand.model.conversations)

    run_async(scenario())


def test_the_quick_switcher_goes_to_a_room_by_its_letters() -> None:
    async def scenario() -> None:
        async with open_interface(rooms=("#room", "#tea", "#coffee")) as stand:
            await stand.wait(lambda: len(stand.model.order) == 4)
            await stand.pilot.press("ctrl+k")
            await stand.see("Go to")
            await stand.type("cof")
            await stand.pilot.press("enter")
            await stand.wait(lambda: stand.model.active == "#coffee")

    run_async(scenario())


def test_a_question_mark_shows_the_keys_and_a_second_one_writes_it() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")
            await stand.pilot.press("question_mark")
            await stand.see("Press ? again", "Ctrl+K")
            await stand.pilot.press("question_mark")
            await stand.wait(lambda: stand.composer.text == "?")
            await stand.pilot.press("f1")
            await stand.see("Everywhere")

    run_async(scenario())


def test_a_reply_names_what_it_answers() -> None:
    async def scenario() -> None:
        network = Network()
        network.say("bob", "what time is it")
        async with open_interface(network) as stand:
            await stand.see("what time is it")
            await stand.pilot.press("ctrl+up", "up", "r")
            await stand.see("Replying to")
            assert stand.app.focused is stand.composer

    run_async(scenario())


def test_the_mouse_copies_what_it_drags_over() -> None:
    async def scenario() -> None:
        network = Network()
        network.say("bob", "copy these words please")
        async with open_interface(network) as stand:
            await stand.see("copy these words")
            lines = stand.text().splitlines()
            y = next(n for n, line in enumerate(lines) if "copy these" in line)
            x = lines[y].index("copy")
            await stand.pilot.mouse_down(offset=(x, y))
            await stand.pilot.hover(offset=(x + 5, y))
            view = stand.main.pane.view
            region = view.region
            move = events.MouseMove(
                view, x + 15 - region.x, y - region.y, 1, 0, 1, False, False, False, x + 15, y
            )
            view.post_message(move)
            await stand.pilot.pause()
            await stand.pilot.mouse_up(offset=(x + 15, y))
            await stand.wait(lambda: stand.copied == ["copy these words"], f"{stand.copied}")

    run_async(scenario())


def test_what_stops_the_connection_is_said_in_words_with_a_way_on() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")
            stand.link.stop(
                Problem(
                    ProblemKind.PASSWORD,
                    "The password was not accepted.",
                    "Check it, or leave it out.",
                    is_final=True,
                )
            )
            await stand.see("Not connected", "The password was not accepted.", "Check it")
            await stand.pilot.press("enter")
            await stand.see("Your nickname", "The password was not accepted.")

    run_async(scenario())


def test_a_mistake_of_the_interface_is_a_sentence_and_no_traceback() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")

            def fail(*_: object) -> None:
                raise RuntimeError("on purpose")

            stand.main.conversations.show_rooms = fail  # type: ignore[method-assign]
            await stand.pilot.press("ctrl+o")
            screen = await stand.see("Something went wrong")
            assert "Traceback" not in screen
            assert "on purpose" in stand.app.mistakes.texts[-1]
            stand.app.mistakes.texts.clear()
            await stand.say("it goes on")
            await stand.see("\u2713")

    run_async(scenario())


def test_control_characters_and_turned_text_reach_no_cell() -> None:
    async def scenario() -> None:
        network = Network()
        network.say("bob", "a\x1b[31mred\x07 \u202eevil\u202c \x0304coloured\x0f end")
        async with open_interface(network) as stand:
            screen = await stand.see("coloured end")
            assert not set(screen) & set("\x1b\x07\u202e\u202c\x03\x0f")

    run_async(scenario())


def test_a_failed_message_says_why_and_is_sent_again() -> None:
    async def scenario() -> None:
        async with open_interface() as stand:
            await stand.see("You joined")
            connection = stand.link.connection
            assert connection is not None
            assert connection.session is not None
            connection.session.rooms.pop("#room")
            await stand.say("does this arrive")
            await stand.see("Not sent", "Ctrl+R")
            connection.session.rooms["#room"] = None
            await stand.pilot.press("ctrl+r")
            await stand.see("\u2713")
            conversation = stand.model.conversations["#room"]
            assert [e.delivery for e in conversation.entries if e.is_mine][-1:] == [
                Delivery.DELIVERED
            ]

    run_async(scenario())
