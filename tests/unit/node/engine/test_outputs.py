"""No frame for a balancer is above the limit, whatever a turn has made."""

from roost.ircd.sessions.outbox import item_size
from roost.ircd.sessions.server_output import ServerOutput
from roost.node.engine.outputs import ITEM_BYTES_MAX, OUTPUT_BYTES_MAX, Outputs, cut_output
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


def test_an_output_that_goes_on_for_several_turns_is_whole_with_the_last_one() -> None:
    trunks = ["b1", "b2", "b3"]
    outputs = Outputs(6, trunks.__contains__)
    one, two = DeliverTo((1,), b"one"), DeliverTo((2,), b"two")
    begun = ServerOutput(items={"b1": [one], "b2": [two], "b3": [two]}, is_whole=False)
    assert list(outputs.cut(7, begun)) == [
        ("b1", Output(0, (one,), is_last=False)),
        ("b2", Output(0, (two,), is_last=False)),
        ("b3", Output(0, (two,), is_last=False)),
    ]
    assert outputs.shown == 6, "nobody has been shown all of entry 7"
    trunks.remove("b3")
    ended = list(outputs.cut(7, ServerOutput(items={"b1": [two]})))
    assert ended == [("b1", Output(7, (two,))), ("b2", Output(7, ()))]
    assert outputs.shown == 7
    assert list(outputs.cut(8, ServerOutput())) == []
