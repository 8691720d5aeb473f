"""`roost config check` says of each file whether the process that reads it would start."""

from pathlib import Path

import pytest

from roost.cli.check import check
from roost.cli.errors import UsageError
from roost.cli.flags import InitFlags
from roost.cli.init import init


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a cluster that `roost init` made."""
    directory = tmp_path_factory.mktemp("check") / "cluster"
    init(InitFlags(data=directory))
    return directory


def error(*files: Path) -> str:
    with pytest.raises(UsageError) as raised:
        check(files)
    return str(raised.value)


def test_each_file_of_a_cluster_is_recognised(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("n1", "b1", "operator")
    check([files / name / "config.toml" for name in names])
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2].partition(" of ")[0] for line in lines] == [
        "node n1",
        "balancer b1",
        "an operator's file",
    ]
    assert all(line.endswith(", valid") for line in lines)


def test_every_wrong_file_is_named_and_no_right_one(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("hots = 3\n")
    told = error(wrong, files / "n2" / "config.toml", tmp_path / "missing.toml")
    assert f"{wrong}: unknown key hots: did you mean host?" in told
    assert "missing.toml: No such file" in told
    assert "n2" not in told
    assert "node n2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[node]\nwieght = 2\n", "[node]: unknown key wieght: did you mean weight?"),
        ("[node]\nweight = 'x'\n", "[node]: weight: it must be a whole number, not text"),
        ("[balancer]\nsesions = 2\n", "[balancer]: unknown key sesions: did you mean sessions?"),
    ],
)
def test_the_tables_of_roost_up_are_checked(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "up.toml"
    file.write_text(text)
    assert error(file) == f"{file}: {expected}"


def test_certificates_are_read(files: Path, tmp_path: Path) -> None:
    text = (files / "n3" / "config.toml").read_text()
    (tmp_path / "config.toml").write_text(text)
    assert "No such file or directory" in error(tmp_path / "config.toml")
