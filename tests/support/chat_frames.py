"""Measures frame times of a busy client: run `python tests/support/chat_frames.py`.

A frame includes following the model's changes, laying out rows, composing the screen and encoding
it for the terminal.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from textual.screen import Screen

from roost.client.model import ConversationKind, Entry, EntryKind
from roost.client.model.conversation import Conversation
from roost.client.tui.idle import IdleCollector
from roost.ops import clock
from support.chat_interface import Harness, open_interface

ENTRIES = 100_000
PEOPLE = 5_000
ROOMS = 100
PER_S = 500
FRAMES = 300
WORDS = ("the", "quick", "brown", "fox", "jumps", "over", "https://example.org/a", "and", "back")


@dataclass
class Times:
    """The durations of frames, in seconds."""

    frames: list[float] = field(default_factory=list)

    def share(self, share: float) -> float:
        """Return a percentile, in milliseconds."""
        ordered = sorted(self.frames)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000

    def __str__(self) -> str:
        worst = max(self.frames) * 1000
        return (
            f"{len(self.frames)} frames: p50 {self.share(0.5):.1f} ms, "
            f"p99 {self.share(0.99):.1f} ms, worst {worst:.1f} ms"
        )


@contextmanager
def render_times(times: Times) -> Iterator[None]:
    """Record how long it takes to compose and encode a screen."""
    original = Screen._compositor_refresh
    console = Console(color_system="truecolor", force_terminal=True, width=200)

    def timed(screen: Screen[object]) -> None:
        start = clock.monotonic()
        compositor = screen._compositor
        if compositor._dirty_regions:
            update = compositor.render_update(screen_stack=screen.app._background_screens)
            if update is not None and hasattr(update, "render_segments"):
                update.render_segments(console)
        original(screen)
        times.frames.append(clock.monotonic() - start)

    Screen._compositor_refresh = timed  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Screen._compositor_refresh = original  # type: ignore[method-assign]


def make_entry(number: int) -> Entry:
    """Create a message as the model would."""
    length = number * 7 % 37 + 3
    text = " ".join(WORDS[(number + word) % len(WORDS)] for word in range(length))
    return Entry(
        10_000_000 + number,
        EntryKind.MESSAGE,
        1_700_000_000_000 + number * 2000,
        f"person{number * 13 % 97}",
        f"{number} {text}",
        msgid=f"big{number}",
    )


def fill(ui: Harness) -> Conversation:
    """Fill the visible room with as many messages and members as possible, and add other rooms."""
    model = ui.model
    conversation = model.conversations["#room"]
    conversation.insert(len(conversation.entries), [make_entry(n) for n in range(ENTRIES)])
    for number in range(PEOPLE):
        person = model.person(f"person{number}")
        conversation.members.add(person)
    for number in range(ROOMS):
        room = Conversation(
            f"#room{number}", f"#room{number}", f"#room{number}", ConversationKind.ROOM
        )
        room.is_joined = True
        model.conversations[room.key] = room
        model.order.append(room.key)
    model.order_revision += 1
    return conversation


async def measure(size: tuple[int, int]) -> dict[str, Times]:
    """Return frame times while messages arrive, while scrolling and while resizing."""
    found = {"500 messages a second": Times(), "scrolling": Times(), "resizing": Times()}
    async with open_interface(size=size) as ui:
        await ui.see("You joined")
        conversation = fill(ui)
        number = ENTRIES
        with render_times(found["500 messages a second"]):
            start = clock.monotonic()
            while len(found["500 messages a second"].frames) < FRAMES:
                due = ENTRIES + int((clock.monotonic() - start) * PER_S)
                while number < due:
                    conversation.append(make_entry(number))
                    number += 1
                await asyncio.sleep(1 / 60)
        with render_times(found["scrolling"]):
            while len(found["scrolling"].frames) < FRAMES:
                ui.main.pane.view.scroll_rows(-7)
                await asyncio.sleep(1 / 60)
        with render_times(found["resizing"]):
            for step in range(40):
                await ui.pilot.resize_terminal(size[0] - step % 5, size[1])
                await asyncio.sleep(1 / 60)
    return found


def main() -> None:
    """Print the times at both sizes."""
    IdleCollector().begin()  # As the client does when it has a terminal.
    for size in ((80, 24), (200, 60)):
        for what, times in asyncio.run(measure(size)).items():
            print(f"{size[0]}x{size[1]} {what}: {times}")


if __name__ == "__main__":
    main()
