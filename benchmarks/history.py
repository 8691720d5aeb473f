"""What a message costs a node's history: `python -m benchmarks.history [MESSAGES]`.

Stores and indexes messages in one thread, and prints processor time and bytes for each of them.
Figures of one machine are compared with each other, alternately and several times: least counts.
"""

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from roost.chat.changes import Said, Source
from roost.chat.history import Row, encode_change
from roost.chat.ids import Position, RoomId, UserId
from roost.storage import DataDirectory, HistoryStore, Identity

ROOMS = 150
USERS = 1500
WORDS = 50_000
WORDS_PER_MESSAGE = 8
ROWS_PER_WRITE = 5000
"""About as many as a node stores at once under load."""


def messages(count: int) -> Iterator[Row]:
    """Yield messages whose words are as frequent as words are (Zipf)."""
    dice = random.Random(1)  # noqa: S311 - the same messages each time
    letters = "etaoinshrdlucmfwypvbgkqjxz"
    words = ["".join(dice.choices(letters, k=dice.randint(2, 9))) for _ in range(WORDS)]
    weights = [*accumulate(1 / (rank + 3) for rank in range(WORDS))]
    for position in range(1, count + 1):
        text = " ".join(dice.choices(words, cum_weights=weights, k=WORDS_PER_MESSAGE))
        room, user = dice.randrange(ROOMS) + 1, dice.randrange(USERS) + 1
        source = Source(UserId(user), f"user{user}", f"user{user}", f"host-{user}.example.net")
        said = Said(0, source, "PRIVMSG", RoomId(room), UserId(0), f"#r{room}", 0, text, (), "", "")
        place = (f"r:{room}", Position(position), 0, 1_700_000_000_000 + position)
        yield Row(*place, 0, "", encode_change(said))


def main() -> None:
    """Measure, and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rows = [*messages(count)]
    with tempfile.TemporaryDirectory() as path:
        identity = Identity("benchmark", "n1")
        with DataDirectory.open(Path(path), identity, is_founding=True) as directory:
            store = HistoryStore(directory)
            storing = indexing = 0.0
            for first in range(0, count, ROWS_PER_WRITE):
                some = rows[first : first + ROWS_PER_WRITE]
                begin = time.process_time()
                store.write(some, some[-1].position)
                stored = time.process_time()
                while store.index_some():
                    pass
                storing += stored - begin
                indexing += time.process_time() - stored
            store.close()
            for name, seconds in (("history", storing), ("search", indexing)):
                size = (directory.path / f"{name}.db").stat().st_size
                print(f"{name}: {seconds / count * 1e6:.1f} us, {size / count:.0f} bytes a message")


if __name__ == "__main__":
    main()
