"""No frame for a balancer is above the limit, whatever a turn has made."""

from roost.ircd.sessions.outbox import item_size
from roost.node.engine.outputs import ITEM_BYTES_MAX, OUTPUT_BYTES_MAX, cut_output
from roost.protocol.trunk import (
    Close,
    Deliver,
    DeliverTo,
    Item,
    Join,
    Leave,
    Output,
    Refuse,
    Reply,
    Serving,
    encode,
)

LINE = b":somebody!user@host JOIN #room\r\n"
MANY = tuple(range(1 << 50, (1 << 50) + 200_000))


def cut(items: list[Item]) -> list[Output]:
    return list(cut_output(7, items, sum(map(item_size, items))))


def test_few_items_are_one_frame() -> None:
    items: list[Item] = [Deliver(1, 0, LINE)]
    assert cut(items) == [Output(7, tuple(items))]


def test_many_items_keep_their_order_and_only_the_last_frame_has_the_position() -> None:
    items: list[Item] = [Reply(number, 1, 1, 0, True, LINE * 1000) for number in range(300)]
    frames = cut(items)
    assert len(frames) > 5
    assert [item for frame in frames for item in frame.items] == items
    assert [frame.position for frame in frames] == [0] * (len(frames) - 1) + [7]
    assert [frame.is_last for frame in frames] == [False] * (len(frames) - 1) + [True]


def test_no_frame_is_long_even_if_an_item_is() -> None:
    items: list[Item] = [
        Deliver(1, 9, LINE * 100_000),
        DeliverTo(MANY, LINE * 50_000),
        Join(2, MANY),
        Leave(2, MANY),
    ]
    frames = cut(items)
    assert max(len(encode(frame)) for frame in frames) <= OUTPUT_BYTES_MAX + ITEM_BYTES_MAX
    delivered = [one for frame in frames for one in frame.items if isinstance(one, Deliver)]
    assert b"".join(one.payload for one in delivered) == LINE * 100_000
    assert all(one.payload.endswith(b"\r\n") for one in delivered)
    joined = [one for frame in frames for one in frame.items if isinstance(one, Join)]
    assert tuple(number for one in joined for number in one.sessions) == MANY
    shown: dict[int, int] = {}
    for frame in frames:
        for one in frame.items:
            if isinstance(one, DeliverTo):
                for number in one.sessions:
                    shown[number] = shown.get(number, 0) + len(one.payload)
    assert shown == dict.fromkeys(MANY, len(LINE) * 50_000)


def test_no_item_is_longer_in_a_frame_than_its_size() -> None:
    big = 1 << 62
    items: list[Item] = [
        Deliver(big, big, LINE),
        DeliverTo(MANY[:100], LINE),
        Join(big, MANY[:100]),
        Leave(big, MANY[:100]),
        Reply(big, big, big, big, True, LINE),
        Close(big, big, LINE),
        Refuse(big, big, "the client was served too long ago"),
        Serving(big, big),
    ]
    empty = len(encode(Output(7, ())))
    for item in items:
        assert len(encode(Output(7, (item,)))) - empty <= item_size(item), item
