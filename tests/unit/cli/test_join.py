"""`roost join` writes a node's files once, and goes on where it was interrupted."""

import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest

from roost.cli.errors import CommandError, UnreachableError, UsageError
from roost.cli.flags import JoinFlags
from roost.cli.join import JOINING, join
from roost.protocol.orders import decode_redeem
from roost.wire import ensure_authority
from roost.wire.joining import NONCE_BYTES, Token, encode_token, make_token, seal
from support.credentials import NOW

FILES = {"config.toml": b'cluster = "test"\nname = "n4"\n', "node-n4-key.pem": b"key"}


class FakeCluster:
    """Gives a token's files to the first claim."""

    def __init__(self, token: Token) -> None:
        self.token = token
        self.claims: list[str] = []
        self.is_reachable = True

    async def settle(self, cluster: str, *asked: Any, **_options: Any) -> bytes:
        assert cluster == "test"
        self.claims.append(decode_redeem(asked[2]).claim)
        if not self.is_reachable:
            raise UnreachableError("the cluster has not confirmed this: no node is ready")
        if self.claims[-1] != self.claims[0]:
            raise CommandError("another machine used this token")
        return seal(self.token, FILES, bytes(NONCE_BYTES))


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Token:
    authority = ensure_authority(tmp_path_factory.mktemp("authority"), "test", now=NOW)
    hour = dt.timedelta(hours=1)
    return make_token(authority, "n4", ("127.0.0.1:1",), hour, now=NOW, random=bytes(range(40)))


@pytest.fixture
def cluster(token: Token, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    fake = FakeCluster(token)
    monkeypatch.setattr("roost.cli.join.settle", fake.settle)
    return fake


def run(token: Token, folder: Path) -> None:
    join(encode_token(token), JoinFlags(data=folder, start=False))


def test_the_files_are_there_and_nothing_else(
    token: Token, cluster: FakeCluster, tmp_path: Path
) -> None:
    folder = tmp_path / "n4"
    run(token, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    run(token, folder)
    assert len(cluster.claims) == 1


def test_an_interrupted_machine_goes_on_with_the_same_claim(
    token: Token, cluster: FakeCluster, tmp_path: Path
) -> None:
    cluster.is_reachable = False
    with pytest.raises(UnreachableError, match="no node is ready"):
        run(token, tmp_path)
    cluster.is_reachable = True
    run(token, tmp_path)
    assert len(set(cluster.claims)) == 1
    assert not (tmp_path / JOINING).exists()


def test_another_machine_is_refused(token: Token, cluster: FakeCluster, tmp_path: Path) -> None:
    run(token, tmp_path / "one")
    with pytest.raises(CommandError, match="another machine used this token"):
        run(token, tmp_path / "other")
    assert len(set(cluster.claims)) == 2


def test_the_claim_that_is_told_is_not_the_one_that_is_kept(
    token: Token, cluster: FakeCluster, tmp_path: Path
) -> None:
    cluster.is_reachable = False
    with pytest.raises(UnreachableError):
        run(token, tmp_path)
    assert cluster.claims[0] != (tmp_path / JOINING / "claim").read_bytes().hex()
    assert (tmp_path / JOINING / "claim").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("config.toml", b'cluster = "test"\nname = "n1"\n', "has the files of n1, not of n4"),
        ("config.toml", b'cluster = "other"\nname = "n4"\n', "give another directory"),
        ("letters.txt", b"", "is not empty"),
    ],
)
def test_nothing_of_others_is_touched(
    token: Token, cluster: FakeCluster, tmp_path: Path, name: str, content: bytes, error: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=error):
        run(token, tmp_path)
    assert not cluster.claims
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_expired_token_is_hinted_at(cluster: FakeCluster, tmp_path: Path) -> None:
    authority = ensure_authority(tmp_path / "authority", "test", now=NOW)
    early = NOW - dt.timedelta(hours=2)
    hour = dt.timedelta(hours=1)
    late = make_token(authority, "n4", ("127.0.0.1:1",), hour, now=early, random=bytes(range(40)))
    cluster.is_reachable = False
    with pytest.raises(UnreachableError, match="By this machine's clock the token has expired"):
        run(late, tmp_path / "n4")


def test_a_token_may_come_from_standard_input(
    token: Token, cluster: FakeCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(encode_token(token) + "\n"))
    join("-", JoinFlags(data=tmp_path, start=False))
    assert (tmp_path / "config.toml").exists()
    assert cluster.claims


def test_garbage_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this is not a token"):
        join("n4=host", JoinFlags(data=tmp_path))
