"""Wherever the connection breaks, nothing is missing afterwards, and nothing is doubled."""

from collections.abc import Callable

import pytest

from roost.client.model import EntryKind, Profile
from support import fake_irc_network as fakes
from support.chat_model import Driver, run
from support.fake_irc_network import Network

BREAKS = 90
"""More lines than the scenario takes on any of the networks."""


def scenario(capabilities: str, cut_at: int | None, page: int = 5) -> Driver:
    """Talk and listen while the connection breaks once, and once more a little later."""
    network = Network(capabilities, page)
    for number in range(12):
        network.say("bob", f"before {number}")
    driver = Driver(network)
    driver.random.seed(cut_at)
    driver.cut_at = cut_at
    driver.connect()

    def say(text: str) -> Callable[[], None]:
        return lambda: driver.model.send("#room", text)

    def hear(text: str) -> Callable[[], None]:
        return lambda: network.say("bob", text)

    def hear_much() -> None:
        for number in range(13):
            network.say("carol", f"much {number}")

    run(driver, hear("one"), say("mine 1"), say("same"), say("same"), hear("two"))
    if driver.cut_at is not None:
        driver.cut()
        hear_much()
        say("typed while away")()
        hear("three")()
        driver.cut_at = driver.steps + (cut_at or 0) % 17
    run(driver, hear("four"), say("mine 2"), say("mine 3"), hear("five"))
    return driver


def scroll_to_the_top(driver: Driver) -> None:
    while driver.room().history.is_more_above:
        driver.model.load_older("#room")
        driver.settle()


@pytest.mark.parametrize("cut_at", [None, *range(1, BREAKS)])
@pytest.mark.parametrize(
    "capabilities",
    [fakes.FULL, fakes.WITHOUT_RESUME, fakes.WITHOUT_LABELS],
    ids=["resume", "history", "no-labels"],
)
def test_after_a_break_at_any_line_the_room_shows_what_was_said_once(
    capabilities: str, cut_at: int | None
) -> None:
    driver = scenario(capabilities, cut_at)
    shown, said = driver.said(), driver.network.texts()
    assert shown == said[len(said) - len(shown) :]
    assert not driver.room().pending
    assert not any(entry.kind is EntryKind.GAP for entry in driver.room().entries)
    scroll_to_the_top(driver)
    assert driver.said() == said


@pytest.mark.parametrize("cut_at", [None, *range(1, BREAKS)])
@pytest.mark.parametrize(
    "capabilities",
    [fakes.FULL, fakes.WITHOUT_RESUME, fakes.WITHOUT_LABELS],
    ids=["resume", "history", "no-labels"],
)
def test_after_a_break_at_any_line_each_own_message_was_sent_once(
    capabilities: str, cut_at: int | None
) -> None:
    driver = scenario(capabilities, cut_at)
    mine = [text for nick, text in driver.network.texts() if nick == "alice"]
    wanted = ["mine 1", "same", "same", "mine 2", "mine 3"]
    if cut_at is not None:
        wanted.insert(3, "typed while away")
    assert mine == wanted


@pytest.mark.parametrize("cut_at", range(1, BREAKS))
def test_without_history_no_message_is_sent_twice_and_none_is_silently_lost(cut_at: int) -> None:
    driver = scenario(fakes.BARE, cut_at)
    mine = [text for nick, text in driver.network.texts() if nick == "alice"]
    in_doubt = [entry.text for entry in driver.room().pending]
    wanted = ["mine 1", "same", "same", "typed while away", "mine 2", "mine 3"]
    assert all(mine.count(text) <= wanted.count(text) for text in mine)
    assert not [text for text in wanted if text not in mine and text not in in_doubt]
    assert all(entry.failure for entry in driver.room().pending)


@pytest.mark.parametrize("cut_at", range(1, BREAKS, 3))
def test_pages_without_message_ids_are_put_together_by_time_sender_and_text(cut_at: int) -> None:
    driver = scenario(fakes.WITHOUT_IDS, cut_at)
    shown, said = driver.said(), driver.network.texts()
    assert shown == said[len(said) - len(shown) :]


def test_scrolling_up_comes_to_the_very_beginning() -> None:
    network = Network(page=7)
    for number in range(40):
        network.say("bob", f"{number}")
    driver = Driver(network)
    driver.settle()
    scroll_to_the_top(driver)
    assert driver.said() == network.texts()


def test_a_date_loads_what_was_said_then_and_leaves_a_gap_that_can_be_filled() -> None:
    network = Network(page=5)
    for number in range(60):
        network.say("bob", f"{number}")
    driver = Driver(network)
    driver.settle()
    driver.model.jump_to_date("#room", fakes.START_MS + 10_000)
    driver.settle()
    assert driver.said()[:5] == network.texts()[10:15]
    gap = next(entry for entry in driver.room().entries if entry.kind is EntryKind.GAP)
    while gap in driver.room().entries:
        driver.model.fill_gap("#room", gap)
        driver.settle()
    assert driver.said() == network.texts()[10:]


def test_from_a_time_on_everything_is_loaded() -> None:
    network = Network(page=5)
    for number in range(40):
        network.say("bob", f"{number}")
    since = fakes.START_MS + 20_000
    profile = Profile(nick="alice", rooms=("#room",), history_since_ms=since, fills_whole_gaps=True)
    driver = Driver(network, profile)
    driver.settle()
    assert driver.said() == network.texts()[20:]
