"""The dialog that goes to a conversation by a few letters of its name."""

from collections.abc import Callable, Sequence
from functools import partial

from rich.style import Style
from rich.text import Text

from roost.client.model import Model
from roost.client.tui.palette import Palette
from roost.client.tui.rooms_pane import badge_of, conversation_name
from roost.client.tui.screens.picker import Action, Choice, Picker

SHOWN_MAX = 30
ROOMS_MAX = 8
PEOPLE_MAX = 12


class Switcher(Picker[Action]):
    """Offers open conversations, then rooms to join, then people to talk to."""

    def __init__(
        self,
        model: Model,
        palette: Palette,
        *,
        open_conversation: Callable[[str], object],
        join: Callable[[str], object],
        talk: Callable[[str], object],
    ) -> None:
        """Take what to do with a conversation's key, a room's name, and a nickname."""
        super().__init__("Go to", placeholder="Part of a room's or a person's name")
        self._model = model
        self._palette = palette
        self._open = open_conversation
        self._join = join
        self._talk = talk

    def find(self, typed: str) -> tuple[Sequence[Choice[Action]], str]:
        words = typed.strip().lower()
        found = self._conversations(words)
        if words:
            found += [*self._rooms(words), *self._people(words)]
        return found[:SHOWN_MAX], ""

    def _conversations(self, words: str) -> list[Choice[Action]]:
        model, palette = self._model, self._palette
        ranked: list[tuple[tuple[int, int, int], Choice[Action]]] = []
        for place, key in enumerate(model.order):
            conversation = model.conversations[key]
            name = conversation_name(model, conversation)
            rank = match_rank(words, name.lower())
            if rank is None or key == model.active:
                continue
            line = Text(name, palette.text + Style(bold=bool(conversation.unread)))
            badge = badge_of(conversation)
            if badge:
                style = palette.accent if conversation.highlights else palette.muted
                line.append(f"  {badge} new", style)
            urgency = 0 if conversation.highlights else 1 if conversation.unread else 2
            ranked.append(((rank, urgency, place), Choice(partial(self._open, key), line)))
        return [choice for _, choice in sorted(ranked, key=lambda found: found[0])]

    def _rooms(self, words: str) -> list[Choice[Action]]:
        palette = self._palette
        names = [
            room.name
            for room in self._model.listing.rooms
            if match_rank(words, room.name.lower()) is not None
            and room.name.lower() not in self._model.conversations
        ]
        return [
            Choice(
                partial(self._join, name),
                Text.assemble((name, palette.primary), ("  join", palette.muted)),
            )
            for name in names[:ROOMS_MAX]
        ]

    def _people(self, words: str) -> list[Choice[Action]]:
        palette = self._palette
        people = [
            person
            for person in self._model.people.values()
            if not person.is_me
            and person.is_online
            and person.folded not in self._model.conversations
            and words in person.folded
        ]
        people.sort(key=lambda person: (not person.folded.startswith(words), person.folded))
        return [
            Choice(
                partial(self._talk, person.nick),
                Text.assemble(
                    (person.nick, palette.name(person.folded)),
                    ("  talk privately", palette.muted),
                ),
            )
            for person in people[:PEOPLE_MAX]
        ]


def match_rank(words: str, name: str) -> int | None:
    """Rank how well a name matches, 0 being best; None if it does not match.

    0: it starts with the words; 1: it contains them; 2: it has their letters in that order.
    """
    bare = name.lstrip("#&@")
    if name.startswith(words) or bare.startswith(words):
        return 0
    if words in name:
        return 1
    letters = iter(name)
    return 2 if all(letter in letters for letter in words) else None
