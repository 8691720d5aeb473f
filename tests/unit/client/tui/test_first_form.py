"""The first form stays until a connection works, and passwords are asked for and not shown."""

from roost.client.model import Problem, ProblemKind
from support.chat_interface import open_interface, run_async
from support.fake_irc_network import WITH_ACCOUNTS, Network

LONG = (
    "Nobody answers at chat.example.invalid:6667: the name is not known to the resolver of this"
    " machine, and of no other."
)


def network(capabilities: str = WITH_ACCOUNTS) -> Network:
    made = Network(capabilities)
    made.accounts["dave"] = "secret-1"
    return made


def test_a_mistyped_address_is_told_in_full_and_corrected_in_the_form() -> None:
    async def scenario() -> None:
        async with open_interface(nick="", size=(60, 24)) as ui:
            ui.host.refusals["nowhere:1"] = Problem(ProblemKind.UNREACHABLE, LONG)
            await ui.see("Your nickname")
            await ui.type("alice")
            await ui.pilot.press("tab", "ctrl+u")
            await ui.say("nowhere:1")
            await ui.see("Nobody answers", "and of no other.")
            assert (ui.host.nick, ui.host.addresses) == ("", ("test:6667",))
            await ui.pilot.press("ctrl+u")
            await ui.say("test:6667")
            await ui.see("#room", "You joined")
            assert (ui.host.nick, ui.host.addresses) == ("alice", ("test:6667",))
            assert ui.model.active == "#room"

    run_async(scenario())


def test_escape_stops_connecting_and_then_quits() -> None:
    async def scenario() -> None:
        async with open_interface(nick="") as ui:
            ui.host.is_mute = True
            await ui.see("Your nickname")
            await ui.say("alice")
            await ui.see("Connecting to test:6667", "Escape stops connecting")
            await ui.pilot.press("escape")
            await ui.see_none("Connecting to")
            assert ui.app.main_screen is None

    run_async(scenario())


def test_an_account_is_asked_for_its_password_in_the_form() -> None:
    async def scenario() -> None:
        async with open_interface(network(), nick="") as ui:
            await ui.see("Your nickname")
            await ui.say("dave")
            await ui.see("dave is the name of an account.")
            await ui.say("wrong-pw")
            await ui.see("is wrong")
            await ui.say("secret-1")
            await ui.see("You joined")
            assert ui.model.account == "dave"
            assert ui.model.nick == "dave"

    run_async(scenario())


def test_an_account_that_starts_again_is_asked_for_its_password_and_not_renamed() -> None:
    async def scenario() -> None:
        async with open_interface(network(), nick="dave") as ui:
            await ui.see("dave is the name of an account.", "Password of dave")
            await ui.type("secret-1")
            assert "secret-1" not in ui.text()
            await ui.pilot.press("enter")
            await ui.see("You joined")
            assert (ui.model.nick, ui.model.account) == ("dave", "dave")
            assert not any(b"dave_" in line for line in ui.link.sent)

    run_async(scenario())


def test_whoever_has_no_password_chooses_another_name() -> None:
    async def scenario() -> None:
        async with open_interface(network(), nick="dave") as ui:
            await ui.see("Choose another name")
            await ui.pilot.press("tab", "tab", "enter")
            await ui.see("Another name")
            await ui.pilot.press("ctrl+u")
            await ui.say("davina")
            await ui.see("You joined")
            assert ui.model.nick == "davina"

    run_async(scenario())


def test_an_account_is_made_by_command_with_a_password_typed_twice() -> None:
    async def scenario() -> None:
        async with open_interface(network()) as ui:
            await ui.see("You joined")
            await ui.say("/register")
            await ui.see("Make me an account")
            await ui.say("short")
            await ui.say("short")
            await ui.see("at least 8 characters.")
            await ui.pilot.press("ctrl+u", "shift+tab", "ctrl+u")
            await ui.say("correct-horse")
            await ui.type("correct-horse")
            await ui.see("Make the account")
            await ui.pilot.click("#save")
            await ui.see("The account me is yours")
            assert ui.network.accounts["me"] == "correct-horse"

    run_async(scenario())


def test_an_account_is_made_with_a_code_where_the_network_wants_one() -> None:
    async def scenario() -> None:
        keys = "draft/account-registration=email-required"
        capabilities = WITH_ACCOUNTS.replace("draft/account-registration", keys)
        async with open_interface(network(capabilities)) as ui:
            await ui.see("You joined")
            await ui.say("/register")
            await ui.see("E-mail address, or invitation code")
            await ui.say("")
            await ui.say("correct-horse")
            await ui.say("correct-horse")
            await ui.see("Enter your e-mail address, or the invitation code")
            await ui.pilot.press("shift+tab", "shift+tab")
            await ui.say("abcd-efgh")
            await ui.see("The account me is yours")
            assert ui.network.proofs == ["abcd-efgh"]

    run_async(scenario())


def test_a_password_for_nickserv_is_not_shown_while_it_is_typed() -> None:
    async def scenario() -> None:
        async with open_interface() as ui:
            await ui.see("You joined")
            await ui.type("/msg NickServ IDENTIFY me secret-1")
            screen = await ui.see("IDENTIFY me \u2022\u2022\u2022")
            assert "secret" not in screen
            assert ui.composer.text == "/msg NickServ IDENTIFY me secret-1"
            await ui.pilot.press("enter", "alt+2")
            await ui.see("NickServ", "IDENTIFY me \u2022\u2022\u2022")
            assert "secret" not in ui.text()

    run_async(scenario())
