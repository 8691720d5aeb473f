"""Web push reaches devices and nobody else; the push service is a real one on this machine."""

import asyncio
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs

from roost.ircd.commands.webpush import is_public_address, why_not_endpoint
from roost.ircd.push_config import PushConfig
from roost.ircd.push_keys import decode, encode, is_point, private_key, public_key
from roost.ircd.sessions.work import Outcome, Pushed, SendPush, WorkFailed
from roost.node import pushing
from roost.node.pushing import Pusher, encrypt
from support.loops import run, wait_until
from support.push_service import Device, check_sender, push_service

NOW_MS = 1_700_000_000_000
CONFIG = PushConfig(contact="mailto:admin@example.org", internal_hosts=("localhost",))
LINE = b":alice!a@h PRIVMSG bob :hello"
SECRET = bytes(range(32))


def work(endpoint: str, device: Device, payload: bytes = LINE) -> SendPush:
    key = private_key(SECRET)
    return SendPush(endpoint, device.point, device.secret, payload, key, CONFIG.contact, NOW_MS)


def test_a_message_is_encrypted_as_in_the_appendix_of_rfc_8291() -> None:
    sender = ec.derive_private_key(
        int.from_bytes(decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1()
    )
    receiver = decode(
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    )
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        receiver,
        decode("BTBZMqHH6r4Tts7J_aSIgg"),
        salt=decode("DGv6ra1nlYgDCS1FRnbzlw"),
        sender=sender,
    )
    assert encode(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS"
        "6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4"
        "a-fN"
    )


def test_the_largest_message_fits_and_every_one_has_a_key_of_its_own() -> None:
    device = Device()
    first, second = (encrypt(b"x" * 3993, device.point, device.secret) for _ in range(2))
    assert len(first) == 4096
    assert first[:86] != second[:86]
    assert device.decrypt(first) == b"x" * 3993


def test_the_clusters_key_is_the_same_on_all_nodes_and_another_in_another_cluster() -> None:
    assert is_point(decode(public_key(SECRET)))
    assert public_key(SECRET) == encode(decode(public_key(SECRET)))
    assert public_key(SECRET) != public_key(SECRET[::-1])


async def sent(tmp_path: Path, statuses: list[int]) -> tuple[list[Outcome], list[bytes], list[str]]:
    """Push a message to a service that answers with these statuses."""
    got: list[Outcome] = []
    bodies: list[bytes] = []
    headers: list[dict[str, str]] = []
    device = Device()
    async with push_service(tmp_path, statuses, bodies, headers) as (origin, trust):
        deliver = asyncio.get_running_loop().call_soon_threadsafe
        pusher = Pusher(CONFIG, deliver, trust=trust, pauses_s=(0.0, 0.0))
        pusher.submit(work(f"{origin}/device", device), got.append)
        await wait_until(lambda: got)
        await asyncio.to_thread(pusher.close)
        who = [check_sender(head["Authorization"], origin, NOW_MS / 1000) for head in headers]
    assert all(head["Urgency"] == "high" and head["TTL"] == "86400" for head in headers)
    assert all(key == public_key(SECRET) for key, _ in who)
    assert all(claims["sub"] == CONFIG.contact for _, claims in who)
    return got, [device.decrypt(body) for body in bodies], [head["Host"] for head in headers]


@pytest.mark.parametrize(
    ("statuses", "outcome", "count"),
    [
        ([201], Pushed(is_gone=False), 1),
        ([404], Pushed(is_gone=True), 1),
        ([410], Pushed(is_gone=True), 1),
        ([503, 429, 201], Pushed(is_gone=False), 3),
        ([500], WorkFailed("the push service answered with status 500"), 3),
        ([403], WorkFailed("the push service answered with status 403"), 1),
        ([307], WorkFailed("the push service answered with status 307"), 1),
    ],
)
def test_a_service_is_asked_again_only_as_often_as_is_sensible(
    tmp_path: Path, statuses: list[int], outcome: Outcome, count: int
) -> None:
    got, plain, _ = run(sent(tmp_path, statuses))
    assert got == [outcome]
    assert plain == [LINE] * count


def test_messages_for_one_device_keep_their_order_and_the_oldest_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "QUEUED_MAX", 2)

    async def scenario() -> tuple[list[Outcome], list[bytes]]:
        got: list[Outcome] = []
        bodies: list[bytes] = []
        device = Device()
        async with push_service(tmp_path, [201], bodies, []) as (origin, trust):
            deliver = asyncio.get_running_loop().call_soon_threadsafe
            pusher = Pusher(CONFIG, deliver, trust=trust)
            for number in range(6):
                payload = b"%d" % number
                pusher.submit(work(f"{origin}/device", device, payload), got.append)
            await wait_until(lambda: len(got) == 6)
            await asyncio.to_thread(pusher.close)
        return got, [device.decrypt(body) for body in bodies]

    got, plain = run(scenario())
    assert plain == sorted(plain)
    assert plain[-1] == b"5"
    assert got.count(Pushed(is_gone=False)) == len(plain)
    assert got.count(WorkFailed("The push service does not take messages")) == 6 - len(plain)


def outcome_for(endpoint: str, config: PushConfig) -> Outcome:
    async def scenario() -> list[Outcome]:
        got: list[Outcome] = []
        deliver = asyncio.get_running_loop().call_soon_threadsafe
        pusher = Pusher(config, deliver, pauses_s=())
        pusher.submit(work(endpoint, Device()), got.append)
        await wait_until(lambda: got)
        await asyncio.to_thread(pusher.close)
        return got

    (outcome,) = run(scenario())
    return outcome


def test_nobody_makes_a_node_knock_at_doors_of_its_own_network(tmp_path: Path) -> None:
    closed = PushConfig(contact="mailto:a@example.org")
    knocked: list[bytes] = []

    async def scenario() -> Outcome:
        async with push_service(tmp_path, [201], knocked, []) as (origin, _):
            return await asyncio.to_thread(outcome_for, f"{origin}/x", closed)

    with capture_logs() as logs:
        # The name is resolved, and its address is found to be this machine's.
        assert run(scenario()) == WorkFailed("the push service could not be reached")
        reason = WorkFailed("The endpoint must have a public address")
        assert outcome_for("https://127.0.0.1/secret", closed) == reason
    assert not knocked
    assert "secret" not in repr(logs)


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_only_addresses_of_the_internet_are_public(address: str, *, is_public: bool) -> None:
    assert is_public_address(address) is is_public


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example/x",
        "https://",
        "https:///x",
        "https://user@push.example/x",
        "https://push.example:99999/x",
        "https://[::1",
        "https://10.0.0.1/x",
        "https://[fd00::1]/x",
        "ftp://push.example",
        "https://push.exa\u0308mple/",
    ],
)
def test_other_endpoints_are_refused(endpoint: str) -> None:
    assert why_not_endpoint(CONFIG, endpoint)


def test_endpoints_of_push_services_and_of_configured_hosts_are_fine() -> None:
    for endpoint in ("https://push.example/x?y=z", "https://localhost:8443/x"):
        assert why_not_endpoint(CONFIG, endpoint) == ""


@pytest.mark.parametrize(
    "values",
    [
        {"contact": "admin@example.org"},
        {"contact": "mailto:\u00e4@example.org"},
        {"contact": "mailto:a@b", "internal_hosts": ("Push",)},
        {"contact": "mailto:a@b", "internal_hosts": ("push:8443",)},
    ],
)
def test_wrong_settings_are_named(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="push"):
        PushConfig(**values)  # type: ignore[arg-type]
