"""Below version 2, `apply` does what the real code of version 1 does with the same log."""

import pytest

from roost.chat.apply import apply_entry
from roost.chat.commands import Command, encode_command
from roost.chat.ids import Position
from roost.chat.record import history_rows
from roost.chat.snapshot import decode_state, encode_state
from roost.chat.versions import VersionError, as_of
from support.chat_logs import LogMaker, first_state
from support.former import former, translate

LOG_LENGTH = 400
COMPARED_EVERY = 20


def proposed(command: Command) -> Command:
    """Return what a node proposes; what is too new is left as it is, to be skipped by both."""
    try:
        return as_of(command, 1)
    except VersionError:
        return command


@pytest.mark.parametrize("seed", range(6))
def test_nodes_of_both_versions_make_equal_states_of_equal_logs(seed: int) -> None:
    ours = first_state()
    ours.version = 1
    rows = former("chat.record").history_rows
    encode, apply = former("chat.snapshot").encode_state, former("chat.apply").apply_entry
    theirs = former("chat.snapshot").decode_state(encode_state(ours))
    for number, made in enumerate(LogMaker(seed).make(LOG_LENGTH), 1):
        command = proposed(made)
        data, position = encode_command(command), Position(number)
        mine = apply_entry(ours, data, position, number)
        others = apply(theirs, data, position, number)
        assert bool(mine.failure) == bool(others.failure), command
        # What only tells this node's clients may say more; what is stored may not.
        assert translate(translate(mine.results)) == translate(others.results), command
        assert history_rows(mine) == translate(rows(others)), command
        if number % COMPARED_EVERY == 0 or number == LOG_LENGTH:
            known = decode_state(encode(theirs))
            assert known == ours, f"after {number}"
            assert encode_state(known) == encode_state(ours), f"after {number}"
