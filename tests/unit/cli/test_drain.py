"""Where `roost drain` finds the operator's certificate."""

from pathlib import Path

import pytest

from roost.cli.drain import load_operator
from roost.cli.errors import UsageError
from roost.cli.flags import InitFlags, OperatorFlags
from roost.cli.init import init
from roost.ops import clock
from roost.wire.authority import check_credentials
from roost.wire.identity import Identity


def make_cluster(data: Path, **changes: object) -> None:
    values: dict[str, object] = {
        "nodes": ("n1=10.0.0.1", "n2=10.0.0.2"),
        "balancers": ("b1=10.0.0.8", "b2=10.0.0.9"),
        "data": data,
    }
    init(InitFlags(**{**values, **changes}))  # type: ignore[arg-type]


def test_an_operators_directory_can_be_copied_and_used(tmp_path: Path) -> None:
    make_cluster(tmp_path / "made")
    moved = tmp_path / "moved"
    (tmp_path / "made" / "operator").rename(moved)
    found = load_operator(OperatorFlags(config=moved / "config.toml"))
    assert found.balancers == ("10.0.0.8:6700", "10.0.0.9:6700")
    identity = Identity(found.cluster, "operator", "operator")
    check_credentials(found.credentials, identity, now=clock.utc_now())
    assert found.credentials.authority.parent == moved


def test_a_data_directory_is_enough(tmp_path: Path) -> None:
    make_cluster(tmp_path)
    assert load_operator(OperatorFlags(data=tmp_path)).balancers[0] == "10.0.0.8:6700"


def test_without_a_certificate_nobody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no operator's certificate"):
        load_operator(OperatorFlags(data=tmp_path))
    make_cluster(tmp_path)
    (tmp_path / "operator" / "operator-operator-key.pem").unlink()
    with pytest.raises(UsageError, match=r"there is no operator's certificate: .*-key\.pem"):
        load_operator(OperatorFlags(data=tmp_path))


@pytest.mark.parametrize("name", ["operator", "authority"])
def test_nobody_is_called_like_another_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=name):
        make_cluster(tmp_path, nodes=(f"{name}=10.0.0.1",))
    with pytest.raises(UsageError, match=name):
        make_cluster(tmp_path, balancers=(f"{name}=10.0.0.1",))
