"""What the screens look like, as text. Run with ROOST_DRAW=1 to draw them again; then look."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from roost.client.model import ListedRoom, ListingState
from support.chat_interface import Stand, open_interface, run_async
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


async def nothing(_: Stand) -> None:
    return


async def keys(stand: Stand) -> None:
    await stand.pilot.press("f1")
    await stand.see("Everywhere")


async def rooms(stand: Stand) -> None:
    listing = stand.model.listing
    await stand.pilot.press("ctrl+o")
    await stand.see("Type to find")
    listing.state = ListingState.COMPLETE
    listing.rooms = [ListedRoom("#room", 4, "Where we talk"), ListedRoom("#tea", 12, "")]
    listing.revision += 1
    await stand.see("2 of 2 rooms")


async def switcher(stand: Stand) -> None:
    await stand.pilot.press("ctrl+k")
    await stand.type("b")
    await stand.see("talk privately")


async def settings(stand: Stand) -> None:
    await stand.pilot.press("f5")
    await stand.see("When you are mentioned")


SCREENS: dict[str, tuple[Callable[[Stand], object], str]] = {
    "conversation-80x24": (nothing, "80x24"),
    "conversation-200x60": (nothing, "200x60"),
    "conversation-44x20": (nothing, "44x20"),
    "keys-80x24": (keys, "80x24"),
    "rooms-80x24": (rooms, "80x24"),
    "switcher-80x24": (switcher, "80x24"),
    "settings-80x24": (settings, "80x24"),
}


@pytest.mark.parametrize("name", SCREENS)
def test_screen_looks_as_it_was_judged(name: str) -> None:
    prepare, size = SCREENS[name]

    async def scenario() -> str:
        async with open_interface(make_network(), size=SIZES[size]) as stand:
            await stand.see("as it", "You joined")
            await stand.say("all good")
            await stand.see("\u2713")
            stand.model.connection.round_trip_ms = 3.0
            await prepare(stand)  # type: ignore[misc]
            await stand.pilot.pause(0.1)
            stand.model.connection.round_trip_ms = 3.0
            stand.main.follow()
            await stand.pilot.pause(0.05)
            return stand.text()

    found: list[str] = []

    async def note() -> None:
        found.append(await scenario())

    run_async(note())
    picture = PICTURES / f"{name}.txt"
    if os.environ.get("ROOST_DRAW"):
        picture.write_text(found[0] + "\n")
    assert found[0] + "\n" == picture.read_text()
