"""What can be done with rooms and people: join, switch, talk, and the menus of the side panes."""

from collections.abc import Callable, Sequence
from functools import partial

from textual.screen import Screen

from roost.client.model import Hit, Person, text
from roost.client.model.intents import LEVEL_WORDS
from roost.client.tui.calendar import Calendar, now_ms
from roost.client.tui.composer import Composer
from roost.client.tui.link import Link
from roost.client.tui.palette import Palette
from roost.client.tui.rooms_pane import conversation_name
from roost.client.tui.screens.dialog import PromptDialog
from roost.client.tui.screens.picker import Action, Menu
from roost.client.tui.screens.rooms import RoomPicker
from roost.client.tui.screens.search import SearchDialog
from roost.client.tui.screens.switcher import Offer, Switcher

NO_DATE = "This date is not understood."


class ConversationActions:
    """Opens the dialogs about conversations, and does what is chosen in them."""

    def __init__(
        self,
        screen: Screen[None],
        link: Link,
        composer: Composer,
        calendar: Calendar,
        turn_to: Callable[[str], None],
    ) -> None:
        """`turn_to` shows the conversation with a key; the dialogs open above `screen`."""
        self._screen = screen
        self._link = link
        self._model = link.model
        self._composer = composer
        self._calendar = calendar
        self._turn_to = turn_to

    def show_rooms(self, words: str = "") -> None:
        """Offer the rooms of the server, or those with `words` in name or topic."""
        self._model.list_rooms()
        self._link.flush()
        picker = RoomPicker(self._model, self._palette, words)
        self._screen.app.push_screen(picker, self._join)

    def show_switcher(self, offers: Sequence[Offer]) -> None:
        """Offer conversations, rooms and people, and what else can be done."""
        switcher = Switcher(
            self._model,
            self._palette,
            open_conversation=self._turn_to,
            join=self._model.join,
            talk=self._model.query,
            offers=offers,
        )
        self._screen.app.push_screen(switcher, self._run)

    def show_person_menu(self, person: Person) -> None:
        model, nick, composer = self._model, person.nick, self._composer
        actions: list[tuple[str, Action]] = [
            (f"Talk privately with {nick}", partial(model.query, nick)),
            (
                f"Mention {nick}",
                lambda: composer.put(f"{nick} " if composer.text else f"{nick}: "),
            ),
            (f"Show who {nick} is", lambda: model.submit(model.active, f"/whois {nick}")),
        ]
        if not person.is_me:
            is_ignored = nick in model.ignored
            change = model.unignore if is_ignored else model.ignore
            actions.append(
                (f"{'Stop ignoring' if is_ignored else 'Ignore'} {nick}", partial(change, nick))
            )
        self._screen.app.push_screen(Menu(nick, actions), self._run)

    def show_conversation_menu(self, key: str) -> None:
        model = self._model
        actions: list[tuple[str, Action]] = [
            ("Open", partial(self._turn_to, key)),
            ("Mark as read", partial(model.mark_read, key)),
            ("Leave the room" if key and key[0] in "#&" else "Close", partial(model.part, key)),
            ("Notifications", partial(self.show_levels, key)),
        ]
        title = conversation_name(model, model.conversations[key])
        self._screen.app.push_screen(Menu(title, actions), self._run)

    def show_levels(self, key: str) -> None:
        """Offer what may call in a conversation."""
        model = self._model
        conversation = model.conversations[key]
        now = model.rules.level(conversation)
        actions: list[tuple[str, Action]] = [
            (
                ("\u2022 " if level is now else "  ") + words[0].upper() + words[1:],
                partial(model.set_level, key, level.value),
            )
            for level, words in LEVEL_WORDS.items()
        ]
        title = f"Notifications of {conversation_name(model, conversation)}"
        menu = Menu(title, actions, first=list(LEVEL_WORDS).index(now))
        self._screen.app.push_screen(menu, self._run)

    def show_topic(self) -> None:
        """Show the whole topic, and let it be changed."""
        conversation = self._model.conversations[self._model.active]
        words = text.strip_formatting(conversation.topic)
        if not (conversation.key and conversation.members):
            return

        def answered(topic: str | None) -> None:
            if topic is not None and topic != words:
                self._model.set_topic(conversation.key, topic)
                self._link.flush()

        by = f" It was set by {conversation.topic_by}." if conversation.topic_by else ""
        about = f"{words or 'There is no topic yet.'}{by}\n\nEnter changes it, Escape cancels."
        dialog = PromptDialog(f"Topic of {conversation.name}", about, words)
        self._screen.app.push_screen(dialog, answered)

    def ask_date(self) -> None:
        """Ask for a date, and go to what was said then."""

        def check(words: str) -> str:
            return NO_DATE if self._calendar.parse(words, now_ms()) is None else ""

        about = "Type 2026-03-02, a weekday, yesterday, 3d for three days ago, or 10:42 for today."
        dialog = PromptDialog("Go to a date", about, check=check)
        self._screen.app.push_screen(dialog, self.go_to_date)

    def go_to_date(self, words: str | None) -> None:
        """Go to what was said on a date, as people write it; None or "" does nothing."""
        if not words:
            return
        time_ms = self._calendar.parse(words, now_ms())
        if time_ms is None:
            self._screen.notify(NO_DATE, severity="error")
            return
        self._model.jump_to_date(self._model.active, time_ms)
        self._link.flush()

    def show_search(self, query: str = "") -> None:
        """Search in everything that was said, and go to what is chosen."""

        def answered(hit: Hit | None) -> None:
            if hit is not None:
                self._model.jump_to_hit(hit)
                self._link.flush()

        dialog = SearchDialog(self._model, self._palette, self._calendar, self._link.flush, query)
        self._screen.app.push_screen(dialog, answered)

    def follow_link(self, words: str) -> None:
        """Go to the message of a link."""
        if not self._model.follow_link(self._model.active, words):
            self._screen.notify("That is no link to a message", severity="error")
        self._link.flush()

    def _join(self, name: str | None) -> None:
        if name:
            self._model.join(name)
            self._link.flush()

    def _run(self, action: Action | None) -> None:
        if action is not None:
            action()
            self._link.flush()

    @property
    def _palette(self) -> Palette:
        return Palette(self._screen.app.current_theme)
