"""What the main screen does beyond showing: dialogs, menus, and what the model asks of it."""

import webbrowser
from typing import Any

from rich.text import Text

from roost.client.model import Delivery, Entry, EntryKind, Person, ProblemKind, text
from roost.client.model.effects import (
    AskName,
    Attention,
    Effect,
    Help,
    InterfaceCommand,
    Jump,
    Show,
    Toast,
)
from roost.client.tui.calendar import now_ms
from roost.client.tui.program import Stage
from roost.client.tui.rooms_pane import conversation_name
from roost.client.tui.screens.asking import AskDialog, ReactionDialog
from roost.client.tui.screens.dialog import ChoiceDialog, TextDialog
from roost.client.tui.screens.rooms import RoomsScreen
from roost.client.tui.screens.settings import SettingsScreen
from roost.client.tui.screens.switcher import JOIN, OPEN, TALK, SwitcherScreen
from roost.client.tui.screens.welcome import name_problem

TOAST_S = 4.0
LINKS_MAX = 5
"""How many of a message's links its menu offers."""
PREVIEW_LINES = 6


class Deeds:
    """What can be done; one for each main screen."""

    def __init__(self, screen: Stage) -> None:
        self._screen = screen

    # What the model asks.

    def obey(self, effect: Effect) -> None:
        """Do what the model asks of the interface."""
        screen = self._screen
        match effect:
            case Attention():
                self._attention(effect)
            case Toast():
                self.say(effect.text, is_error=effect.is_error)
            case Show():
                screen.turn_to(effect.key)
            case Jump():
                screen.turn_to(effect.key)
                screen.view.reveal(effect.entry)
            case Help():
                screen.app.push_screen(TextDialog("Commands", Text("\n".join(effect.lines))))
            case AskName():
                self._ask_name(effect)
            case InterfaceCommand():
                self._command(effect.name, effect.argument)
            case _:
                return

    def say(self, words: str, *, is_error: bool = False) -> None:
        """Say something briefly."""
        severity: Any = "error" if is_error else "information"
        self._screen.app.notify(words, severity=severity, timeout=TOAST_S, markup=False)

    def _attention(self, effect: Attention) -> None:
        screen = self._screen
        is_seen = screen.program.is_looked_at and effect.key == screen.model.active
        conversation = screen.model.conversations.get(effect.key)
        if conversation is None or is_seen:
            return
        entry = effect.entry
        where = conversation_name(screen.model, conversation)
        who = entry.sender if where == entry.sender else f"{entry.sender} in {where}"
        screen.program.call_attention(who, entry.text)

    def _ask_name(self, effect: AskName) -> None:
        screen = self._screen
        meanwhile = f" Until then you are {effect.in_use}." if effect.in_use else ""
        words = f"{effect.reason}{meanwhile} What do you want to be called?"

        def answered(nick: str | None) -> None:
            if nick:
                screen.model.set_nick(nick)
                screen.link.flush()

        dialog = AskDialog("Another name", words, effect.wanted, check=name_problem)
        screen.app.push_screen(dialog, answered)

    def _command(self, name: str, argument: str) -> None:
        screen = self._screen
        simple = {
            "keys": screen.show_keys,
            "list": self.rooms,
            "rooms": self.rooms,
            "settings": self.settings,
            "clear": screen.view.action_to_end,
            "quit": screen.program.leave,
        }
        if name in simple:
            simple[name]()
        elif name == "search":
            screen.find_bar.open(argument)
        elif name == "date":
            self._go_to_date(argument)
        elif name == "theme":
            self._theme(argument)
        elif name == "react":
            self._react_to_last(argument)
        elif name == "set":
            self.settings()
        else:
            self.say(f"/{name} does nothing here", is_error=True)

    def _theme(self, name: str) -> None:
        app = self._screen.program
        if not name:
            app.switch_theme()
        elif app.get_theme(name) is not None:
            app.theme = name
        else:
            self.say(f"There is no theme {name}; the settings (F5) list them", is_error=True)

    # Rooms and people.

    def rooms(self) -> None:
        """Show the rooms that exist."""
        screen = self._screen
        screen.model.list_rooms()
        screen.link.flush()

        def answered(name: str | None) -> None:
            if name:
                self._join(name)

        screen.app.push_screen(RoomsScreen(screen.model, screen.program.palette), answered)

    def switcher(self) -> None:
        """Go to a conversation by name."""
        screen = self._screen

        def answered(chosen: str | None) -> None:
            if chosen is None:
                return
            if chosen.startswith(OPEN):
                screen.turn_to(chosen[len(OPEN) :])
            elif chosen.startswith(JOIN):
                self._join(chosen[len(JOIN) :])
            elif chosen.startswith(TALK):
                self._talk(chosen[len(TALK) :])

        screen.app.push_screen(SwitcherScreen(screen.model, screen.program.palette), answered)

    def person_menu(self, person: Person) -> None:
        """Ask what to do with somebody."""
        screen = self._screen
        nick = person.nick
        choices = [("talk", f"Talk privately with {nick}"), ("name", f"Write {nick}'s name")]
        choices.append(("who", "Who is that?"))
        is_ignored = nick in screen.model.ignored
        if not person.is_me:
            choices.append(("ignore", f"{'Hear' if is_ignored else 'Ignore'} {nick}"))

        def answered(chosen: str | None) -> None:
            model = screen.model
            if chosen == "talk":
                self._talk(nick)
            elif chosen == "name":
                screen.composer.put(f"{nick}: " if not screen.composer.text else f"{nick} ")
            elif chosen == "who":
                model.submit(model.active, f"/whois {nick}")
            elif chosen == "ignore":
                (model.unignore if is_ignored else model.ignore)(nick)
            screen.link.flush()

        screen.app.push_screen(ChoiceDialog(nick, choices), answered)

    def conversation_menu(self, key: str) -> None:
        """Ask what to do with a conversation."""
        screen = self._screen
        conversation = screen.model.conversations[key]
        choices = [("open", "Go there"), ("read", "Mark as read")]
        choices.append(("close", "Leave the room" if key and key[0] in "#&" else "Close"))

        def answered(chosen: str | None) -> None:
            if chosen == "open":
                screen.turn_to(key)
            elif chosen == "read":
                screen.model.mark_read(key)
            elif chosen == "close":
                screen.model.part(key)
            screen.link.flush()

        title = conversation_name(screen.model, conversation)
        screen.app.push_screen(ChoiceDialog(title, choices), answered)

    def topic(self) -> None:
        """Show the topic as a whole, and let it be changed."""
        screen = self._screen
        conversation = screen.model.conversations[screen.model.active]
        words = text.strip_formatting(conversation.topic)
        if not (conversation.key and conversation.members):
            return

        def answered(topic: str | None) -> None:
            if topic is not None and topic != words:
                screen.model.set_topic(conversation.key, topic)
                screen.link.flush()

        by = f" It was set by {conversation.topic_by}." if conversation.topic_by else ""
        about = f"{words or 'There is no topic yet.'}{by}\n\nEnter changes it, Escape leaves it."
        screen.app.push_screen(AskDialog(f"Topic of {conversation.name}", about, words), answered)

    def _join(self, name: str) -> None:
        self._screen.model.join(name)
        self._screen.link.flush()

    def _talk(self, nick: str) -> None:
        self._screen.model.query(nick)
        self._screen.link.flush()

    # Messages.

    def message_menu(self, entry: Entry) -> None:
        """Ask what to do with a message."""
        screen = self._screen
        preview = text.strip_formatting(entry.text)
        lines = preview.splitlines()[:PREVIEW_LINES]

        def answered(chosen: str | None) -> None:
            if chosen is not None:
                self.with_message(entry, chosen)

        title = entry.sender or "Message"
        dialog = ChoiceDialog(title, self._choices(entry), explanation="\n".join(lines))
        screen.app.push_screen(dialog, answered)

    def with_message(self, entry: Entry, deed: str) -> None:
        """Do one thing with a message."""
        screen, model = self._screen, self._screen.model
        key = model.active
        if deed == "reply":
            self._reply(entry)
        elif deed == "react":
            self._react(entry)
        elif deed == "copy":
            self.copy(text.strip_formatting(entry.text))
        elif deed == "open" or deed.startswith("open "):
            urls = self._urls(entry)
            number = int(deed[5:] or 0)
            if number < len(urls):
                self.open_link(urls[number])
        elif deed == "retry":
            model.retry(key, entry)
        elif deed == "dismiss":
            model.dismiss(key, entry)
            screen.composer.load(model.conversations[key].draft)
        elif deed == "redact":
            model.redact(key, entry)
        elif deed == "talk":
            model.query(entry.sender)
        elif deed == "ignore":
            model.ignore(entry.sender)
        screen.link.flush()

    def _choices(self, entry: Entry) -> list[tuple[str, str]]:
        choices: list[tuple[str, str]] = []
        if entry.delivery is Delivery.FAILED:
            choices += [("retry", "Send it again"), ("dismiss", "Give it up, and edit its text")]
        elif entry.delivery is Delivery.WAITING:
            choices.append(("dismiss", "Do not send it, and edit its text"))
        if entry.msgid and entry.kind is not EntryKind.EVENT:
            choices += [("reply", "Reply"), ("react", "React")]
        choices.append(("copy", "Copy the text"))
        for number, url in enumerate(self._urls(entry)[:LINKS_MAX]):
            choices.append((f"open {number}", f"Open {url}"))
        if entry.msgid and entry.kind is not EntryKind.EVENT:
            choices.append(("redact", "Take it back"))
        if entry.sender and not entry.is_mine and entry.kind is not EntryKind.INFORMATION:
            choices += [
                ("talk", f"Talk privately with {entry.sender}"),
                ("ignore", f"Ignore {entry.sender}"),
            ]
        return choices

    def _reply(self, entry: Entry) -> None:
        if not entry.msgid:
            self.say("This cannot be replied to", is_error=True)
            return
        self._screen.reply(entry.msgid)

    def _react(self, entry: Entry) -> None:
        screen = self._screen
        key = screen.model.active

        def answered(reaction: str | None) -> None:
            if reaction:
                screen.model.react(key, entry, reaction)
                screen.link.flush()

        screen.app.push_screen(ReactionDialog(list(entry.reactions)), answered)

    def _react_to_last(self, reaction: str) -> None:
        screen = self._screen
        conversation = screen.model.conversations[screen.model.active]
        found = screen.view.cursor or next(
            (entry for entry in reversed(conversation.entries) if entry.msgid), None
        )
        if found is None:
            self.say("There is nothing to react to", is_error=True)
        elif reaction:
            screen.model.react(conversation.key, found, reaction)
            screen.link.flush()
        else:
            self._react(found)

    def retry_all(self) -> None:
        """Send again everything in view that failed."""
        model = self._screen.model
        conversation = model.conversations[model.active]
        failed = [entry for entry in conversation.pending if entry.delivery is Delivery.FAILED]
        for entry in failed:
            model.retry(model.active, entry)
        self._screen.link.flush()
        if not failed:
            self.say("Nothing here failed to be sent")

    @staticmethod
    def _urls(entry: Entry) -> list[str]:
        plain = text.strip_formatting(entry.text)
        return [plain[start:end] for start, end in text.find_urls(plain)]

    def open_link(self, url: str) -> None:
        """Open a link in the browser; what is no web address is copied instead."""
        app = self._screen.app
        if url.lower().startswith(("http://", "https://")):
            if app.is_web:
                app.open_url(url)
            elif not _open_in_browser(url):
                app.copy_to_clipboard(url)
                self.say(f"No browser was found here; the address was copied: {url}")
        else:
            app.copy_to_clipboard(url)
            self.say(f"Copied: {url}")

    def copy(self, words: str) -> None:
        """Copy to the clipboard of the terminal."""
        self._screen.app.copy_to_clipboard(words)
        lines = words.count("\n") + 1
        self.say("Copied" if lines == 1 else f"Copied {lines} lines")

    # Asking.

    def ask_about_paste(self, pasted: str) -> None:
        """Ask what to do with many lines."""
        screen = self._screen
        lines = pasted.rstrip("\n").split("\n")
        shown = "\n".join(lines[:PREVIEW_LINES])
        more = f"\n\u2026 and {len(lines) - PREVIEW_LINES} more" * (len(lines) > PREVIEW_LINES)
        choices = [
            ("lines", f"Paste these {len(lines)} lines"),
            ("joined", "Paste them as one line"),
            ("nothing", "Paste nothing"),
        ]

        def answered(chosen: str | None) -> None:
            if chosen == "lines":
                screen.composer.put(pasted.rstrip("\n"))
            elif chosen == "joined":
                screen.composer.put(" ".join(line.strip() for line in lines))

        dialog = ChoiceDialog("Paste many lines?", choices, explanation=shown + more)
        screen.app.push_screen(dialog, answered)

    def ask_date(self) -> None:
        """Ask for a date to go to."""

        def check(words: str) -> str:
            known = self._screen.program.calendar.parse(words, now_ms())
            return "" if known is not None else "That is no date that is understood here."

        words = "A date such as 2026-03-02, a weekday, yesterday, 3d (days ago), or 10:42 of today."
        self._screen.app.push_screen(
            AskDialog("Go to a date", words, check=check), self._go_to_date
        )

    def _go_to_date(self, words: str | None) -> None:
        if not words:
            return
        screen = self._screen
        time_ms = screen.program.calendar.parse(words, now_ms())
        if time_ms is None:
            self.say(f"{words} is no date that is understood here", is_error=True)
            return
        screen.model.jump_to_date(screen.model.active, time_ms)
        screen.link.flush()

    def settings(self) -> None:
        """Change settings."""
        screen = self._screen

        def closed(_: Any) -> None:
            screen.set_palette(screen.program.palette)

        screen.app.push_screen(SettingsScreen(screen.program.preferences), closed)

    # The connection.

    def connection(self) -> None:
        """Tell more about the connection."""
        screen = self._screen
        state = screen.model.connection
        problem = state.problem
        lines = [
            f"Server    {state.server_name or '-'}",
            f"Network   {state.network or '-'}",
            f"Address   {state.address or '-'}{' (TLS)' if state.is_secure else ''}",
            f"State     {state.phase.value}",
        ]
        if state.round_trip_ms is not None:
            lines.append(f"Delay     {state.round_trip_ms:.0f} ms there and back")
        if problem is not None:
            lines += ["", problem.text, problem.advice]
        choices = [
            ("again", "Connect again now"),
            ("other", "Another name or server"),
            ("stay", "Go on"),
        ]
        self._offer("Connection", "\n".join(lines), choices)

    def explain_problem(self) -> None:
        """Say what keeps one from connecting, and offer what helps."""
        screen = self._screen
        problem = screen.model.connection.problem
        if problem is None:
            return
        other = {
            ProblemKind.PASSWORD: "Enter another password",
            ProblemKind.NAME: "Choose another name",
            ProblemKind.CERTIFICATE: "Connect to another server",
        }.get(problem.kind, "Change name, password or server")
        words = "\n\n".join(part for part in (problem.text, problem.advice) if part)
        choices = [("other", other), ("again", "Try again"), ("leave", "Leave Roost")]
        self._offer("Not connected", words, choices)

    def _offer(self, title: str, words: str, choices: list[tuple[str, str]]) -> None:
        screen = self._screen

        def answered(chosen: str | None) -> None:
            if chosen == "again":
                screen.reconnect()
            elif chosen == "other":
                problem = screen.model.connection.problem
                app = screen.program
                app.run_worker(app.begin_anew(problem.text if problem else ""))
            elif chosen == "leave":
                screen.program.leave()

        screen.app.push_screen(ChoiceDialog(title, choices, explanation=words), answered)


def _open_in_browser(url: str) -> bool:
    """Open a web page where there is a browser of the desktop; never one of the terminal."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    if isinstance(browser, webbrowser.GenericBrowser) and not isinstance(
        browser, webbrowser.BackgroundBrowser
    ):
        return False
    return browser.open(url)
