"""Forty made-up participants around a day: the same day always gives the same ones.

The days of their infusions are chosen by hand, so that on the given day every kind of news has
somebody: open windows, their last days, opening soon, in chemotherapy, long infused. Only what nobody
looks at closely (days of consent and screening, traits) is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

FESTIVAL = "festival"
"""Instead of a day since the infusion: day 28 falls on the next Spring Festival."""

LAST_SCREENING_DAY = 6
FIRST_SCREENING_DAY = 28
CHEMOTHERAPY = 5
DAY_28 = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class DemoSite:
    """A public hospital of the trials' records."""

    code: str
    name: str
    name_zh: str
    short_name: str
    short_name_zh: str


@dataclass(frozen=True, slots=True)
class Part:
    """A trial's participants at a site, each by the days since the infusion; before it they are negative."""

    trial: str
    site: str
    prefix: str
    days_since: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Player:
    """One made-up participant: when which anchor was or is to be, and what is true of them.

    Anchors and traits that the participant's protocol does not have are for the caller to leave
    out. Of the clinic visits after the infusion, `missed` numbers the one that nobody came to and
    `late` the one that was done after its window; there may be no visit of that number.
    """

    trial: str
    site: str
    subject_code: str
    planned: dict[str, date]
    actual: dict[str, date]
    traits: frozenset[str]
    comes_of_age_on: date | None
    missed: int
    late: int


SITES = (
    DemoSite(
        "SHENYANG-CMU",
        "First Affiliated Hospital of China Medical University",
        "中国医科大学附属第一医院",
        "Shenyang",
        "沈阳",
    ),
    DemoSite(
        "YANCHENG-3",
        "Yancheng Third People's Hospital",
        "盐城市第三人民医院",
        "Yancheng",
        "盐城",
    ),
    DemoSite(
        "CHENGDU-WTC",
        "The General Hospital of Western Theater Command",
        "中国人民解放军西部战区总医院",
        "Chengdu",
        "成都",
    ),
    DemoSite(
        "WUHAN-UNION",
        "Union Hospital, Tongji Medical College",
        "华中科技大学同济医学院附属协和医院",
        "Wuhan",
        "武汉",
    ),
    DemoSite(
        "NANJING-DRUM",
        "Affiliated Drum Tower Hospital",
        "南京鼓楼医院",
        "Nanjing",
        "南京",
    ),
    DemoSite(
        "HANGZHOU-CH",
        "The Children's Hospital of Zhejiang University School of Medicine",
        "浙江大学医学院附属儿童医院",
        "Hangzhou",
        "杭州",
    ),
)
PARTS = (
    Part("NCT07193667", "SHENYANG-CMU", "S01", (168, 15, -3)),
    Part("NCT07274059", "YANCHENG-3", "S01", (370, 270, 184, 97, 88, 45, 30, 25, 16, 14, 12)),
    Part("NCT07274059", "CHENGDU-WTC", "S02", (60, -7, -12, -30)),
    Part("NCT07339332", "WUHAN-UNION", "S01", (180, 100, 85, 29, 14, -4, -8, -20, -40)),
    Part("NCT07331467", "NANJING-DRUM", "S01", (175, 92, 87, 28, 5, -10, FESTIVAL)),
    Part("NCT07233642", "HANGZHOU-CH", "S01", (200, 95, 31, 13, -6, FESTIVAL)),
)
PEDIATRIC = "NCT07233642"


def cast(today: date, festival: date) -> tuple[Player, ...]:
    """All participants as they stand on this day; `festival` is the first day of the next Spring Festival."""
    draw = Random(f"dayzero {today.isoformat()}")  # noqa: S311 - nothing secret is drawn
    return tuple(
        _player(part, f"{part.prefix}-{number:03}", _infusion(since, today, festival), today, draw)
        for part in PARTS
        for number, since in enumerate(part.days_since, start=1)
    )


def _infusion(since: int | str, today: date, festival: date) -> date:
    return festival - DAY_28 if isinstance(since, str) else today - timedelta(days=since)


def _player(part: Part, code: str, infusion: date, today: date, draw: Random) -> Player:
    anchors = _anchors(infusion, draw)
    traits = frozenset(
        trait for trait in ("childbearing_potential", "lymphodepletion") if draw.random() < 1 / 2
    )
    minor = part.trial == PEDIATRIC and draw.random() < 2 / 3
    of_age = infusion + timedelta(days=draw.randrange(200, 900)) if minor else None
    # Who is in screening has not been screened yet, or nobody would have to look at the window.
    actual = {name: day for name, day in anchors.items() if day <= today and _is_past(name, infusion, today)}
    planned = {"infusion": infusion} | {
        name: day for name, day in anchors.items() if name == "consent" and name not in actual
    }
    return Player(
        trial=part.trial,
        site=part.site,
        subject_code=code,
        planned=planned,
        actual=actual,
        traits=traits | {"minor"} if minor else traits,
        comes_of_age_on=of_age,
        missed=draw.randrange(12),
        late=draw.randrange(12),
    )


def _anchors(infusion: date, draw: Random) -> dict[str, date]:
    """The day of every anchor, in the order that all protocols ask for."""
    first = infusion - timedelta(days=FIRST_SCREENING_DAY)
    return {
        "consent": first - timedelta(days=draw.randrange(1, 9)),
        "screening": first + timedelta(days=draw.randrange(2, 15)),
        "enrolment": infusion - timedelta(days=LAST_SCREENING_DAY),
        "lymphodepletion-start": infusion - timedelta(days=CHEMOTHERAPY),
        "collection": infusion,
        "infusion": infusion,
    }


def _is_past(name: str, infusion: date, today: date) -> bool:
    return name == "consent" or today >= infusion - timedelta(days=CHEMOTHERAPY)
