"""A sample or examination, and its result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from participants.domain.fact_kinds.declaration import (
    FactDeclaration,
    FactKind,
    Input,
    InputKind,
    Kept,
    Span,
    moment,
    of,
    problem,
)
from participants.domain.moments import Point, day_of, first_instant
from trials.domain.refusals import Refusal
from trials.domain.words import Code, Words, listed
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class TestResult:
    """A sample or examination by its code, when it was taken, and its result once that is known.

    `visit` is the code of the visit with which it was put on record, if it was one.
    """

    test: str
    taken_at: Point
    resulted_at: Point | None = None
    result: str | None = None
    ref: str = ""
    visit: str | None = None

    @property
    def code(self) -> str:
        """The code by which protocols name the test."""
        return self.test


def _contradicts(fact: TestResult, zone: ZoneInfo) -> Iterator[Refusal]:
    """Find a result before its sample; by the day, where one of them has no hour."""
    if fact.resulted_at is None:
        return
    both = isinstance(fact.resulted_at, datetime) and isinstance(fact.taken_at, datetime)
    early = (
        first_instant(fact.resulted_at, zone) < first_instant(fact.taken_at, zone)
        if both
        else day_of(fact.resulted_at, zone) < day_of(fact.taken_at, zone)
    )
    if early:
        yield problem(
            "result-before-sample",
            "resulted_at",
            _("the result of %(resulted)s is before its sample of %(taken)s"),
            resulted=fact.resulted_at,
            taken=fact.taken_at,
        )


TEST = FactDeclaration(
    kind=FactKind.TEST,
    value=TestResult,
    label=_("Test"),
    sorted_into="tests",
    span=Span("taken_at", "resulted_at"),
    of="test",
    kept=(Kept("result"), Kept("visit")),
    inputs=(
        of(_("Test"), "test"),
        moment("taken_at", _("Sample taken on")),
        Input(
            "resulted_at",
            InputKind.POINT,
            _("Result of"),
            required=False,
            hour_label=_("Hour of the result"),
        ),
        Input("result", InputKind.RESULT, _("Result"), required=False, longest=120),
    ),
    happened=("taken_at", "resulted_at"),
    named=("test",),
    contradicts=_contradicts,
    says=lambda fact: Words.of(_("no result yet")) if fact.result is None else listed([Code(fact.result)]),
)
