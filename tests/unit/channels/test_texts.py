"""What one message holds: no sentence is ever cut, and too many make a digest."""

from __future__ import annotations

import random

from trials.domain.channels.kinds import KINDS, ChannelKind
from trials.domain.channels.texts import Message, packed

WECOM = KINDS[ChannelKind.WECOM]


def more(left: int) -> str:
    return f"… and {left} more: https://dayzero.example/"


def messages(count: int, lines: int = 2, width: int = 20) -> list[Message]:
    return [
        Message(
            f"k{number}", f"标题{number}", tuple(f"{number}.{line} " + "字" * width for line in range(lines))
        )
        for number in range(count)
    ]


def pack(found: list[Message], most: int = 20, keyword: str = "", limit: int = WECOM.limit):
    return packed(found, limit=limit, length=WECOM.length, more=more, most=most, keyword=keyword)


def test_each_has_a_text_of_its_own_while_that_is_allowed():
    packets = pack(messages(20))
    assert [packet.keys for packet in packets] == [(f"k{number}",) for number in range(20)]


def test_beyond_the_minute_s_number_the_rest_is_one_digest_that_names_each():
    packets = pack(messages(50), most=20)
    assert len(packets) == 20
    assert packets[-1].keys == tuple(f"k{number}" for number in range(19, 50))
    assert packets[-1].text.splitlines() == [f"标题{number}" for number in range(19, 50)]


def test_one_alone_is_a_digest_of_all():
    (packet,) = pack(messages(5), most=1)
    assert len(packet.keys) == 5


def test_no_line_is_ever_cut_and_no_text_is_longer_than_the_limit():
    chance = random.Random(17)
    for _ in range(300):
        found = messages(chance.randint(1, 60), chance.randint(0, 6), chance.randint(0, 400))
        said = {line for one in found for line in (one.title, *one.lines)}
        packets = pack(found, chance.randint(1, 20), chance.choice(["", "Dayzero"]))
        assert [key for packet in packets for key in packet.keys] == [one.key for one in found]
        for packet in packets:
            assert WECOM.length(packet.text) <= WECOM.limit
            for line in packet.text.splitlines():
                assert line in said or line.startswith("… and ") or line == "Dayzero"


def test_the_keyword_that_a_receiver_asks_for_stands_in_every_text():
    assert pack(messages(2), keyword="Dayzero")[0].text.startswith("Dayzero\n")
    assert pack(messages(1), keyword="标题")[0].text.startswith("标题0")


def test_nothing_makes_nothing():
    assert pack([]) == []
    assert pack(messages(2), most=0) == []
