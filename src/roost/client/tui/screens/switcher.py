"""The command palette: conversations, rooms, people, and everything that the client can do."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from rich.style import Style
from rich.text import Text

from roost.client.model import Model
from roost.client.tui.palette import Palette
from roost.client.tui.rooms_pane import badge_of, conversation_name
from roost.client.tui.screens.picker import Action, Choice, Picker

SHOWN_MAX = 30
ROOMS_MAX = 8
PEOPLE_MAX = 12


ONLY_OFFERS = ">"
"""Typed first, it leaves out conversations and people."""
HINT = "Also rooms to join, people, commands, settings; > for commands only"


class Offer(NamedTuple):
    """Something that the client can do."""

    label: str
    detail: str
    """Its key, or what it means."""
    run: Action


class Switcher(Picker[Action]):
    """Offers open conversations, rooms to join, people to talk to, then what can be done."""

    def __init__(
        self,
        model: Model,
        palette: Palette,
        *,
        open_conversation: Callable[[str], object],
        join: Callable[[str], object],
        talk: Callable[[str], object],
        offers: Sequence[Offer] = (),
    ) -> None:
        """Take what to do with a conversation's key, a room's name, and a nickname."""
        super().__init__("Go to", placeholder="Part of a name, or of what you want to do")
        self._model = model
        self._palette = palette
        self._open = open_conversation
        self._join = join
        self._talk = talk
        self._offers = offers

    def find(self, typed: str) -> tuple[Sequence[Choice[Action]], str]:
        words = typed.strip().lower()
        if words.startswith(ONLY_OFFERS):
            return self._doing(words.removeprefix(ONLY_OFFERS).strip()), ""
        found = self._conversations(words)
        if not words:
            return found[:SHOWN_MAX], HINT
        found = [*found[:SHOWN_MAX], *self._rooms(words), *self._people(words)]
        return [*found, *self._doing(words)], "" if found else "Enter does it"

    def _doing(self, words: str) -> list[Choice[Action]]:
        """Offer what the client can do; a match in the label comes before one in the detail."""
        palette = self._palette
        ranked: list[tuple[tuple[bool, int], Choice[Action]]] = []
        for place, offer in enumerate(self._offers):
            label, detail = offer.label.lower(), offer.detail.lower()
            if all(word in label or word in detail for word in words.split()):
                line = Text.assemble(
                    (offer.label, palette.accent), (f"  {offer.detail}", palette.muted)
                )
                ranked.append(((words not in label, place), Choice(offer.run, line)))
        return [choice for _, choice in sorted(ranked, key=lambda found: found[0])]

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
