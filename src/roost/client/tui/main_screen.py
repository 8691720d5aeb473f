"""The conversations: rooms at the left, what is said in the middle, people at the right."""

from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from roost.client.model import SERVER_KEY, Conversation, Entry, Phase
from roost.client.model.effects import Effect, Toast
from roost.client.tui.bars import StatusBar, TopicBar, typing_words
from roost.client.tui.composer import Composer
from roost.client.tui.conversation_view import ConversationView
from roost.client.tui.deeds import Deeds
from roost.client.tui.find_bar import FindBar
from roost.client.tui.keys import BINDINGS
from roost.client.tui.layout import Look
from roost.client.tui.link import Link
from roost.client.tui.list_pane import ListPane
from roost.client.tui.offers import OffersPopup
from roost.client.tui.palette import Palette
from roost.client.tui.people_pane import PeoplePane
from roost.client.tui.program import Stage
from roost.client.tui.rooms_pane import RoomsPane, conversation_name
from roost.client.tui.screens.keys import KeysScreen
from roost.client.tui.wrapping import truncate
from roost.ops import clock

ROOMS_FROM = 78
"""Columns from which the list of rooms is shown unless it is folded away."""
PEOPLE_FROM = 110
READ_EVERY_S = 1.0
"""How often what comes in a conversation in view is marked as read."""
WIDE_FROM = 140
"""Columns from which both lists are wider."""


class MainScreen(Stage):
    """Everything that is seen most of the time."""

    BINDINGS: ClassVar[list[BindingType]] = [*BINDINGS]

    def __init__(self, link: Link, first_wanted: str = "") -> None:
        """Show what is behind a link; `first_wanted` is the conversation that was last in view."""
        super().__init__()
        self.first_wanted = first_wanted
        self.link = link
        self.model = link.model
        self.deeds = Deeds(self)
        self.reply_to: Entry | None = None
        self._shown = ""
        self._folds: dict[str, bool] = {}
        self._is_ready = False
        self._phase = Phase.OFFLINE
        self._was_online = False
        self._read_again_s = 0.0
        self._is_settled = False
        """Whether a conversation was chosen, by the user or for them."""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        palette = self.program.palette
        conversation = self.model.conversations[self.model.active]
        self._shown = conversation.key
        look = Look(40, palette, self.program.calendar, "", self.model.nick)
        self.rooms = RoomsPane(self.model, palette)
        self.people = PeoplePane(self.model, palette)
        self.topic = TopicBar(self.model, palette)
        self.view = ConversationView(conversation, look)
        self.find_bar = FindBar()
        self.composer = Composer(self._complete, self._earlier)
        self.offers = OffersPopup(palette)
        self.status = StatusBar(self.model, palette, clock.monotonic)
        with Horizontal(id="columns"):
            yield self.rooms
            with Vertical(id="middle"):
                yield self.topic
                yield self.find_bar
                yield self.view
                yield self.composer
                yield self.offers
            yield self.people
        yield self.status

    def on_mount(self) -> None:
        """Begin with writing."""
        self._is_ready = True
        self.find_bar.display = False
        self.offers.offer([], -1)
        self._fold()
        self.set_palette(self.program.palette)
        self.composer.load(self._conversation.draft)
        self.composer.focus()

    # Following the model.

    def follow(self) -> bool:
        """Show what changed since the last frame; False when the view stayed as it was."""
        if not self._is_ready:
            return False
        self._follow_connection()
        self._choose_first()
        if self.model.active != self._shown or self._conversation is not self.view.conversation:
            self._turn(self.model.active)
        is_changed = self.view.follow()
        self._read()
        self.rooms.follow()
        if self.people.display:
            self.people.follow()
        self.topic.follow()
        self.status.follow()
        self._follow_composer()
        if self.view.search.query:
            search = self.view.search
            self.find_bar.say(search.number, search.count, search.query)
        return is_changed

    def _read(self) -> None:
        """Mark what is seen as read; not with every message, since others are told."""
        seen = self.program.is_looked_at and self.view.is_at_end and self.is_current
        if seen and self._conversation.unread and clock.monotonic() >= self._read_again_s:
            self._read_again_s = clock.monotonic() + READ_EVERY_S
            self.model.mark_read(self._shown)
            self.link.flush()

    def _choose_first(self) -> None:
        """Show a room as soon as one is joined, unless the user went somewhere already."""
        if self._is_settled:
            return
        if self._shown != SERVER_KEY or self.model.active != SERVER_KEY:
            self._is_settled = True
            return
        joined = [key for key in self.model.order if key != SERVER_KEY]
        wanted = self.first_wanted if self.first_wanted in joined else None
        found = wanted or next(
            (key for key in joined if self.model.conversations[key].is_joined), None
        )
        if found is not None and not (self.composer.text and wanted is None):
            self._is_settled = True
            self.turn_to(found)

    def _follow_connection(self) -> None:
        phase = self.model.connection.phase
        if phase is self._phase:
            return
        self._phase = phase
        if phase is Phase.ONLINE and not self._was_online:
            self._was_online = True
            if self.model.order == [SERVER_KEY] and not self.model.rooms_wanted:
                self.deeds.rooms()
        if phase is Phase.STOPPED:
            self.deeds.explain_problem()

    def _follow_composer(self) -> None:
        title = typing_words(self._conversation)
        if self.reply_to is not None:
            words = " ".join(self.reply_to.text.split())
            room = max(self.composer.size.width - len(self.reply_to.sender) - 34, 8)
            title = f"Replying to {self.reply_to.sender}: {truncate(words, room)}  (Escape: not)"
        if title != self.composer.border_title:
            self.composer.border_title = title.replace("[", "\\[")

    def set_palette(self, palette: Palette) -> None:
        """Use other colours."""
        if not self._is_ready:
            return
        for part in (self.rooms, self.people, self.topic, self.status):
            part.set_palette(palette)
        self.offers.palette = palette
        self.offers.refresh()
        self._set_look()

    def _set_look(self) -> None:
        look = Look(
            self.view.size.width, self.program.palette, self.program.calendar, "", self.model.nick
        )
        hides = self.program.preferences.hides_coming_and_going
        self.view.set_look(look, hides_coming_and_going=hides)

    # Which conversation.

    @property
    def _conversation(self) -> Conversation:
        return self.model.conversations[self.model.active]

    def turn_to(self, key: str) -> None:
        """Show another conversation."""
        if key in self.model.conversations:
            self._turn(key)
            self.link.flush()
            self.follow()

    def _turn(self, key: str) -> None:
        """What is typed stays with the conversation in which it was."""
        before = self.model.conversations.get(self._shown)
        if before is not None and key != self._shown:
            before.draft = self.composer.text
        conversation = self.model.conversations[key]
        unread_after = conversation.read_ms if conversation.unread else 0
        self._shown = key
        self.reply_to = None
        self.model.show(key)
        self.find_bar.close()
        self.view.show(conversation, unread_after)
        self._set_look()
        self.composer.load(conversation.draft)
        name = conversation_name(self.model, conversation)
        self.app.title = f"{name} - Roost"

    def reply(self, msgid: str) -> None:
        """Let what is written next answer a message."""
        self.reply_to = self._conversation.find(msgid)
        self.composer.focus()

    def looked_away(self) -> None:
        """What comes from now on is new to the user."""
        entries = self._conversation.entries
        if entries and self.view.is_at_end:
            self.view.mark_read_line(entries[-1].time_ms)

    def looked_at(self) -> None:
        """What is in view is read."""
        self.model.mark_read(self._shown)
        self.link.flush()

    # Writing.

    def _complete(self, text: str, cursor: int) -> list[str]:
        return self.model.complete(self._shown, text, cursor)

    def _earlier(self, step: int) -> str | None:
        return self.model.input_history(self._shown, step)

    def on_composer_submitted(self, event: Composer.Submitted) -> None:
        """Say it, or obey it."""
        text, key = event.text, self._shown
        if self.reply_to is not None and not text.startswith("/"):
            self.model.send(key, text, reply_to=self.reply_to.msgid)
        else:
            self.model.submit(key, text)
        if self._was_refused() and not self.composer.text:
            # Nothing that was typed is lost: it can be corrected.
            self.composer.load(text)
        else:
            self.reply_to = None
        self._conversation.draft = self.composer.text
        if not text.startswith("/"):
            self.view.mark_read_line(0)
        self.view.action_to_end()
        self.link.flush()
        self.follow()

    def _was_refused(self) -> bool:
        effects = self.model.effects
        return any(isinstance(effect, Toast) and effect.is_error for effect in effects)

    def on_composer_edited(self) -> None:
        """Keep the draft with the conversation, and tell others that one types."""
        text = self.composer.text
        self._conversation.draft = text
        self.model.typing(self._shown, text)
        self.link.flush()

    def on_composer_offers(self, event: Composer.Offers) -> None:
        """Show what the word may become."""
        self.offers.offer(event.words, event.chosen)
        self.offers.styles.margin = (0, 0, self.composer.outer_size.height, 2)

    def on_offers_popup_clicked(self, event: OffersPopup.Clicked) -> None:
        """Take it."""
        self.composer.accept(event.word)

    def on_composer_paste_wanted(self, event: Composer.PasteWanted) -> None:
        """Ask about many lines."""
        self.deeds.ask_about_paste(event.text)

    def on_composer_keys_wanted(self) -> None:
        """Show the keys; a second question mark writes one."""
        self.show_keys(is_typed=True)

    def on_composer_escaped(self) -> None:
        """Stop replying, or go back to the latest message."""
        if self.reply_to is not None:
            self.reply_to = None
        else:
            self.view.clear_cursor()
            self.view.action_to_end()

    def on_key(self, event: events.Key) -> None:
        """What is typed where nothing is written goes to where one writes."""
        if self.focused is self.view and self.view.takes(event.character or ""):
            return
        if event.is_printable and event.character and self.focused in (None, self.view):
            event.stop()
            if event.character == "?":
                self.action_keys()
            else:
                self.composer.put(event.character)

    # The conversation.

    def on_conversation_view_load_wanted(self) -> None:
        """Load what was said earlier."""
        self.model.load_older(self._shown)
        self.link.flush()

    def on_conversation_view_gap_clicked(self, event: ConversationView.GapClicked) -> None:
        """Load what is missing."""
        self.model.fill_gap(self._shown, event.entry)
        self.link.flush()

    def on_conversation_view_menu_wanted(self, event: ConversationView.MenuWanted) -> None:
        """Ask what to do with a message."""
        self.deeds.message_menu(event.entry)

    def on_conversation_view_action_wanted(self, event: ConversationView.ActionWanted) -> None:
        """Do something with a message."""
        self.deeds.with_message(event.entry, event.name)

    def on_conversation_view_link_clicked(self, event: ConversationView.LinkClicked) -> None:
        """Open a link."""
        self.deeds.open_link(event.url)

    def on_conversation_view_copied(self, event: ConversationView.Copied) -> None:
        """Copy what was selected."""
        self.deeds.copy(event.text)

    def on_conversation_view_left(self) -> None:
        """Go back to writing."""
        self.composer.focus()

    def on_find_bar_changed(self, event: FindBar.Changed) -> None:
        """Search."""
        self.view.set_query(event.query)
        search = self.view.search
        self.find_bar.say(search.number, search.count, search.query)

    def on_find_bar_stepped(self, event: FindBar.Stepped) -> None:
        """Go to the next place."""
        self.view.step_search(event.step)
        search = self.view.search
        self.find_bar.say(search.number, search.count, search.query)

    def on_find_bar_closed(self) -> None:
        """Stop searching."""
        self.view.set_query("")
        self.composer.focus()

    # The side panes.

    def on_list_pane_chosen(self, event: ListPane.Chosen) -> None:
        """Go to a conversation, or ask what to do with somebody."""
        if event.pane is self.people:
            person = self.people.person_at(event.row)
            if person is not None:
                self.deeds.person_menu(person)
            return
        key = self.rooms.key_at(event.row)
        if key is None:
            self.deeds.rooms()
        elif event.is_menu:
            self.deeds.conversation_menu(key)
        else:
            self.turn_to(key)
            self.composer.focus()

    def on_topic_bar_clicked(self) -> None:
        """Show the topic as a whole."""
        self.deeds.topic()

    def on_status_bar_clicked(self) -> None:
        """Tell more about the connection."""
        self.deeds.connection()

    def on_resize(self) -> None:
        """Fold the side panes away where there is no room for them."""
        self._fold()

    def _fold(self) -> None:
        if not self._is_ready:
            return
        width = self.size.width
        wide = width >= WIDE_FROM
        self.rooms.display = self._folds.get("rooms", width >= ROOMS_FROM)
        self.people.display = self._folds.get("people", width >= PEOPLE_FROM)
        self.rooms.styles.width = 26 if wide else 20 if width >= 100 else 17
        self.people.styles.width = 24 if wide else 19
        self.status.shows_activity = not self.rooms.display

    # Keys.

    def action_fold(self, pane: str) -> None:
        """Show or fold away a side pane."""
        shown = self.rooms if pane == "rooms" else self.people
        self._folds[pane] = not shown.display
        self._fold()

    def action_keys(self) -> None:
        """Show the keys."""
        self.show_keys()

    def show_keys(self, *, is_typed: bool = False) -> None:
        """Show which key does what; `is_typed`: a question mark opened it where one writes."""
        screen = KeysScreen(self.program.palette, is_typed=is_typed)

        def closed(_: Any) -> None:
            if screen.is_question_wanted:
                self.composer.put("?")

        self.app.push_screen(screen, closed)

    def action_next(self, step: int) -> None:
        """Go to the next conversation."""
        order = self.model.order
        place = order.index(self._shown) if self._shown in order else 0
        self.turn_to(order[(place + step) % len(order)])

    def action_number(self, number: int) -> None:
        """Go to a conversation by its place; the server's own is not counted."""
        rooms = [key for key in self.model.order if key != SERVER_KEY]
        if number <= len(rooms):
            self.turn_to(rooms[number - 1])

    def action_unread(self) -> None:
        """Go to the next conversation with something new; those that name the user first."""
        order = self.model.order
        place = order.index(self._shown) if self._shown in order else 0
        others = [self.model.conversations[key] for key in order[place + 1 :] + order[:place]]
        found = [other for other in others if other.highlights] or [
            other for other in others if other.unread
        ]
        if found:
            self.turn_to(found[0].key)

    def action_switcher(self) -> None:
        """Go to a room or a person by name."""
        self.deeds.switcher()

    def action_rooms(self) -> None:
        """Find or make a room."""
        self.deeds.rooms()

    def action_settings(self) -> None:
        """Change settings."""
        self.deeds.settings()

    def action_theme(self) -> None:
        """Light or dark."""
        self.program.switch_theme()

    def action_page(self, step: int) -> None:
        """Scroll the conversation by a screen."""
        self.view.scroll_pages(step)

    def action_latest(self) -> None:
        """Go to the latest message."""
        self.view.action_to_end()

    def action_earliest(self) -> None:
        """Go to the first loaded message."""
        self.view.action_to_start()

    def action_find(self) -> None:
        """Search in what is loaded."""
        self.find_bar.open()

    def action_date(self) -> None:
        """Go to a date."""
        self.deeds.ask_date()

    def action_choose_message(self) -> None:
        """Choose a message by keyboard."""
        self.view.enter_cursor()

    def action_retry(self) -> None:
        """Send again what failed."""
        self.deeds.retry_all()

    def action_reconnect(self) -> None:
        """Try again at once."""
        self.reconnect()

    def reconnect(self) -> None:
        """Try again at once."""
        self.model.reconnect()
        self.link.flush()

    def action_leave(self) -> None:
        """Leave Roost."""
        self.program.leave()

    def obey(self, effect: Effect) -> None:
        """Do what the model asks of the interface."""
        self.deeds.obey(effect)
