"""The status combines what balancers report."""

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roost.cli.errors import UnreachableError, UsageError
from roost.cli.status import Cluster, draw, fetch, fetch_all, find_urls, to_json


def _status(balancer: str, state: str = "ready") -> dict[str, object]:
    return {
        "cluster": "roost-1",
        "balancers": [
            {
                "name": balancer,
                "pid": 1,
                "address": "127.0.0.1:6667",
                "sessions": 2,
                "waiting": 0,
                "problems": ["n9 refuses it: one [b] too many"],
            }
        ],
        "nodes": [
            {
                "name": "n1",
                "pid": 2,
                "state": state,
                "leader": True,
                "position": 12,
                "applied": 10,
                "sessions": 1,
                "neighbours": [{"name": "n2", "rtt_ms": 0.25}],
                "reason": "" if state == "ready" else "it has no trunk",
            }
        ],
    }


@contextlib.contextmanager
def _serve(body: object) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps(body).encode()
            self.send_response(200 if self.path == "/status.json" else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_json_has_the_promised_shape() -> None:
    with _serve(_status("b1")) as url:
        shown = json.loads(to_json(fetch(url)))
    expected = _status("b1")
    expected["nodes"] = [
        {key: value for key, value in node.items() if key != "reason"}
        for node in expected["nodes"]  # type: ignore[attr-defined]
    ]
    del expected["balancers"][0]["problems"]  # type: ignore[index]
    assert shown == expected


def test_several_balancers_are_shown_together() -> None:
    with _serve(_status("b2", state="no-trunk")) as first, _serve(_status("b1")) as second:
        cluster = fetch_all([first, second])
    assert [balancer.name for balancer in cluster.balancers] == ["b1", "b2"]
    assert [(node.name, node.state) for node in cluster.nodes] == [("n1", "ready")]


def test_a_balancer_that_is_down_is_left_out() -> None:
    with _serve(_status("b1")) as url:
        cluster = fetch_all(["http://127.0.0.1:1", url])
    assert len(cluster.balancers) == 1


def test_where_nothing_answers_it_says_so() -> None:
    with pytest.raises(UnreachableError, match="no balancer answers at"):
        fetch_all(["http://127.0.0.1:1"])


def test_something_else_than_a_balancer_is_recognised() -> None:
    with _serve({"hello": "world"}) as url, pytest.raises(UnreachableError, match="not a Roost"):
        fetch(url)


@pytest.mark.parametrize("url", ["https://x", "http://", "http://host:port", "ftp://x:1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is not a valid address"):
        fetch(url)


def test_people_see_who_leads_and_why_a_node_is_not_ready(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    with _serve(_status("b1", state="isolated")) as url:
        cluster: Cluster = fetch(url)
    draw(cluster)
    shown = capsys.readouterr().out
    for word in ("roost-1", "isolated", "it has no trunk", "leader", "n2 0.2", "127.0.0.1:6667"):
        assert word in shown
    assert "b1: n9 refuses it: one [b] too many" in shown


def test_people_see_which_nodes_only_learn(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    status = _status("b1")
    nodes: Any = status["nodes"]
    status["nodes"] = [*nodes, {**nodes[0], "name": "n6", "leader": False, "votes": False}]
    status["version"] = 2
    with _serve(status) as url:
        draw(fetch(url))
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "Cluster roost-1, version 2"
    assert ["learns" in line for line in shown if line.strip().startswith("n")][1:] == [False, True]


def test_the_run_file_says_where_to_ask(tmp_path: Path) -> None:
    assert find_urls(tmp_path, "http://here:1") == ("http://here:1",)
    with pytest.raises(UnreachableError, match="no `roost up` is running on"):
        find_urls(tmp_path, None)
    run = {"pid": 1, "addresses": ["127.0.0.1:6667"], "urls": ["http://127.0.0.1:8080"]}
    (tmp_path / "run.json").write_text(json.dumps(run))
    assert find_urls(tmp_path, None) == ("http://127.0.0.1:8080",)
