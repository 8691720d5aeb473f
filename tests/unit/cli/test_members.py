"""`roost members add` makes what a new node needs, and only where the authority is."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from roost.chat.commands.administration import ShowNodes
from roost.chat.tokens import VALID_MS_MAX
from roost.cli.configuration import load_file
from roost.cli.errors import CommandError, UsageError
from roost.cli.flags import AddFlags, InitFlags, OperatorFlags
from roost.cli.init import init
from roost.cli.members import VALID_MAX, add, node_values, parse_span, remove, replace
from roost.protocol.nodes import NodesView, NodeView, encode_nodes

HERE = "127.0.0.1"


def make_cluster(data: Path, host: str = "10.0.0.{}") -> None:
    nodes = tuple(f"n{number}={host.format(number)}" for number in (1, 2, 3))
    init(InitFlags(data=data, nodes=nodes, balancers=(f"b1={host.format(9)}",)))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("1m", dt.timedelta(minutes=1)),
        ("36h", dt.timedelta(hours=36)),
        ("7d", dt.timedelta(days=7)),
    ],
)
def test_spans_are_read(text: str, span: dt.timedelta) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "0m", "8d", "1", "h", "-1h", "1h30m", "9999999m", "1 h"])
def test_other_spans_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--valid .*: it must be 1m to 7d"):
        parse_span(text)


def test_the_cluster_accepts_the_longest_span() -> None:
    assert dt.timedelta(milliseconds=VALID_MS_MAX) == VALID_MAX


def siblings(**changes: Any) -> dict[str, dict[str, Any]]:
    return {
        f"n{number}": {
            "name": f"n{number}",
            "mesh_host": f"10.0.0.{number}",
            "mesh_port": 6800,
            "http_port": 8080,
            "weight": 3,
            "irc": {"server_name": "irc.example"},
            **changes,
        }
        for number in (1, 2)
    }


def test_a_new_node_has_the_settings_of_the_others_and_its_own_place() -> None:
    values = node_values(siblings(), "n4", "10.0.0.4", ("n1", "n2", "n3"))
    assert values == {
        "http_port": 8080,
        "irc": {"server_name": "irc.example"},
        "mesh_port": 6800,
        "name": "n4",
        "members": ("n1", "n2", "n3"),
        "data": "data",
        "mesh_host": "10.0.0.4",
        "neighbours": {"n1": "10.0.0.1:6800", "n2": "10.0.0.2:6800"},
    }


def test_a_node_on_the_host_of_another_gets_the_next_ports() -> None:
    values = node_values(siblings(), "n4", "10.0.0.2", ())
    assert (values["mesh_port"], values["http_port"]) == (6801, 8081)


def test_nodes_that_pick_free_ports_are_imitated() -> None:
    values = node_values({"n1": {"name": "n1"}}, "n4", HERE, ("n1",))
    assert "mesh_port" not in values
    assert "http_port" not in values
    assert not values["neighbours"]


def test_without_the_authoritys_key_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no authority that could certify n4"):
        add("n4=10.0.0.4", AddFlags(data=tmp_path))
    make_cluster(tmp_path / "made")
    (tmp_path / "made" / "authority" / "ca-key.pem").unlink()
    with pytest.raises(UsageError, match="has no authority"):
        add("n4=10.0.0.4", AddFlags(data=tmp_path / "made"))


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("n4", "add n4: it must be NAME=HOST"),
        ("n 4=host", "a name is 1 to 63"),
        ("b1=10.0.0.4", "b1 is the name of another directory"),
        ("operator=10.0.0.4", "operator is the name of another directory"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, word: str, error: str) -> None:
    make_cluster(tmp_path)
    with pytest.raises(UsageError, match=error):
        add(word, AddFlags(data=tmp_path))


def test_a_machine_that_could_not_reach_the_balancers_is_refused(tmp_path: Path) -> None:
    make_cluster(tmp_path, HERE)
    with pytest.raises(UsageError, match=r"10.0.0.4 cannot reach the balancers"):
        add("n4=10.0.0.4", AddFlags(data=tmp_path))


def test_the_data_of_a_node_that_ran_here_is_kept(tmp_path: Path) -> None:
    make_cluster(tmp_path)
    (tmp_path / "n4" / "data").mkdir(parents=True)
    with pytest.raises(UsageError, match="holds the data of a node that ran here"):
        add("n4=10.0.0.4", AddFlags(data=tmp_path))


def test_a_removal_ends_once_the_others_can_do_without_the_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_cluster(tmp_path)
    leaving = [("n2",), ("n2",), ()]

    def administer(*arguments: object) -> bytes:
        if not isinstance(arguments[-1], ShowNodes):
            return b""
        return encode_nodes(NodesView(nodes=(), tokens=(), leaving=leaving.pop(0)))

    monkeypatch.setattr("roost.cli.members.administer", administer)
    monkeypatch.setattr("roost.cli.members.GONE_POLL_S", 0.0)
    remove(OperatorFlags(data=tmp_path), "n2")
    assert leaving == []
    assert "n2 does not belong to the cluster any more" in capsys.readouterr().out
    leaving.extend([("n2",), ("n2",)])
    monkeypatch.setattr("roost.cli.members.GONE_S", 0.0)
    with pytest.raises(CommandError, match="keep n2 and its data"):
        remove(OperatorFlags(data=tmp_path), "n2")


def test_a_refusal_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cluster(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())

    def refuse(*arguments: object) -> bytes:
        if isinstance(arguments[-1], ShowNodes):
            view = NodeView(name="n1", host="", since_ms=0)
            return encode_nodes(NodesView(nodes=(view,), tokens=()))
        raise UsageError("a node named n4 exists already")

    monkeypatch.setattr("roost.cli.members.administer", refuse)
    with pytest.raises(UsageError, match="n4 exists already"):
        add("n4=10.0.0.4", AddFlags(data=tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("is_ready", [True, False])
def test_an_old_node_is_removed_once_the_new_one_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_ready: bool
) -> None:
    make_cluster(tmp_path)
    story: list[object] = []

    def administer(*arguments: object) -> bytes:
        story.append(type(arguments[-1]).__name__)
        view = NodeView(name="n2", host="", since_ms=0)
        return encode_nodes(NodesView(nodes=(view,), tokens=()))

    def wait_ready(_config: object, node: str, patience_s: float) -> bool:
        story.append((node, patience_s))
        return is_ready

    monkeypatch.setattr("roost.cli.members.administer", administer)
    monkeypatch.setattr("roost.cli.members.wait_ready", wait_ready)
    flags = AddFlags(data=tmp_path, valid="2h")
    if is_ready:
        replace("n2", "n4=10.0.0.4", flags)
    else:
        with pytest.raises(CommandError, match="n4 was not ready within 2h, so n2 stays"):
            replace("n2", "n4=10.0.0.4", flags)
    expected = ["ShowNodes", "ShowNodes", "IssueToken", ("n4", 7200.0)]
    assert story == [*expected, "RemoveNode", "ShowNodes"] if is_ready else expected
    assert (tmp_path / "n4" / "node-n4.pem").exists()
    with pytest.raises(UsageError, match="no node named n9 belongs to the cluster"):
        replace("n9", "n5=10.0.0.5", flags)


def test_the_files_that_settings_name_are_taken_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cluster(tmp_path)
    config = tmp_path / "n1" / "config.toml"
    log = '[log]\nengine = "etcd"\nendpoints = ["10.0.0.5:2379"]\nauthority = "etcd ca.pem"\n'
    key = tmp_path / "elsewhere.key"
    log += f'key = "{key}"\ncertificate = "not-here.pem"\n'
    config.write_text(config.read_text() + log)
    (tmp_path / "n1" / "etcd ca.pem").write_text("authority")
    key.write_text("key")
    monkeypatch.setattr(
        "roost.cli.members.administer", lambda *_asked: encode_nodes(NodesView(nodes=(), tokens=()))
    )
    add("n4=10.0.0.4", AddFlags(data=tmp_path))
    made = load_file(tmp_path / "n4" / "config.toml")["log"]
    assert made["authority"] == "log-authority.pem"
    assert (tmp_path / "n4" / "log-authority.pem").read_text() == "authority"
    assert (tmp_path / "n4" / made["key"]).read_text() == "key"
    assert made["certificate"] == "not-here.pem"
    assert (tmp_path / "n4" / "node-n4.pem").exists()
