"""What a node asks of the store of its own history.

    applied entries --> write --> rows, in order and with the applied position
    clients' queries --> answer        neighbours' wants --> export, import_rows
    what others keep --> hold_from, trim

The engine's effects name these duties, and `node/store.py` carries them out on a worker thread.
`HistoryStore` is the one for real disks, behind a `HistoryBuffer`; tests have others.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

from roost.chat.history import EVERYTHING, Answer, Held, Query, Row, Span
from roost.chat.holes import Hole
from roost.chat.ids import AccountId, Position
from roost.chat.state import Erasure


class Unindexed(IntEnum):
    """What is left to do for searching."""

    NONE = 0
    WAITING = 1
    """Something that waits until the process is not busy."""
    SOON = 2
    """Something that the process should do although it is busy, a little at a time."""
    DUE = 3
    """Something that can be done at once."""


class History(Protocol):
    """The rows of applied entries from some position on. Its methods block.

    Raises:
        FullError: there is no room. Nothing was changed, and the call can be repeated.
        StorageError: what is stored is not known any more.
    """

    @property
    def applied(self) -> Position:
        """The last position whose rows are written."""

    @property
    def held(self) -> Held:
        """From where on this store has all rows that are not missing."""

    @property
    def holes(self) -> tuple[Hole, ...]:
        """What nobody has any more of what comes later."""

    def gaps(self) -> tuple[tuple[Position, Position], ...]:
        """Return the ranges of positions whose rows are missing, both ends included, in order."""

    def terms(self) -> tuple[tuple[Position, int], ...]:
        """Return the terms of the entries that the rows come from: where each begins."""

    def write(
        self,
        rows: Sequence[Row],
        applied: Position,
        terms: tuple[tuple[Position, int], ...] = (),
    ) -> None:
        """Take rows and the applied position, both or neither. What is stored stays as it is.

        A crash may take them, in order and as wholes, until `sync`.

        A row that redacts a message deletes the text of that message, whichever comes first.
        """

    def sync(self) -> None:
        """Make everything that was written durable."""

    def answer(self, query: Query, span: Span = EVERYTHING) -> Answer:
        """Answer a query from the rows in `span`.

        Raises:
            CorruptRowsError: rows that the answer needs are damaged.
            SearchTimeoutError: it takes too long.
        """

    def export(
        self, first: Position, last: Position, bytes_max: int
    ) -> tuple[tuple[Row, ...], Position, tuple[Position, ...]]:
        """Return rows of whole positions, how far they reach, and the damaged positions."""

    def import_rows(self, rows: Sequence[Row], first: Position, last: Position) -> None:
        """Replace all rows of the positions `first` to `last`, which are in no hole any more."""

    def add_gap(self, first: Position, last: Position) -> None:
        """Note that rows are missing."""

    def narrow_gap(self, first: Position, last: Position) -> None:
        """Note that the rows of these positions are no longer missing."""

    def skip_terms(self, first: Position, last: Position, term: int) -> None:
        """Note a gap whose last position alone has a known term."""

    def reset_applied(self, position: Position) -> None:
        """Set `applied`, after a snapshot replaced the state and a gap was added."""

    def forget(self, last: Position) -> tuple[Position, ...]:
        """Drop all rows after `last`; return the positions that are missing without them."""

    def hold_from(self, held: Held) -> None:
        """Note from where on this store has all rows; what it lacks before is not missing."""

    def note_hole(self, hole: Hole) -> None:
        """Note that nobody has these rows, so that they are not missing here."""

    def trim(self, before: Position, older_ms: int, bytes_max: int = 0) -> bool:
        """Drop some rows before a position that are older than a time; return if more is left.

        While rows take more than `bytes_max`, which is not 0, the oldest go, however old they are.
        """

    def find_kept(self, conversation: str, older_ms: int, messages: int) -> Position:
        """Return before which position a room has rows that are not to be kept; 0 for none."""

    def trim_room(self, conversation: str, before: Position) -> bool:
        """Drop some rows of a room before a position; return if more is left."""

    @property
    def erased(self) -> tuple[AccountId, ...]:
        """The accounts of which nothing is left."""

    def erase(self, account: AccountId, erasure: Erasure) -> bool:
        """Take some of the words of an erased account out of the rows; return if more are left."""

    def index_some(self, *, is_busy: bool = False) -> Unindexed:
        """Do a little of what can wait; return what is left to do for searching.

        While the process `is_busy`, only what cannot wait any longer is done.
        """
