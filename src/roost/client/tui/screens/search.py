"""The dialog that searches in everything that was said, and goes to a message that it found."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import Input, OptionList

from roost.client.model import SERVER_KEY, Hit, Model, Query, QueryError, SearchState
from roost.client.model.hits import parse_query
from roost.client.tui.calendar import Calendar, now_ms
from roost.client.tui.palette import Palette
from roost.client.tui.screens.picker import Choice, Picker
from roost.client.tui.wrapping import truncate, width_of

TYPING_S = 0.3
"""How long the user must pause for a search: the server may throttle a client that asks more."""
LETTERS_MIN = 2
HELP = "Also from:bob  in:#room  after:2026-01-31  before:yesterday"
_LEAD = 24
"""How many letters before the match are shown."""


class SearchDialog(Picker[Hit]):
    """Shows the messages that match, the newest first; the result is the chosen one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "scope", "Here or everywhere", show=False, priority=True),
    ]

    def __init__(
        self,
        model: Model,
        palette: Palette,
        calendar: Calendar,
        flush: Callable[[], None],
        query: str = "",
    ) -> None:
        """`flush` sends what the model wants to send."""
        super().__init__("Search", placeholder="Words that were said")
        self._model = model
        self._palette = palette
        self._calendar = calendar
        self._flush = flush
        self._first = query
        self._is_here = False
        self._revision = -1
        self._timer: Timer | None = None
        self._problem = ""
        self._asked = Query()

    def on_mount(self) -> None:
        """Search for what is given; Textual calls the handler of `Picker` too."""
        self.set_interval(0.05, self._follow)
        self._model.find(Query())
        field = self.query_one(Input)
        field.value = self._first
        field.focus()

    def on_resize(self) -> None:
        self.show_choices()

    # Asking.

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        event.prevent_default()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(TYPING_S, self._ask)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search at once, or go to the chosen message if that is done."""
        event.stop()
        event.prevent_default()
        if self._read() != self._asked or not self._choices:
            self._ask()
        else:
            self.options.action_select()

    def action_scope(self) -> None:
        """Search in this conversation only, or everywhere."""
        if self._model.active == SERVER_KEY:
            return
        self._is_here = not self._is_here
        self._ask()

    def _read(self) -> Query | None:
        """Return the query that is typed; None if it cannot be asked."""
        typed = self.query_one(Input).value
        try:
            query = parse_query(typed, lambda words: self._calendar.parse(words, now_ms()))
        except QueryError as error:
            self._problem = str(error)
            return None
        self._problem = ""
        here = self._model.conversations[self._model.active].target
        if self._is_here and not query.place and here:
            query = Query(query.words, query.sender, here, query.after_ms, query.before_ms)
        return query

    def _ask(self) -> None:
        query = self._read()
        if query is not None and query != self._asked:
            self._asked = query
            is_short = len(query.words) < LETTERS_MIN and not query.sender
            self._model.find(Query() if is_short else query)
            self._flush()
        self.show_choices()

    # Showing.

    def _follow(self) -> None:
        if self._model.search.revision != self._revision:
            self.show_choices()

    def show_choices(self) -> None:
        chosen = self.options.highlighted
        is_same = self._model.search.query == self._asked and self._revision >= 0
        self._revision = self._model.search.revision
        super().show_choices()
        if is_same and chosen is not None and chosen < len(self._choices):
            self.options.highlighted = chosen

    def find(self, typed: str) -> tuple[Sequence[Choice[Hit]], str]:  # noqa: ARG002
        hits = self._model.search.hits
        words = [word.lower() for word in self._asked.words.split()]
        return [Choice(hit, self._lines(hit, words)) for hit in hits], self._hint_now()

    def _hint_now(self) -> str:
        found = self._model.search
        here = self._model.conversations[self._model.active].name
        other = f"Tab: everywhere (now {here})" if self._is_here else f"Tab: only in {here}"
        if self._model.active == SERVER_KEY:
            other = ""
        if self._problem:
            return self._problem
        match found.state:
            case SearchState.NONE:
                return f"{HELP}\n{other}".rstrip()
            case SearchState.LOADING if not found.hits:
                return "Searching \u2026"
            case SearchState.FAILED:
                return f"The search failed: {found.problem}"
        where = " among the loaded messages; this server cannot search" * found.is_loaded_only
        more = "+" if found.is_more or found.state is SearchState.LOADING else ""
        if not found.hits:
            return f"Nothing was found{where}. {other}".rstrip()
        return f"{len(found.hits)}{more} found{where}. Enter goes there. {other}".rstrip()

    def _lines(self, hit: Hit, words: list[str]) -> Text:
        palette = self._palette
        width = max(self.options.scrollable_content_region.width - 2, 20)
        when = self._calendar.moment(hit.time_ms, now_ms())
        room = truncate(hit.target, max(width - width_of(when) - 20, 8))
        sender = truncate(hit.sender, 16)
        head = Text.assemble(
            (sender, palette.name(hit.sender.lower())),
            ("  ", palette.muted),
            (room, palette.primary),
            (f"  {when}", palette.muted),
        )
        plain = " ".join(hit.text.split())
        places = [place for word in words if (place := plain.lower().find(word)) >= 0]
        start = max(min(places, default=0) - _LEAD, 0)
        shown = ("\u2026" if start else "") + plain[start : start + 4 * width]
        excerpt = Text(truncate(shown, width), palette.text)
        lower = excerpt.plain.lower()
        for word in words:
            place = lower.find(word)
            if place >= 0 and len(lower) == len(excerpt.plain):
                excerpt.stylize(palette.match + Style(bold=True), place, place + len(word))
        return Text.assemble(head, "\n", excerpt)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Ask for older messages when the last one is reached."""
        event.stop()
        if event.option_index == len(self._choices) - 1 and event.option_index > 0:
            self._model.find_older()
            self._flush()
