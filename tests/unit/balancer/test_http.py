"""What a balancer shows over HTTP."""

import asyncio
import json
from pathlib import Path

from roost.protocol.trunk import Pong, refusal
from support.credentials import issue
from support.loops import run, wait_until
from support.tls_files import self_signed
from unit.balancer.fakes import status
from unit.balancer.running import run_balancer


async def _get(address: str, path: str) -> tuple[int, bytes]:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(5):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split()[1]), body


def test_http_shows_the_state_of_the_cluster(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with run_balancer(tmp_path) as here:
            address = here.addresses.http_address
            assert await _get(address, "/healthz") == (200, b"ok\n")
            assert await _get(address, "/readyz") == (
                503,
                b"0 of 0 nodes are ready, 0 sessions, 0 of them wait\n",
            )
            node = await here.node("n1")
            node.say(refusal("a later run began"))
            await wait_until(lambda: here.node_state("n1") == "refused")
            status_code, body = await _get(address, "/readyz")
            assert status_code == 503
            assert body.splitlines()[1:] == [b"n1 refuses it: a later run began"]
            _, body = await _get(address, "/status.json")
            problems = json.loads(body)["balancers"][0]["problems"]
            assert problems == ["n1 refuses it: a later run began"]
            node.say(status())
            await wait_until(lambda: here.node_state("n1") == "ready")
            await here.registered(node)
            await here.node("n2", is_ready=False)
            status_code, body = await _get(address, "/status.json")
            assert status_code == 200
            shown = json.loads(body)
            assert shown["cluster"] == "test"
            (balancer,) = shown["balancers"]
            assert (balancer["name"], balancer["sessions"], balancer["waiting"]) == ("b1", 1, 0)
            assert balancer["address"] == here.addresses.address
            n1, n2 = shown["nodes"]
            assert n1 == {
                "name": "n1",
                "pid": 4001,
                "state": "ready",
                "reason": "",
                "leader": True,
                "votes": True,
                "position": 10,
                "applied": 9,
                "sessions": 1,
                "served": 0,
                "neighbours": [{"name": "n9", "rtt_ms": 0.5}],
                "lag_ms": 0.0,
                "deliveries": 0.0,
            }
            assert (n2["state"], n2["leader"], n2["neighbours"]) == ("starting", False, [])
            assert (await _get(address, "/readyz"))[0] == 200
            _, metrics = await _get(address, "/metrics")
            assert b"\nroost_balancer_sessions 1.0\n" in metrics
            assert b'\nroost_balancer_node_ready{node="n1"} 1.0\n' in metrics
            assert b"\nroost_balancer_lines_total 1.0\n" in metrics
            assert b'\nroost_balancer_event_loop_stop_seconds{since="start"} ' in metrics
            code, page = await _get(address, "/")
            assert code == 200
            assert b"status.json" in page

    run(scenario())


def test_certificates_that_end_soon_are_shown(tmp_path: Path) -> None:
    async def scenario() -> None:
        issue(tmp_path, "b1", "balancer", days=20)
        async with run_balancer(tmp_path, tls=self_signed(tmp_path, "tls", days=10)) as here:
            address = here.addresses.http_address
            node = await here.node("n1")
            node.say(Pong(1, 5))
            await wait_until(lambda: len(here.balancer.statistics().problems) == 3)
            assert here.balancer.statistics().problems == (
                "n1's certificate expires in 5 days",
                "its cluster certificate expires in 19 days",
                "its clients certificate expires in 9 days",
            )
            _, metrics = await _get(address, "/metrics")
            for kind, days in (("cluster", 19), ("clients", 9)):
                line = f'roost_balancer_certificate_days{{certificate="{kind}"}} {days}.0'
                assert line.encode() in metrics
            # It is a warning: the balancer serves.
            assert (await _get(address, "/readyz"))[0] == 200

    run(scenario())
