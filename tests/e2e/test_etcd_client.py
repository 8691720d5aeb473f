"""The log speaks with a real etcd: by TLS, without space, and what only a real one can answer."""

import asyncio
from pathlib import Path

from roost.log import Snapshot
from roost.node.config import LogConfig
from roost.ops import clock
from roost.wire import Identity
from roost.wire.authority import ensure_authority, ensure_credentials
from support.etcd_process import SilentProxy, real_end, running_etcd

SMALL_BYTES = 4 * 1024 * 1024


def test_a_node_shows_etcd_its_certificate_and_is_refused_without_one(tmp_path: Path) -> None:
    now = clock.utc_now()
    authority = ensure_authority(tmp_path, "test", now=now)
    server, own = (
        ensure_credentials(authority, Identity("test", "node", name), tmp_path, now=now, hosts=())
        for name in ("etcd", "n1")
    )
    options = (
        *("--cert-file", str(server.certificate), "--key-file", str(server.key)),
        *("--trusted-ca-file", str(server.authority), "--client-cert-auth"),
    )

    async def talk(address: str) -> None:
        known = LogConfig(
            engine="etcd",
            endpoints=(address,),
            authority=own.authority,
            certificate=own.certificate,
            key=own.key,
        )
        async with real_end("n1", known) as end:
            await end.until(lambda: end.log.is_in_charge)
            end.propose(b"a", b"b")
            await end.until(lambda: len(end.committed) == 2)
            assert [entry.index for entry in end.committed] == [1, 2]
        unknown = LogConfig(engine="etcd", endpoints=(address,), authority=own.authority)
        async with real_end("n2", unknown) as end:
            await end.until(lambda: "(" in end.fault)
            assert end.fault.startswith("log-unavailable")

    with running_etcd(tmp_path / "data", "https", options) as address:
        asyncio.run(talk(address))


def test_etcd_without_space_says_so_and_snapshots_keep_it_small(tmp_path: Path) -> None:
    async def fill(address: str) -> None:
        config = LogConfig(engine="etcd", endpoints=(address,))
        async with real_end("n1", config) as end, real_end("n2", config, "other") as foreign:
            await end.until(lambda: end.log.is_in_charge)
            await foreign.until(lambda: foreign.fault.startswith("log-foreign"))
            count = 0
            for number in range(3):
                for _ in range(2):
                    end.propose(bytes([number]) * 100_000 + b"%d" % count)
                    count += 1
                    await end.until(lambda count=count: len(end.committed) == count)  # type: ignore[misc]
                last = end.committed[-1]
                state = bytes(300_000)
                end.log.compact(Snapshot(last.index, last.term, last.time_ms, state), 1)
                end.tick()
                await end.until(lambda number=number: end.log.stored_snapshots == number + 1)  # type: ignore[misc]
            async with real_end("n3", config) as late:
                await late.until(lambda: late.committed and late.log.last_index == count)
                assert late.committed[-1] == end.committed[-1]
                assert late.log.statistics().snapshots_installed == 1
            # Without snapshots there is no room for this.
            while not end.fault:
                end.propose(b"%d" % len(end.committed) * 100_000)
                await asyncio.sleep(0.02)
            assert end.fault.startswith("log-full")
            assert "etcdctl alarm disarm" in end.fault

    options = ("--quota-backend-bytes", str(SMALL_BYTES))
    with running_etcd(tmp_path / "data", "http", options) as address:
        asyncio.run(fill(address))


def test_many_batches_are_read_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    count = 500

    async def talk(address: str) -> None:
        config = LogConfig(engine="etcd", endpoints=(address,))
        async with real_end("n1", config) as one, real_end("n2", config) as two:
            await one.until(lambda: one.log.status().lack == "")
            await two.until(lambda: two.log.status().lack == "")
            for number in range(count):
                for end in (one, two):
                    end.propose(b"%d" % number)
                await asyncio.sleep(0)
            await one.until(lambda: len(one.committed) == 2 * count)
            await two.until(lambda: len(two.committed) == 2 * count)
            assert one.committed == two.committed
            async with real_end("n3", config) as late:
                await late.until(lambda: len(late.committed) == 2 * count)
                assert late.committed == one.committed

    with running_etcd(tmp_path / "data", "http", ()) as address:
        asyncio.run(talk(address))


def test_a_node_that_is_cut_off_from_etcd_confirms_nothing_and_then_catches_up(
    tmp_path: Path,
) -> None:
    async def cut(address: str) -> None:
        proxy = SilentProxy(address)
        async with proxy.listening() as detour:
            near = LogConfig(engine="etcd", endpoints=(address,))
            far = LogConfig(engine="etcd", endpoints=(detour,))
            async with real_end("n1", near) as one, real_end("n2", far) as two:
                await one.until(lambda: one.log.status().lack == "")
                await two.until(lambda: two.log.status().lack == "")
                proxy.go_silent()
                two.propose(b"from the one that is cut off")
                one.propose(b"from the other")
                await two.until(lambda: two.fault.startswith("log-unavailable"))
                await one.until(lambda: one.committed)
                assert not two.committed
                proxy.go_on()
                await two.until(lambda: len(two.committed) == 2 and not two.fault)
                await one.until(lambda: len(one.committed) == 2)
                assert one.committed == two.committed

    with running_etcd(tmp_path / "data", "http", ()) as address:
        asyncio.run(cut(address))
