"""The main screen: rooms at the left, the conversation in the middle, people at the right."""

from typing import ClassVar, assert_never

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.theme import Theme

from roost.client.model import SERVER_KEY, Model, Phase
from roost.client.model.effects import (
    AskName,
    Attention,
    Help,
    InterfaceCommand,
    InterfaceEffect,
    Jump,
    Show,
    Toast,
)
from roost.client.tui import themes
from roost.client.tui.account_dialogs import AccountDialogs
from roost.client.tui.bars import StatusBar
from roost.client.tui.calendar import Calendar
from roost.client.tui.connection_dialogs import ConnectionDialogs
from roost.client.tui.conversation_actions import ConversationActions
from roost.client.tui.conversation_pane import ConversationPane
from roost.client.tui.elsewhere import OtherServers
from roost.client.tui.keys import BINDINGS
from roost.client.tui.link import Link, Preferences
from roost.client.tui.list_pane import ListPane
from roost.client.tui.offering import everything
from roost.client.tui.palette import Palette
from roost.client.tui.people_pane import PeoplePane
from roost.client.tui.rooms_pane import RoomsPane, conversation_name
from roost.client.tui.safety import Guarded
from roost.client.tui.screens.dialog import TextDialog, grid
from roost.client.tui.screens.keys import KeysDialog
from roost.client.tui.screens.picker import Menu, run
from roost.client.tui.screens.settings import SettingsDialog
from roost.client.tui.screens.switcher import Offer
from roost.ops import clock

ROOMS_FROM = 78
"""Columns from which the list of rooms is shown unless it is folded away."""
PEOPLE_FROM = 110
WIDE_FROM = 140
"""Columns from which both lists are wider."""
MIDDLE_MAX = 128
"""Columns of the conversation that a text of full width (`layout.MEASURE_MAX`) takes."""
NO_OTHERS = (
    "There is only this one. A server that has [servers.NAME] in the settings is opened at every "
    "start."
)


class MainScreen(Guarded, Screen[None]):
    """Composes the panes, follows the model, and binds the keys to the actions."""

    BINDINGS: ClassVar[list[BindingType]] = [*BINDINGS]

    class AttentionWanted(Message):
        """Asks the application to ring or notify: somebody addressed the user."""

        def __init__(self, title: str, text: str) -> None:
            super().__init__()
            self.title = title
            self.text = text

    def __init__(
        self,
        link: Link,
        calendar: Calendar,
        preferences: Preferences,
        servers: OtherServers,
        first_wanted: str = "",
    ) -> None:
        """`first_wanted` is the key of the conversation to begin with, if it can be joined."""
        super().__init__()
        self._link = link
        self._model = link.model
        self._calendar = calendar
        self._preferences = preferences
        self._servers = servers
        self._first_wanted = first_wanted
        self._folds: dict[str, tuple[bool, bool]] = {}
        """By pane, what the user wants, and what there was room for then."""
        self._is_ready = False
        self._phase = Phase.OFFLINE
        self._was_online = False
        self._is_settled = False
        """Whether a conversation was chosen, by the user or for them."""

    def compose(self) -> ComposeResult:
        palette = Palette(self.app.current_theme)
        model, link = self._model, self._link
        self.rooms = RoomsPane(model, palette, self._servers.elsewhere)
        self.pane = ConversationPane(link, palette, self._calendar, self._preferences)
        self.people = PeoplePane(model, palette)
        self.status = StatusBar(model, palette, clock.monotonic, self._servers.elsewhere)
        self.connection = ConnectionDialogs(self, link)
        self.account = AccountDialogs(self, link)
        self.conversations = ConversationActions(
            self, link, self.pane.composer, self._calendar, self.turn_to
        )
        with Horizontal(id="columns"):
            yield self.rooms
            yield self.pane
            yield self.people
        yield self.status

    def on_mount(self) -> None:
        self._is_ready = True
        self._fold()
        self.app.theme_changed_signal.subscribe(self, self._theme_changed)

    # Following the model.

    def follow(self) -> bool:
        """Show what changed in the model; return whether the messages in view changed."""
        if not self._is_ready:
            return False
        self._follow_connection()
        self._choose_first()
        is_changed = self.pane.follow()
        self.rooms.follow()
        if self.people.display:
            self.people.follow()
        self.status.follow()
        return is_changed

    def _choose_first(self) -> None:
        """Show a room as soon as one is joined, unless the user went somewhere already."""
        if self._is_settled:
            return
        model = self._model
        if self.pane.key != SERVER_KEY or model.active != SERVER_KEY:
            self._is_settled = True
            return
        others = [key for key in model.order if key != SERVER_KEY]
        is_wanted = self._first_wanted in others
        found = (
            self._first_wanted
            if is_wanted
            else next((key for key in others if model.conversations[key].is_joined), None)
        )
        if found is not None and (is_wanted or not self.pane.composer.text):
            self._is_settled = True
            self.turn_to(found)

    def _follow_connection(self) -> None:
        phase = self._model.connection.phase
        if phase is self._phase:
            return
        self._phase = phase
        if phase is Phase.ONLINE and not self._was_online:
            self._was_online = True
            if self._model.order == [SERVER_KEY] and not self._model.rooms_wanted:
                self.action_rooms()
        if phase is Phase.STOPPED:
            self.connection.show_problem()

    def turn_to(self, key: str) -> None:
        """Show another conversation; do nothing if it is not open."""
        if key in self._model.conversations:
            self.pane.show(key)
            self._link.flush()
            self.follow()

    def _theme_changed(self, theme: Theme) -> None:
        palette = Palette(theme)
        for part in (self.rooms, self.pane, self.people, self.status):
            part.set_palette(palette)

    # What the model asks for.

    def handle_effect(self, effect: InterfaceEffect) -> None:
        match effect:
            case Attention():
                self._call_attention(effect)
            case Toast():
                self.notify(
                    effect.text,
                    severity="error" if effect.is_error else "information",
                    markup=False,
                )
            case Show():
                self.turn_to(effect.key)
            case Jump():
                self.turn_to(effect.key)
                self.pane.view.reveal(effect.entry)
            case Help():
                rows = [(Text(usage), Text(words)) for usage, words in effect.commands]
                self.app.push_screen(TextDialog("Commands", grid(rows)))
            case AskName():
                self.connection.ask_name(effect)
            case InterfaceCommand():
                self._run_command(effect.name, effect.argument)
            case _:
                assert_never(effect)

    def _call_attention(self, effect: Attention) -> None:
        is_in_front = self in self.app.screen_stack
        is_seen = self.app.app_focus and is_in_front and effect.key == self._model.active
        if not is_seen:
            self.post_message(self.AttentionWanted(*attention_words(self._model, effect)))

    def _run_command(self, name: str, argument: str) -> None:
        match name:
            case "account":
                self.account.show()
            case "clear":
                self.pane.view.action_to_end()
            case "date":
                self.conversations.go_to_date(argument)
            case "keys":
                self.action_keys()
            case "list" | "rooms":
                self.conversations.show_rooms(argument)
            case "login":
                self.account.log_in(argument)
            case "logout":
                self.account.log_out()
            case "password":
                self.account.change_password()
            case "quit":
                self.call_later(self.app.action_quit)
            case "react":
                self.pane.messages.react_to_chosen(argument)
            case "register":
                self.account.register()
            case "find":
                self.pane.find_bar.open(argument)
            case "server":
                self._go_to_server(argument)
            case "edit":
                self.pane.messages.edit_last(argument)
            case "thread":
                self.pane.messages.thread_of_chosen()
            case "jump":
                self.conversations.follow_link(argument)
            case "search":
                self.conversations.show_search(argument)
            case "set":
                self.action_settings()
            case "theme":
                self._set_theme(argument)
            case _:
                raise AssertionError(f"/{name} is no command of the interface")

    def _go_to_server(self, name: str) -> None:
        if name:
            self.app.call_later(self._servers.open_and_show, name, self._model.nick)
        else:
            self.action_servers()

    def _set_theme(self, name: str) -> None:
        if not name:
            self.action_theme()
        elif self.app.get_theme(name) is not None:
            self.app.theme = name
        else:
            words = f"There is no theme {name}; the settings (F5) list them"
            self.notify(words, severity="error", markup=False)

    # Events of the widgets.

    def on_list_pane_chosen(self, event: ListPane.Chosen) -> None:
        """Go to a conversation, or show the menu of a conversation or person."""
        if event.pane is self.people:
            person = self.people.person_at(event.row)
            if person is not None:
                self.conversations.show_person_menu(person)
            return
        server = self.rooms.server_at(event.row)
        if server is not None:
            self.app.call_later(self._servers.show, server)
            return
        key = self.rooms.key_at(event.row)
        if key is None:
            self.action_rooms()
        elif event.is_menu:
            self.conversations.show_conversation_menu(key)
        else:
            self.turn_to(key)
            self.pane.composer.focus()

    def on_topic_bar_clicked(self) -> None:
        self.conversations.show_topic()

    def on_status_bar_clicked(self) -> None:
        self.connection.show_state()

    def on_composer_keys_wanted(self) -> None:
        dialog = KeysDialog(
            Palette(self.app.current_theme),
            self._preferences.keys,
            lambda: self.pane.composer.put("?"),
        )
        self.app.push_screen(dialog)

    def on_key(self, event: events.Key) -> None:
        """Send what is typed to the composer where no other widget takes it."""
        view = self.pane.view
        if self.focused is view and view.takes(event.character or ""):
            return
        if event.is_printable and event.character and self.focused in (None, view):
            event.stop()
            if event.character == "?":
                self.action_keys()
            else:
                self.pane.composer.put(event.character)

    def on_resize(self) -> None:
        self._fold()

    def _fold(self) -> None:
        """Show the side panes where there is room, unless the user decided otherwise."""
        if not self._is_ready:
            return
        width = self.size.width
        wide = width >= WIDE_FROM
        self.rooms.display = self._is_shown("rooms", has_room=width >= ROOMS_FROM)
        self.people.display = self._is_shown("people", has_room=width >= PEOPLE_FROM)
        self.rooms.styles.width = 26 if wide else 20 if width >= 100 else 17
        self.people.styles.width = 24 if wide else 19
        left = width - 34 - MIDDLE_MAX
        if left >= 24:
            # Texts get no wider, so the lists do: they show more of long names, and who is away.
            self.rooms.styles.width, self.people.styles.width = 34, min(left, 48)
        self.status.shows_activity = not self.rooms.display

    def _is_shown(self, pane: str, *, has_room: bool) -> bool:
        """Follow the user, until the width makes another choice."""
        wanted, had_room = self._folds.get(pane, (has_room, has_room))
        if had_room != has_room:
            del self._folds[pane]
            return has_room
        return wanted

    # Keys; `keys` says which does what.

    def action_fold(self, pane: str) -> None:
        shown = self.rooms if pane == "rooms" else self.people
        limit = ROOMS_FROM if pane == "rooms" else PEOPLE_FROM
        self._folds[pane] = (not shown.display, self.size.width >= limit)
        self._fold()

    def action_keys(self) -> None:
        self.app.push_screen(KeysDialog(Palette(self.app.current_theme), self._preferences.keys))

    def action_next(self, step: int) -> None:
        order = self._model.order
        place = order.index(self.pane.key) if self.pane.key in order else 0
        self.turn_to(order[(place + step) % len(order)])

    def action_number(self, number: int) -> None:
        """Go to a conversation by its place from 1, the server's own not counted."""
        others = [key for key in self._model.order if key != SERVER_KEY]
        if number <= len(others):
            self.turn_to(others[number - 1])

    def action_unread(self) -> None:
        """Go to the next unread conversation; those with highlights come first."""
        order = self._model.order
        place = order.index(self.pane.key) if self.pane.key in order else 0
        others = [self._model.conversations[key] for key in order[place + 1 :] + order[:place]]
        found = [other for other in others if other.highlights] or [
            other for other in others if other.unread
        ]
        busiest = self._servers.busiest()
        if found:
            self.turn_to(found[0].key)
        elif busiest is not None:
            self.app.call_later(self._servers.show, busiest)

    def action_server(self, step: int) -> None:
        """Go to the next (1) or previous (-1) server."""
        self.app.call_later(self._servers.show, self._servers.step(step))

    def action_servers(self) -> None:
        """Offer the other servers."""
        actions = self._servers.actions(self._model.nick)
        about = "" if actions else NO_OTHERS
        actions.append(("Open another \u2026", self.connection.ask_server))
        self.app.push_screen(Menu("Servers", actions, explanation=about), run)

    def action_switcher(self) -> None:
        composer, model = self.pane.composer, self._model

        def submit(line: str) -> None:
            model.submit(model.active, line)

        def begin(words: str) -> None:
            composer.load(words + composer.text)
            composer.focus()

        offers = everything(self, self._preferences, submit, begin)
        servers = self._servers.actions(model.nick)
        offers += [Offer(label, "server", action) for label, action in servers]
        self.conversations.show_switcher(offers)

    def action_rooms(self) -> None:
        self.conversations.show_rooms()

    def action_settings(self) -> None:
        dialog = SettingsDialog(self._preferences)
        self.app.push_screen(dialog, lambda _: self.pane.update_look())

    def action_theme(self) -> None:
        theme = self.app.current_theme
        self.app.theme = themes.opposite(theme.name, is_dark=theme.dark)

    def action_page(self, step: int) -> None:
        self.pane.view.scroll_pages(step)

    def action_latest(self) -> None:
        self.pane.view.action_to_end()

    def action_earliest(self) -> None:
        self.pane.view.action_to_start()

    def action_find(self) -> None:
        """Search in what is loaded; pressed again, in everything."""
        bar = self.pane.find_bar
        if bar.display:
            self.action_search(bar.query_text)
        else:
            bar.open()

    def action_search(self, query: str = "") -> None:
        self.pane.find_bar.close()
        self.conversations.show_search(query)

    def action_date(self) -> None:
        self.conversations.ask_date()

    def action_choose_message(self) -> None:
        self.pane.view.enter_cursor()

    def action_retry(self) -> None:
        self.pane.messages.retry_all()

    def action_connection(self) -> None:
        if self._model.connection.phase is Phase.STOPPED:
            self.connection.show_problem()
        else:
            self.connection.show_state()

    def action_reconnect(self) -> None:
        self.connection.reconnect()


def attention_words(model: Model, effect: Attention) -> tuple[str, str]:
    """Return the title and the text of a call for attention."""
    sender = effect.entry.sender
    conversation = model.conversations.get(effect.key)
    where = sender if conversation is None else conversation_name(model, conversation)
    return sender if where == sender else f"{sender} in {where}", effect.entry.text
