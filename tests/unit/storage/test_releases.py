"""Releases of two neighbouring versions read each other's data directories."""

import json
from pathlib import Path

import pytest

from roost.chat.apply import apply_entry
from roost.chat.ids import Position
from roost.chat.snapshot import decode_state
from roost.log import ENTRY_COMMAND
from roost.raft.messages import HardState
from roost.storage import DataDirectory, HistoryStore, Identity, LogStore
from support.chat_invariants import check_invariants
from support.former import former, translate
from support.releases import TALES, unpack
from support.stores import batch, entries, open_directory, row, snapshot


@pytest.mark.parametrize("name", ["n1", "n2", "n3"])
def test_what_the_release_before_has_written_is_read(tmp_path: Path, name: str) -> None:
    path = unpack(1, "data", tmp_path) / "data" / name / "data"
    identity = Identity(json.loads((path / "identity.json").read_bytes())["cluster"], name)
    with DataDirectory.open(path, identity, is_founding=False) as directory:
        log, history = LogStore(directory), HistoryStore(directory)
        stored = log.load()
        assert (log.findings, history.findings) == ((), ())
        assert stored.snapshot is not None
        state = decode_state(stored.snapshot.data)
        for entry in stored.entries:
            if entry.index > state.position and entry.kind == ENTRY_COMMAND:
                applied = apply_entry(state, entry.data, Position(entry.index), entry.time_ms)
                assert not applied.failure
        rows, _, damaged = history.export(Position(1), history.applied, 10_000_000)
        assert sum(b"tale " in row.record for row in rows) == len(TALES)
        assert not damaged
        log.close()
        history.close()
    check_invariants(state)
    assert state.version == 1
    assert sorted(state.accounts) == ["alice", "bob"]
    assert state.accounts["alice"].is_always_on  # type: ignore[index]
    (lore,) = (room for room in state.rooms.values() if room.name == "#lore")
    assert (lore.founder, lore.limit, list(lore.bans)) == ("alice", 50, ["troll!*@*"])


def test_the_release_before_reads_what_is_written_before_the_version_rises(tmp_path: Path) -> None:
    rows = [row(position) for position in range(1, 10)]
    with open_directory(tmp_path) as directory:
        log, history = LogStore(directory), HistoryStore(directory)
        log.load()
        log.write([batch(*entries(1, 30), hard_state=HardState(term=3, voted_for="n2"))])
        log.write([batch(*entries(101, 109), number=2, snapshot=snapshot(100))])
        history.write(rows, Position(9), ())
        history.add_gap(Position(10), Position(20))
        log.close()
        history.close()
        ours = LogStore(directory)
        stored = ours.load()
        ours.close()
    theirs = former("storage")
    identity = theirs.Identity("test", "n1")
    with theirs.DataDirectory.open(tmp_path, identity, is_founding=False) as directory:
        log, history = theirs.LogStore(directory), theirs.HistoryStore(directory)
        assert translate(log.load()) == stored
        assert (log.findings, history.findings) == ((), ())
        assert (history.applied, history.gaps()) == (9, ((10, 20),))
        assert [translate(one) for one in history.export(1, 9, 10_000)[0]] == rows
        log.close()
        history.close()
    with open_directory(tmp_path) as directory:
        directory.note_version(2)
    with pytest.raises(theirs.IdentityError, match="format 2"):
        theirs.DataDirectory.open(tmp_path, identity, is_founding=False)
