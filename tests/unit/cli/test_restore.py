"""Each machine can restore its own node; nothing that exists is written over."""

from pathlib import Path

import msgspec
import pytest

from roost.backup import Draft, open_repository
from roost.backup.manifest import FileEntry, Manifest
from roost.chat.holes import Hole
from roost.chat.ids import Position
from roost.chat.snapshot import encode_state
from roost.chat.state import State
from roost.cli.backup import backup, check_past, manifest_of
from roost.cli.errors import CommandError, UsageError
from roost.cli.flags import BackupFlags, InitFlags, RestoreFlags
from roost.cli.init import init
from roost.cli.restore import restore
from roost.protocol.local import CopyHead
from support.stores import row


def head(position: int, *, term: int = 3, first: int = 1) -> CopyHead:
    return CopyHead(
        cluster="chat",
        node="n1",
        version="1",
        position=Position(position),
        time_ms=position,
        terms=((Position(1), 2), (Position(4), term)),
        first=Position(first),
        first_ms=0,
        holes=(),
        has_archive=False,
    )


def made_at(position: int) -> Manifest:
    return Manifest(
        cluster="chat",
        node="n1",
        version="1",
        made_ms=0,
        position=Position(position),
        time_ms=position,
        terms=((Position(1), 2), (Position(4), 3)),
        first=Position(1),
        first_ms=0,
        holes=(),
        has_archive=False,
        accounts=0,
        rooms=0,
        state=FileEntry("", 0, ""),
        segments=(),
    )


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    repository = open_repository(tmp_path / "kept", "chat")
    with Draft(repository, None, Position(1)) as draft:
        draft.add_rows([row(3)], Position(5))
        draft.add_state(encode_state(State(position=Position(5))))
        draft.finish(made_at(5))
    return repository.path


@pytest.fixture
def made(tmp_path: Path) -> Path:
    init(InitFlags(data=tmp_path / "made"))
    return tmp_path / "made"


def test_one_machine_after_the_other(
    kept: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("n1", "n2"):
        restore(kept, RestoreFlags(config=made / name / "config.toml"))
        told = capsys.readouterr().out
        assert "1 rows of history" in told
        assert "before you start any of them" in told
        assert (made / name / "data" / "log.db").exists()
    with pytest.raises(UsageError, match="is not empty"):
        restore(kept, RestoreFlags(config=made / "n1" / "config.toml"))
    with pytest.raises(UsageError, match="a backup is only restored into a new cluster"):
        restore(kept, RestoreFlags(data=made))


def test_flags_that_contradict_each_other_are_refused(
    kept: Path, made: Path, tmp_path: Path
) -> None:
    config = made / "n1" / "config.toml"
    for flags, why in (
        (RestoreFlags(), "give --data for a whole cluster, or --config"),
        (RestoreFlags(data=made, config=config), "give --data for a whole cluster, or --config"),
        (RestoreFlags(config=config, nodes=3), "--nodes belongs to --data"),
        (RestoreFlags(data=tmp_path / "new", nodes=33), "--nodes must be from 1 to 32, not 33"),
        (RestoreFlags(data=made, nodes=5), "has 3 nodes, not 5"),
        (RestoreFlags(data=kept), "is not empty, and not a cluster's directory"),
        (RestoreFlags(data=made, position=4), "holds no backup 4, only 5"),
    ):
        with pytest.raises(UsageError, match=why):
            restore(kept, flags)
    with pytest.raises(UsageError, match="is not a directory of backups"):
        restore(made, RestoreFlags(data=tmp_path / "new"))
    assert not (tmp_path / "new").exists()
    with pytest.raises(UsageError, match="--keep must be 1 or more"):
        backup(kept, BackupFlags(data=made, keep=0))
    with pytest.raises(CommandError, match="n1 does not run: nobody listens at"):
        backup(kept, BackupFlags(config=config))


def test_a_backup_lacks_what_the_former_one_does_although_its_node_has_got_it() -> None:
    """It adds newer rows only, and keeps the older ones that this node may lack."""
    early = Hole(Position(2), Position(3), 3, 3)
    theirs = msgspec.structs.replace(head(9), holes=(Hole(Position(4), Position(8), 8, 8),))
    assert manifest_of(theirs, None).holes == theirs.holes
    former = msgspec.structs.replace(made_at(5), first=Position(2), first_ms=1, holes=(early,))
    made = manifest_of(theirs, former)
    assert (made.first, made.first_ms) == (2, 1)
    assert made.holes == (early, Hole(Position(6), Position(8), 8, 8))
    assert manifest_of(head(9), former).holes == (early,)


def test_a_backup_goes_on_only_from_its_own_past(kept: Path) -> None:
    repository = open_repository(kept)
    former = repository.newest()
    check_past(repository, head(9), None)
    check_past(repository, head(9), former)
    check_past(repository, head(9, term=0), former)
    for other in (head(4), head(9, term=7)):
        with pytest.raises(UsageError, match="does not belong to the past of n1"):
            check_past(repository, other, former)
    check_past(repository, head(9, first=6), former)
    with pytest.raises(UsageError, match="holds no history between the last backup"):
        check_past(repository, head(9, first=7), former)
