"""A reason that was kept in English is said in the language of its reader."""

import pytest

from trials.domain.sites.closed_days import PARTICIPANT_AWAY, closed_words

CHINESE = {
    "closed": "停诊",
    "closed (%(reason)s)": "停诊（%(reason)s）",
    "public holiday (%(name)s)": "法定节假日（%(name)s）",
    "National Day": "国庆节",
    "Saturday": "周六",
    "Thursday": "周四",
    "%(weekday)s, worked as %(other)s, not a clinic day": "%(weekday)s按%(other)s出诊安排，当天不出诊",
    "%(weekday)s, not a clinic day": "%(weekday)s不出诊",
    PARTICIPANT_AWAY: "受试者不能来院",
}


def say(text: str) -> str:
    return CHINESE.get(text, text)


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("closed", "停诊"),
        ("closed (stocktaking)", "停诊（stocktaking）"),
        ("closed (a hall (the old one))", "停诊（a hall (the old one)）"),
        ("closed (100% of the st", "停诊（100% of the st）"),
        ("closed (the participant is away)", "受试者不能来院"),
        ("the participant is away", "受试者不能来院"),
        ("public holiday (National Day)", "法定节假日（国庆节）"),
        ("public holiday (50% Day)", "法定节假日（50% Day）"),
        ("Saturday", "周六"),
        ("Saturday, not a clinic day", "周六不出诊"),
        ("Saturday, worked as Thursday, not a clinic day", "周六按周四出诊安排，当天不出诊"),
        ("the lift is broken", "the lift is broken"),
        ("", ""),
    ],
)
def test_a_reason_is_said_in_the_readers_language(kept: str, said: str) -> None:
    assert closed_words(kept).text(say) == said
