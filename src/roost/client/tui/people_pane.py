"""The people in the conversation in view."""

from rich.segment import Segment
from rich.style import Style

from roost.client.model import Conversation, ConversationKind, Model, Person
from roost.client.tui.list_pane import ListPane
from roost.client.tui.marks import AWAY, GONE, HERE
from roost.client.tui.palette import Palette
from roost.client.tui.wrapping import truncate, width_of

DETAILS_FROM = 30
"""Columns from which away messages are shown beside the names."""


class PeoplePane(ListPane):
    """The members of a room, or the other person of a private conversation."""

    def __init__(self, model: Model, palette: Palette) -> None:
        super().__init__(palette, id="people")
        self._model = model
        self._state: tuple[str, int, int] = ("", -1, -1)

    def follow(self) -> None:
        """Draw again if the model has changed it."""
        conversation = self._conversation
        people = self._model.people_revision if conversation.peer is not None else -1
        state = (conversation.key, conversation.members.revision, people)
        if state != self._state:
            self._state = state
            self.refresh()

    def person_at(self, row: int) -> Person | None:
        """Return the person in a row; None for headings."""
        conversation = self._conversation
        if conversation.kind is ConversationKind.ROOM:
            place = row - 1
            members = conversation.members
            return members[place].person if 0 <= place < len(members) else None
        return conversation.peer if row == 1 else None

    def count(self) -> int:
        conversation = self._conversation
        if conversation.kind is ConversationKind.ROOM:
            return 1 + len(conversation.members)
        return 2 + len(self._facts()) if conversation.peer is not None else 0

    def is_clickable(self, index: int) -> bool:
        return self.person_at(index) is not None

    def row(self, index: int, width: int) -> list[Segment]:
        conversation, palette = self._conversation, self.palette
        if index == 0:
            words = "Private"
            if conversation.kind is ConversationKind.ROOM:
                number = len(conversation.members)
                words = f"{number:,} {'person' if number == 1 else 'people'}"
            return [Segment(f" {words}", palette.muted)]
        if conversation.kind is ConversationKind.ROOM:
            member = conversation.members[index - 1]
            return self._person(member.person, member.status[:1], width)
        if index == 1 and conversation.peer is not None:
            return self._person(conversation.peer, "", width)
        facts = self._facts()
        words = facts[index - 2] if index - 2 < len(facts) else ""
        return [Segment("    " + truncate(words, width - 5), palette.muted)]

    def _person(self, person: Person, status: str, width: int) -> list[Segment]:
        palette = self.palette
        sign, colour = HERE if person.away is None else AWAY
        if not person.is_online:
            sign, colour = GONE
        name = truncate(person.nick, width - 6)
        is_here = person.is_online and person.away is None
        style = palette.name(person.folded) if is_here else palette.muted
        if person.is_me:
            style += Style(underline=True)
        row = [
            Segment(f" {sign} ", getattr(palette, colour)),
            Segment(status or " ", palette.accent),
            Segment(name, style),
        ]
        room = width - width_of(name) - 7
        if width >= DETAILS_FROM and person.away and room > 3:
            row.append(Segment(f"  {truncate(person.away, room)}", palette.muted))
        return row

    def _facts(self) -> list[str]:
        peer = self._conversation.peer
        if peer is None:
            return []
        facts = [] if peer.is_online else ["offline"]
        if peer.away is not None:
            facts.append(f"away: {peer.away}" if peer.away else "away")
        if peer.account:
            facts.append(f"account {peer.account}")
        if peer.realname and peer.realname != peer.nick:
            facts.append(peer.realname)
        return facts

    @property
    def _conversation(self) -> Conversation:
        return self._model.conversations[self._model.active]
