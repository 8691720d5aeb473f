"""What can be done with a message in view: one method each, and the menu that offers them."""

import webbrowser
from functools import partial

from roost.client.model import Delivery, Entry, EntryKind, text
from roost.client.model.threads import thread
from roost.client.tui.calendar import Calendar
from roost.client.tui.composer import Composer
from roost.client.tui.conversation_view import ConversationView
from roost.client.tui.link import Link, Preferences
from roost.client.tui.palette import Palette
from roost.client.tui.screens.picker import Action, Menu
from roost.client.tui.screens.picture import PictureDialog, is_picture
from roost.client.tui.screens.reaction import ReactionDialog
from roost.client.tui.screens.thread import ThreadDialog

LINKS_MAX = 5
"""How many of a message's links its menu offers."""
PREVIEW_LINES = 6


class MessageActions:
    """Acts on messages of the active conversation."""

    def __init__(
        self,
        link: Link,
        view: ConversationView,
        composer: Composer,
        calendar: Calendar,
        preferences: Preferences,
    ) -> None:
        self._link = link
        self._model = link.model
        self._view = view
        self._composer = composer
        self._calendar = calendar
        self._preferences = preferences

    def show_menu(self, entry: Entry) -> None:
        preview = "\n".join(text.strip_formatting(entry.text).splitlines()[:PREVIEW_LINES])
        menu = Menu(entry.sender or "Message", self._actions(entry), explanation=preview)
        self._view.app.push_screen(menu, self._run)

    def run(self, name: str, entry: Entry) -> None:
        """Run the action of a key; see `ConversationView.ActionWanted`."""
        if name == "answered":
            # A message stays chosen, so that the chain can be followed further up.
            self.answered(entry)
            return
        actions = {
            "reply": self.reply,
            "react": self.react,
            "copy": self.copy,
            "open": self.open,
            "redact": self.redact,
            "thread": self.thread,
            "edit": self.edit,
        }
        self._run(partial(actions[name], entry))

    def _run(self, action: Action | None) -> None:
        """Do what was chosen, if anything; after that no message is chosen any more."""
        self._view.post_message(ConversationView.Left())
        if action is not None:
            action()
            self._link.flush()

    def _actions(self, entry: Entry) -> list[tuple[str, Action]]:
        model, sender = self._model, entry.sender
        actions: list[tuple[str, Action]] = []
        is_said = bool(entry.msgid) and entry.kind is not EntryKind.EVENT and not entry.is_redacted
        if entry.delivery is Delivery.FAILED:
            retry = partial(model.retry, model.active, entry)
            actions.append(("Send again", retry))
            actions.append(("Edit instead of sending", partial(self.dismiss, entry)))
        elif entry.delivery is Delivery.WAITING:
            actions.append(("Edit instead of sending", partial(self.dismiss, entry)))
        if is_said:
            actions.append(("Reply", partial(self.reply, entry)))
            actions.append(("React", partial(self.react, entry)))
        if model.can_edit(entry):
            actions.append(("Edit", partial(self.edit, entry)))
        if entry.reply_to or model.conversations[model.active].answers(entry.msgid):
            actions.append(("Show the thread", partial(self.thread, entry)))
        if entry.text:
            actions.append(("Copy the text", partial(self.copy, entry)))
        for url in _urls(entry)[:LINKS_MAX]:
            if self._shows(url):
                actions.append((f"Show the picture {url}", partial(self.show_picture, url)))
            actions.append((f"Open {url}", partial(self.open_url, url)))
        if is_said:
            actions.append(("Copy a link to it", partial(self.copy_link, entry)))
        if model.may_redact(model.active, entry):
            actions.append(("Delete", partial(self.redact, entry)))
        if sender and not entry.is_mine and entry.kind is not EntryKind.INFORMATION:
            actions.append((f"Talk privately with {sender}", partial(model.query, sender)))
            actions.append((f"Ignore {sender}", partial(model.ignore, sender)))
        return actions

    def reply(self, entry: Entry) -> None:
        """Make the next message an answer to this one."""
        if not entry.msgid:
            self._refuse("You cannot reply to this")
            return
        self._composer.reply_to = entry
        self._composer.focus()

    def thread(self, entry: Entry) -> None:
        """Show what a message answers, and all replies; go to the one that is chosen."""
        conversation = self._model.conversations[self._model.active]
        found = thread(conversation, entry)
        missing = found[0][1].reply_to if found else ""
        if len(found) < 2 and not missing:
            self._refuse("Nobody has replied to this")
            return

        def answered(msgid: str | None) -> None:
            if msgid:
                self.go_to(msgid)

        palette = Palette(self._view.app.current_theme)
        dialog = ThreadDialog(found, missing, entry, palette, self._calendar)
        self._view.app.push_screen(dialog, answered)

    def answered(self, entry: Entry) -> None:
        """Go to the message that this one answers."""
        if entry.reply_to:
            self.go_to(entry.reply_to)
        else:
            self._refuse("This is no reply")

    def go_to(self, msgid: str) -> None:
        """Go to a message of this conversation, loading it if necessary."""
        self._model.jump_to_message(self._model.active, msgid)
        self._link.flush()

    def edit(self, entry: Entry) -> None:
        """Put one of the user's messages into the composer, to replace it."""
        if self._model.can_edit(entry):
            self._composer.begin_edit(entry)
        else:
            self._refuse("You can edit only your own messages, once they are delivered")

    def edit_last(self, words: str) -> None:
        """Edit the user's last message, or replace it by other words."""
        key = self._model.active
        entry = self._model.last_own(key)
        if entry is None:
            self._refuse("You have said nothing here that can be edited")
        elif words:
            self._model.edit(key, entry, words)
            self._link.flush()
        else:
            self.edit(entry)

    def thread_of_chosen(self) -> None:
        """Show the thread of the chosen message, or else of the last."""
        entry = self._chosen_or_last()
        if entry is None:
            self._refuse("There are no messages here")
        else:
            self.thread(entry)

    def _chosen_or_last(self) -> Entry | None:
        conversation = self._model.conversations[self._model.active]
        return self._view.cursor or next(
            (entry for entry in reversed(conversation.entries) if entry.msgid and not entry.event),
            None,
        )

    def react(self, entry: Entry) -> None:
        """Ask for a reaction, and send it."""
        key = self._model.active

        def answered(reaction: str | None) -> None:
            if reaction:
                self._model.react(key, entry, reaction)
                self._link.flush()

        self._view.app.push_screen(ReactionDialog(list(entry.reactions)), answered)

    def react_to_chosen(self, reaction: str) -> None:
        """React to the chosen message, or else to the last."""
        entry = self._chosen_or_last()
        if entry is None:
            self._refuse("There is nothing to react to")
        elif not reaction:
            self.react(entry)
        else:
            self._model.react(self._model.active, entry, reaction)
            self._link.flush()

    def redact(self, entry: Entry) -> None:
        if not self._model.may_redact(self._model.active, entry):
            self._refuse("You can delete only your own messages, or any where you are operator")
            return
        self._model.redact(self._model.active, entry)

    def dismiss(self, entry: Entry) -> None:
        """Give up a message that was not sent; its text goes back to the composer."""
        key = self._model.active
        self._model.dismiss(key, entry)
        self._composer.load(self._model.conversations[key].draft)

    def retry_all(self) -> None:
        """Send again every message of the conversation that failed."""
        model = self._model
        pending = model.conversations[model.active].pending
        failed = [entry for entry in pending if entry.delivery is Delivery.FAILED]
        for entry in failed:
            model.retry(model.active, entry)
        self._link.flush()
        if not failed:
            self._view.notify("No message here has failed")

    def copy(self, entry: Entry) -> None:
        self.copy_text(text.strip_formatting(entry.text))

    def copy_link(self, entry: Entry) -> None:
        """Copy a link to a message, for others to follow in this client."""
        self.copy_text(self._model.message_link(self._model.active, entry))

    def copy_text(self, words: str) -> None:
        self._view.app.copy_to_clipboard(words)
        lines = words.count("\n") + 1
        self._view.notify("Copied" if lines == 1 else f"Copied {lines} lines")

    def open(self, entry: Entry) -> None:
        """Open the first link of a message."""
        urls = _urls(entry)
        if urls:
            self.follow_url(urls[0])

    def follow_url(self, url: str) -> None:
        """Show a picture here if the user wants that, or else open the link."""
        if self._shows(url):
            self.show_picture(url)
        else:
            self.open_url(url)

    def show_picture(self, url: str) -> None:
        self._view.app.push_screen(PictureDialog(url))

    def _shows(self, url: str) -> bool:
        return self._preferences.shows_pictures and is_picture(url)

    def open_url(self, url: str) -> None:
        """Go to a message, open a web page in the browser, or else copy the link."""
        app = self._view.app
        if url.lower().startswith(("irc://", "ircs://")) and self._model.follow_link("", url):
            self._link.flush()
        elif not url.lower().startswith(("http://", "https://")):
            app.copy_to_clipboard(url)
            self._view.notify(f"Copied: {url}", markup=False)
        elif app.is_web:
            app.open_url(url)
        elif not _open_in_browser(url):
            app.copy_to_clipboard(url)
            words = f"No browser was found; the link was copied: {url}"
            self._view.notify(words, markup=False)

    def _refuse(self, words: str) -> None:
        self._view.notify(words, severity="error")


def _urls(entry: Entry) -> list[str]:
    plain = text.strip_formatting(entry.text)
    return [plain[start:end] for start, end in text.find_urls(plain)]


def _open_in_browser(url: str) -> bool:
    """Open a page in a browser of the desktop; never in one that would take over the terminal."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    if isinstance(browser, webbrowser.GenericBrowser) and not isinstance(
        browser, webbrowser.BackgroundBrowser
    ):
        return False
    return browser.open(url)
