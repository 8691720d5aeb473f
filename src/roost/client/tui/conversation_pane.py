"""The conversation in view: its topic, what was said, the search field, and the composer."""

from textual.app import ComposeResult
from textual.containers import Vertical

from roost.client.model import Conversation, passwords
from roost.client.model.effects import Toast
from roost.client.tui import emojis
from roost.client.tui.bars import TopicBar, typing_words
from roost.client.tui.calendar import Calendar
from roost.client.tui.composer import PASTE_LETTERS_MAX, PASTED_MAX, Composer
from roost.client.tui.conversation_view import ConversationView
from roost.client.tui.find_bar import FindBar
from roost.client.tui.layout import Look
from roost.client.tui.link import Link, Preferences
from roost.client.tui.message_actions import MessageActions
from roost.client.tui.offers import OffersPopup
from roost.client.tui.palette import Palette
from roost.client.tui.rooms_pane import conversation_name
from roost.client.tui.screens.picker import Menu, run
from roost.client.tui.wrapping import truncate
from roost.ops import clock

READ_EVERY_S = 1.0
"""How often what arrives in view is marked as read: others are told each time."""
PREVIEW_LINES = 6
PREVIEW_LETTERS = 200
"""Of a paste that is asked about, and of each of its lines."""
CHOSEN = ("Enter: menu", "Escape: back")
CHOSEN_LETTERS = {
    "r": "R: reply",
    "e": "E: react",
    "o": "O: open",
    "t": "T: thread",
    "s": "S: spoilers",
    "m": "M: edit",
    "c": "C: copy",
    "p": "P: what it answers",
}
"""What can be done with the chosen message, the most useful first."""


class ConversationPane(Vertical):
    """Shows the active conversation of the model, and sends what is typed into it."""

    def __init__(
        self, link: Link, palette: Palette, calendar: Calendar, preferences: Preferences
    ) -> None:
        super().__init__(id="middle")
        self._link = link
        self._model = model = link.model
        self._palette = palette
        self._calendar = calendar
        self._preferences = preferences
        self.key = model.active
        """The key of the conversation in view."""
        self._read_again_s = 0.0
        self._shown: tuple[Palette, str, bool] | None = None
        """What the messages were laid out for."""
        self.topic = TopicBar(model, palette)
        self.find_bar = FindBar()
        look = Look(40, palette, calendar, "", model.nick)
        self.view = ConversationView(self._conversation, look)
        self.composer = Composer(
            lambda text, cursor: (
                emojis.complete(text, cursor) or model.complete(self.key, text, cursor)
            ),
            lambda step, text: model.input_history(self.key, step, text),
        )
        self.offers = OffersPopup(palette)
        self.messages = MessageActions(link, self.view, self.composer, calendar, preferences)

    def compose(self) -> ComposeResult:
        yield self.topic
        yield self.find_bar
        yield self.view
        yield self.offers
        yield self.composer

    def on_mount(self) -> None:
        self.find_bar.display = False
        self.offers.offer([], -1)
        self.update_look()
        self.composer.load(self._conversation.draft)
        self.composer.focus()
        self.composer.secret_ranges = lambda text: passwords.find(self._conversation.target, text)
        self.view.may_act = lambda: not self.composer.text
        self.watch(self.app, "app_focus", self._focus_changed, init=False)

    @property
    def _conversation(self) -> Conversation:
        return self._model.conversations[self._model.active]

    # Following the model.

    def follow(self) -> bool:
        """Show what changed in the model; return whether the messages in view changed."""
        if self._model.active != self.key or self._conversation is not self.view.conversation:
            self.show(self._model.active)
        is_changed = self.view.follow()
        self._mark_read()
        self.topic.follow()
        self._follow_composer()
        if self.view.search.query:
            self._show_matches()
        return is_changed

    def show(self, key: str) -> None:
        """Turn to a conversation; an unfinished message stays in the one where it was typed."""
        before = self._model.conversations.get(self.key)
        if before is not None and key != self.key:
            if self.composer.editing is not None:
                self.composer.load("")
            before.draft, before.reply_draft = self.composer.text, self.composer.reply_to
        conversation = self._model.conversations[key]
        unread_after = conversation.read_ms if conversation.unread else 0
        self.key = key
        self.composer.reply_to, self.composer.editing = conversation.reply_draft, None
        self._model.show(key)
        self.find_bar.close()
        self.view.show(conversation, unread_after)
        self.update_look()
        self.composer.load(conversation.draft)
        self.app.title = f"{conversation_name(self._model, conversation)} - Roost"

    def _mark_read(self) -> None:
        is_seen = self.app.app_focus and self.view.is_at_end and self.screen.is_current
        if is_seen and self._conversation.unread and clock.monotonic() >= self._read_again_s:
            self._read_again_s = clock.monotonic() + READ_EVERY_S
            self._model.mark_read(self.key)
            self._link.flush()

    def _focus_changed(self, is_focused: bool) -> None:
        """Start the unread line when the user looks elsewhere; mark as read on return."""
        if self.screen not in self.app.screen_stack:
            return
        if is_focused:
            self._model.mark_read(self.key)
            self._link.flush()
        elif self._conversation.entries and self.view.is_at_end:
            self.view.mark_read_line(self._conversation.entries[-1].time_ms)

    def _follow_composer(self) -> None:
        title = typing_words(self._conversation)
        answered = self.composer.reply_to
        if answered is not None:
            words = " ".join(answered.text.split())
            room = max(self.composer.size.width - len(answered.sender) - 34, 8)
            title = f"Replying to {answered.sender}: {truncate(words, room)}  (Escape cancels)"
        elif self.composer.editing is not None:
            title = "Editing your message  (Enter replaces it, Escape cancels)"
        elif self.view.has_focus and self.view.is_cursor_visible:
            title = self._chosen_words()
        if title != self.composer.border_title:
            self.composer.border_title = title.replace("[", "\\[")

    def _chosen_words(self) -> str:
        """Say what can be done with the chosen message, as far as there is room."""
        first, last = CHOSEN
        shown = f"{first}, {last}"
        entry = self.view.cursor
        # While there is a draft, letters are typed.
        for letter, words in CHOSEN_LETTERS.items() if self.view.may_act() else ():
            longer = shown.removesuffix(last) + f"{words}, {last}"
            if letter == "m" and (entry is None or not self._model.can_edit(entry)):
                continue
            if self.view.applies(letter) and len(longer) <= self.composer.size.width:
                shown = longer
        return shown

    def set_palette(self, palette: Palette) -> None:
        self._palette = palette
        self.topic.set_palette(palette)
        self.offers.palette = palette
        self.offers.refresh()
        self.update_look()

    def update_look(self) -> None:
        """Lay out the messages again, for the current palette, nickname and preferences."""
        hides = self._preferences.hides_coming_and_going
        shown = (self._palette, self._model.nick, hides)
        if shown == self._shown:
            # Laying out a screen anew takes longest when another conversation is shown.
            return
        self._shown = shown
        look = Look(self.view.size.width, self._palette, self._calendar, "", self._model.nick)
        self.view.set_look(look, hides_coming_and_going=hides)

    # Writing.

    def on_composer_submitted(self, event: Composer.Submitted) -> None:
        text = event.text if event.text.startswith("/") else emojis.replace(event.text)
        answered, edited = self.composer.reply_to, self.composer.editing
        self.composer.editing = None
        if edited is not None:
            if not self._model.edit(self.key, edited, text):
                self.composer.editing = edited
        elif answered is not None and not text.startswith("/"):
            self._model.send(self.key, text, reply_to=answered.msgid)
        else:
            self._model.submit(self.key, text)
        if self._was_refused() and not self.composer.text:
            # Give it back, so that it can be corrected.
            self.composer.load(text)
        else:
            self.composer.reply_to = None
        self._conversation.draft = self.composer.text
        if not text.startswith("/"):
            self.view.mark_read_line(0)
        self._link.flush()
        # Later, because a command may be about the chosen message.
        self.screen.call_later(self.view.action_to_end)
        self.follow()

    def _was_refused(self) -> bool:
        effects = self._model.effects
        return any(isinstance(effect, Toast) and effect.is_error for effect in effects)

    def on_composer_edited(self) -> None:
        text = self.composer.text
        self._conversation.draft = text
        self._model.typing(self.key, text)
        self._link.flush()

    def on_composer_offers(self, event: Composer.Offers) -> None:
        # In the flow of the layout: it covers no message, the messages move up.
        self.offers.offer(event.words, event.chosen, max(self.size.height // 3, 3))

    def on_offers_popup_clicked(self, event: OffersPopup.Clicked) -> None:
        self.composer.accept(event.word)

    def on_composer_paste_wanted(self, event: Composer.PasteWanted) -> None:
        """Ask before much is pasted."""
        whole, put = event.text.rstrip("\n"), self.composer.put
        pasted = whole[:PASTED_MAX]
        lines = pasted.split("\n")
        more = len(lines) - PREVIEW_LINES
        shown = [truncate(line, PREVIEW_LETTERS) for line in lines[:PREVIEW_LINES]]
        preview = "\n".join([*shown, *[f"\u2026 and {more} more"] * (more > 0)])
        is_long = len(whole) > PASTE_LETTERS_MAX
        size = f"{len(pasted):,} characters" if is_long else f"{len(lines)} lines"
        which = f"the first {size} of {len(whole):,}" if pasted != whole else f"these {size}"
        actions = [(f"Paste {which}", lambda: put(pasted))]
        if len(lines) > 1:
            actions += [
                ("Paste them as a block of code", lambda: put(f"```\n{pasted}\n```")),
                ("Paste them as one line", lambda: put(" ".join(line.strip() for line in lines))),
            ]
        actions.append(("Cancel", lambda: None))
        title = "Paste so much?" if is_long else "Paste many lines?"
        self.app.push_screen(Menu(title, actions, explanation=preview), run)

    def on_composer_at_end(self) -> None:
        self.view.action_to_end()

    def on_composer_escaped(self) -> None:
        """Stop replying, or else go back to the latest message."""
        if self.composer.editing is not None:
            self.composer.editing = None
            self.composer.load("")
            self.on_composer_edited()
        elif self.composer.reply_to is not None:
            self.composer.reply_to = None
        else:
            self.view.clear_cursor()
            self.view.action_to_end()

    # What was said.

    def on_conversation_view_load_wanted(self) -> None:
        self._model.load_older(self.key)
        self._link.flush()

    def on_conversation_view_gap_clicked(self, event: ConversationView.GapClicked) -> None:
        self._model.fill_gap(self.key, event.entry)
        self._link.flush()

    def on_conversation_view_menu_wanted(self, event: ConversationView.MenuWanted) -> None:
        self.messages.show_menu(event.entry)

    def on_conversation_view_action_wanted(self, event: ConversationView.ActionWanted) -> None:
        self.messages.run(event.name, event.entry)

    def on_conversation_view_link_clicked(self, event: ConversationView.LinkClicked) -> None:
        self.messages.follow_url(event.url)

    def on_conversation_view_message_clicked(self, event: ConversationView.MessageClicked) -> None:
        self.messages.go_to(event.msgid)

    def on_conversation_view_copied(self, event: ConversationView.Copied) -> None:
        self.messages.copy_text(event.text)

    def on_conversation_view_left(self) -> None:
        self.leave_cursor()

    def leave_cursor(self) -> None:
        """Choose no message any more, and write again."""
        self.view.clear_cursor()
        self.composer.focus()

    # Searching.

    def _show_matches(self) -> None:
        search = self.view.search
        self.find_bar.show_matches(search.number, search.count, search.query)

    def on_find_bar_changed(self, event: FindBar.Changed) -> None:
        self.view.set_query(event.query)
        self._show_matches()

    def on_find_bar_stepped(self, event: FindBar.Stepped) -> None:
        self.view.step_search(event.step)
        self._show_matches()

    def on_find_bar_closed(self) -> None:
        self.view.set_query("")
        self.composer.focus()
