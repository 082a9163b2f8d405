"""Conduct: behave so throughout; confirmed at the visits that the protocol names, else at every visit.

Only a fact violates: somebody was asked and it was not kept. It is at risk instead while every
day that the window's start counts from still lies ahead. Silence is no evidence of misbehaviour:
a visit that was performed without a confirmation puts the window at risk of never being judged,
until a confirmation reaches back over that visit; once the window is over it cannot be judged,
and names the confirmation that is missing.
"""

from __future__ import annotations

from collections.abc import Sequence

from participants.domain.fact_kinds import Confirmation, FactKind
from participants.domain.moments import day_of, first_instant
from participants.domain.performed import PerformedVisit
from schedules.domain.windows.judges.case import (
    Case,
    Feeds,
    WindowJudge,
    at_risk,
    at_risk_of_a_visit,
    by_time,
    cannot_judge,
    gap,
    proof,
    violated,
)
from schedules.domain.windows.verdicts import Evidence, Verdict, VerdictStatus
from trials.domain.protocols.protocol import Conduct, ProtocolWindow
from trials.domain.words import Code, Value, Words
from trials.domain.words import mark as _

_BROKEN = _("Not kept: %(of)s, recorded %(at)s.")
_UNCONFIRMED = _("%(visit)s was performed %(day)s without a confirmation of %(of)s.")
_CONFIRMED = _("%(of)s confirmed %(at)s.")
_CONFIRMED_AT = _("%(of)s confirmed %(at)s at %(visit)s.")


def judge_conduct(case: Case, terms: Conduct) -> Verdict:
    """Violated by a breach; at risk from a visit at which nobody confirmed it, unjudged at the end."""
    topics = {terms.of, case.window.rule.code}
    said = _in_order(
        case,
        [one for one in case.facts.confirmations if one.topic in topics and _concerns(case, terms, one)],
    )
    broken = next((one for one in said if not one.holds), None)
    if broken:
        return _breach(case, terms, broken)
    evidence = tuple(_evidence(case, terms, one) for one in said)
    if unanswered := _unanswered(case, terms, said):
        first = min(unanswered, key=lambda visit: first_instant(visit.at, case.zone))
        return _unconfirmed(case, terms, first, evidence)
    if case.over:
        return _finished(case, terms, said, evidence)
    return by_time(case, evidence)


def _unanswered(case: Case, terms: Conduct, said: Sequence[Confirmation]) -> list[PerformedVisit]:
    """The visits at which it had to be asked, and of which nothing that was said tells."""
    asked = [visit for visit in case.facts.performed if _asks(case, terms, visit)]
    return [visit for visit in asked if not any(_covers(case, one, visit) for one in said)]


def _breach(case: Case, terms: Conduct, broken: Confirmation) -> Verdict:
    evidence = proof(_BROKEN, broken, of=Code(terms.of), at=case.local(broken.at))
    ahead = case.anchor_ahead(case.window.rule.starts)
    if ahead:
        return at_risk(case, broken.at, ahead, evidence)
    if case.anchor_awaited(case.window.rule.starts):
        return at_risk_of_a_visit(case, broken.at, evidence)
    return violated(case, broken.at, evidence)


def _unconfirmed(
    case: Case, terms: Conduct, visit: PerformedVisit, evidence: tuple[Evidence, ...]
) -> Verdict:
    at = case.local(visit.at)
    values: dict[str, Value] = {"of": Code(terms.of), "visit": case.visit(visit.code), "day": at}
    missing = Words.of(_("a confirmation of %(of)s at %(visit)s, performed %(day)s"), values)
    if case.over_at is None:
        return cannot_judge(at, gap(first_instant(at, case.zone), missing), *evidence)
    if case.over:
        return cannot_judge(case.ends, gap(case.over_at, missing), *evidence)
    words = proof(_UNCONFIRMED, **values)
    return Verdict(
        VerdictStatus.AT_RISK, at, evidence=(words, *evidence), missing=(missing,), needed_by=case.over_at
    )


def _finished(
    case: Case, terms: Conduct, holding: list[Confirmation], evidence: tuple[Evidence, ...]
) -> Verdict:
    """Kept where it was confirmed at every visit named, or at all; else nobody can tell."""
    named = [code for code in terms.confirmed_at if not _named_done(case, holding, code)]
    if holding and not named:
        return by_time(case, evidence)
    words = [
        Words.of(
            _("a confirmation of %(of)s at %(visit)s"), {"of": Code(terms.of), "visit": case.visit(code)}
        )
        for code in named
    ]
    words = words or [Words.of(_("a confirmation of %(of)s"), {"of": Code(terms.of)})]
    return cannot_judge(case.ends, gap(case.over_at, *words), *evidence)


def _named_done(case: Case, holding: list[Confirmation], code: str) -> bool:
    performed = any(code in case.facts.names_of_visit(visit.code) for visit in case.facts.performed)
    at_visit = any(one.visit and code in case.facts.names_of_visit(one.visit) for one in holding)
    closing = case.ends is not None and any(
        one.visit is None and day_of(one.at, case.zone) >= day_of(case.ends, case.zone) for one in holding
    )
    return performed or at_visit or closing


def _concerns(case: Case, terms: Conduct, one: Confirmation) -> bool:
    """Whether something said belongs to this window: at a visit it names, or not before its first day.

    What is said to be so only since a day after the window's last says nothing of it.
    """
    if one.since and case.over_at is not None and case.ends and one.since > day_of(case.ends, case.zone):
        return False
    if one.visit is not None and not case.facts.names_of_visit(one.visit).isdisjoint(terms.confirmed_at):
        return True
    return case.starts is None or day_of(one.at, case.zone) >= day_of(case.starts, case.zone)


def _asks(case: Case, terms: Conduct, visit: PerformedVisit) -> bool:
    """Whether the conduct was to be confirmed at a visit that was performed."""
    if first_instant(visit.at, case.zone) > case.now:
        return False
    if terms.confirmed_at:
        return not case.facts.names_of_visit(visit.code).isdisjoint(terms.confirmed_at)
    return case.holds(visit.at) is not False


def _covers(case: Case, one: Confirmation, visit: PerformedVisit) -> bool:
    """Whether a confirmation was given at a visit, or later and reaching back over it."""
    if one.visit == visit.code:
        return True
    day = day_of(visit.at, case.zone)
    return day_of(one.at, case.zone) >= day and (one.since is None or one.since <= day)


def _evidence(case: Case, terms: Conduct, one: Confirmation) -> Evidence:
    if one.visit is None:
        return proof(_CONFIRMED, one, of=Code(terms.of), at=case.local(one.at))
    return proof(_CONFIRMED_AT, one, of=Code(terms.of), at=case.local(one.at), visit=case.visit(one.visit))


def _in_order(case: Case, said: list[Confirmation]) -> list[Confirmation]:
    return sorted(said, key=lambda one: first_instant(one.at, case.zone))


def _feeds(_window: ProtocolWindow, terms: Conduct) -> Feeds:
    yield FactKind.CONFIRMATION, terms.of


JUDGE = WindowJudge(Conduct, judge_conduct, _feeds)
