"""A surviving data directory becomes a cluster of its own, on an operator's order."""

from pathlib import Path

import pytest

from roost.chat.commands import encode_command
from roost.chat.commands.cluster import Configure
from roost.chat.settings import Settings
from roost.node.errors import StartError
from roost.node.survivor import TERM_STEP, open_survivor
from roost.raft.membership import Membership
from roost.raft.messages import ENTRY_COMMAND, Entry, HardState, Persist, Position, Stored
from roost.storage import DataDirectory, Identity, LogStore

MEMBERS = ("n1", "n2", "n3")


def write_log(path: Path, *, count: int) -> None:
    """Store a log that ends in term 4, and was cut because of damage."""
    with DataDirectory.open(path, Identity("c", "n1"), is_founding=True) as directory:
        log = LogStore(directory)
        log.load()
        data = encode_command(Configure(Settings(), "n1", ""))
        entries = tuple(
            Entry(index, 4, 1000 + index, ENTRY_COMMAND, data) for index in range(1, count + 1)
        )
        state = HardState(term=5, voted_for="n2", floor_term=4, floor_index=count + 2)
        known = (Position("n1", 4, count + 2), Position("n2", 4, count + 7))
        log.write([Persist(1, state, None, entries, (), positions=known)])
        log.close()


def stored(path: Path) -> Stored:
    with DataDirectory.open(path, Identity("c", "n1"), is_founding=False) as directory:
        log = LogStore(directory)
        try:
            return log.load()
        finally:
            log.close()


def test_what_is_known_to_be_lost_is_told_and_nothing_is_changed(tmp_path: Path) -> None:
    write_log(tmp_path, count=3)
    before = stored(tmp_path)
    with open_survivor(tmp_path, "c", "n1", MEMBERS) as survivor:
        survey = survivor.survey()
    assert (survey.position, survey.time_ms) == (3, 1003)
    assert survey.voters == MEMBERS
    assert survey.others == ("n2", "n3")
    assert survey.ahead == (("n1", 2), ("n2", 7))
    assert stored(tmp_path) == before


def test_the_survivor_votes_alone_and_owes_nobody_anything(tmp_path: Path) -> None:
    write_log(tmp_path, count=3)
    with open_survivor(tmp_path, "c", "n1", MEMBERS) as survivor:
        survivor.recover()
    after = stored(tmp_path)
    assert after.hard_state == HardState(term=5 + TERM_STEP)
    assert after.positions == ()
    assert Membership("n1", MEMBERS, None, after.entries).latest.voters == ("n1",)
    assert [entry.index for entry in after.entries] == list(range(1, 8))
    assert {entry.term for entry in after.entries[3:]} == {5 + TERM_STEP}
    with open_survivor(tmp_path, "c", "n1", MEMBERS) as survivor:
        survey = survivor.survey()
    assert (survey.voters, survey.others) == (("n1",), ())


@pytest.mark.parametrize(("cluster", "name"), [("other", "n1"), ("c", "n2")])
def test_the_data_of_another_node_is_refused(tmp_path: Path, cluster: str, name: str) -> None:
    write_log(tmp_path, count=1)
    with (
        pytest.raises(StartError, match="is the data directory of node 'n1'"),
        open_survivor(tmp_path, cluster, name, MEMBERS),
    ):
        pass


def test_an_empty_log_brings_nothing_back(tmp_path: Path) -> None:
    with (
        pytest.raises(StartError, match="nothing to bring back"),
        open_survivor(tmp_path, "c", "n1", MEMBERS),
    ):
        pass
    write_log(tmp_path, count=0)
    with (
        pytest.raises(StartError, match="nothing to bring back"),
        open_survivor(tmp_path, "c", "n1", MEMBERS),
    ):
        pass
