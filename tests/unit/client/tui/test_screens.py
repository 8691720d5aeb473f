"""What the screens look like, as text. Run with ROOST_DRAW=1 to draw them again; then look."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from roost.client.model import ListedRoom, ListingState
from support.chat_interface import Harness, open_interface, run_async
from support.fake_irc_network import Network

PICTURES = Path(__file__).parent / "screens"
SIZES = {"80x24": (80, 24), "200x60": (200, 60), "44x20": (44, 20)}


def make_network() -> Network:
    network = Network(page=60)
    network.members["#room"] = {"bob": None, "carol": None, "dave": None}
    network.say("carol", "morning everybody")
    network.say("bob", "Morning! Did it go through last night?")
    network.say("carol", "It did, and nobody noticed: see https://example.org/log/42.")
    network.say("carol", "\x02bold\x02 \x1ditalic\x1d \x0304red\x0f")
    network.say(
        "dave", "me: this is rather long, and so it wraps at the end of the line, as it should"
    )
    return network


async def nothing(_: Harness) -> None:
    return


async def keys(ui: Harness) -> None:
    await ui.pilot.press("f1")
    await ui.see("Everywhere")


async def rooms(ui: Harness) -> None:
    listing = ui.model.listing
    await ui.pilot.press("ctrl+o")
    await ui.see("Type to find")
    listing.state = ListingState.COMPLETE
    listing.rooms = [ListedRoom("#room", 4, "Where we talk"), ListedRoom("#tea", 12, "")]
    listing.revision += 1
    await ui.see("2 of 2 rooms")


async def switcher(ui: Harness) -> None:
    await ui.pilot.press("ctrl+k")
    await ui.type("b")
    await ui.see("talk privately")


async def search(ui: Harness) -> None:
    await ui.pilot.press("f6")
    await ui.type("it")
    await ui.see("4 found")


async def thread(ui: Harness) -> None:
    tags = (("+draft/reply", "id00001"),)
    ui.network.happen("carol!u@h", "PRIVMSG", "#room", "It did indeed", tags=tags)
    ui.network.happen("dave!u@h", "PRIVMSG", "#room", "and at night " * 9, tags=tags)
    await ui.see("at night")
    await ui.say("/thread")
    await ui.see("3 messages")


async def writing(ui: Harness) -> None:
    code = "\n".join(f"\x11{line}" for line in ("def f(x):", "    return x + 1", "", "print(f(2))"))
    for line in code.split("\n"):
        ui.network.say("bob", line)
    ui.network.say("bob", "\x0301,01the butler\x03 and \x11code\x11")
    await ui.see("and code")
    await ui.type("a ")
    await ui.pilot.press("colon")
    await ui.type("smil")
    await ui.see("smiley")


async def settings(ui: Harness) -> None:
    await ui.pilot.press("f5")
    await ui.see("When you are mentioned")


SCREENS: dict[str, tuple[Callable[[Harness], object], str]] = {
    "conversation-80x24": (nothing, "80x24"),
    "conversation-200x60": (nothing, "200x60"),
    "conversation-44x20": (nothing, "44x20"),
    "keys-80x24": (keys, "80x24"),
    "rooms-80x24": (rooms, "80x24"),
    "switcher-80x24": (switcher, "80x24"),
    "search-80x24": (search, "80x24"),
    "search-44x20": (search, "44x20"),
    "thread-80x24": (thread, "80x24"),
    "thread-44x20": (thread, "44x20"),
    "writing-80x24": (writing, "80x24"),
    "settings-80x24": (settings, "80x24"),
}


@pytest.mark.parametrize("name", SCREENS)
def test_screen_looks_as_it_was_judged(name: str) -> None:
    prepare, size = SCREENS[name]

    async def scenario() -> str:
        async with open_interface(make_network(), size=SIZES[size]) as ui:
            await ui.see("as it", "You joined")
            await ui.say("all good")
            await ui.see("\u2713")
            ui.model.connection.round_trip_ms = 3.0
            await prepare(ui)  # type: ignore[misc]
            await ui.pilot.pause(0.1)
            ui.model.connection.round_trip_ms = 3.0
            ui.main.follow()
            await ui.pilot.pause(0.05)
            return ui.text()

    found: list[str] = []

    async def note() -> None:
        found.append(await scenario())

    run_async(note())
    picture = PICTURES / f"{name}.txt"
    if os.environ.get("ROOST_DRAW"):
        picture.write_text(found[0] + "\n")
    assert found[0] + "\n" == picture.read_text()
