"""Event after: do something once a day has come, such as consent again on coming of age.

Decided here, as no record says it: from that day on it is due. A visit performed without it
puts it at risk; the next visit performed without it violates, and so does the window's end
where it has one, though it is done later. A visit on the very day of the event is covered by it.
"""

from __future__ import annotations

from datetime import datetime

from participants.domain.fact_kinds import Event, FactKind
from participants.domain.moments import at_or_after, at_or_before, day_of, first_after, first_instant
from participants.domain.performed import PerformedVisit
from schedules.domain.windows.judges.case import (
    Case,
    Feeds,
    WindowJudge,
    at_risk,
    awaited,
    by_time,
    gap,
    proof,
    violated,
)
from schedules.domain.windows.verdicts import Evidence, Verdict, VerdictStatus
from trials.domain.protocols.protocol import EventAfter, ProtocolWindow
from trials.domain.words import Code, Words
from trials.domain.words import mark as _

_DONE = _("%(event)s on %(day)s.")
_WITHOUT = _("%(visit)s was performed %(day)s without %(event)s, due since %(due)s.")
_NEVER = _("%(event)s was due from %(due)s to %(ends)s.")


def judge_event_after(case: Case, terms: EventAfter) -> Verdict:
    """Kept by the event from its day on; at risk by the first visit without it, violated by the next."""
    if case.starts is None:
        return awaited(
            case, gap(None, Words.of(_("the day from which %(event)s is due"), {"event": Code(terms.event)}))
        )
    done = _done(case, terms)
    without = _without(case, done)
    if len(without) > 1:
        return violated(case, without[1].at, *(_proof(case, terms, visit) for visit in without[:2]))
    day = case.local(done.at) if done else None
    said = (proof(_DONE, done, event=Code(terms.event), day=day),) if day else ()
    if case.over and case.ends is not None and not _in_time(case, done):
        ends, due = case.local(case.ends), case.local(case.starts)
        late = proof(_NEVER, event=Code(terms.event), due=due, ends=ends)
        return violated(case, case.ends, late, *said)
    if day:
        return Verdict(VerdictStatus.KEPT, day, evidence=said)
    if without:
        return _risk(case, terms, without[0])
    words = Words.of(
        _("%(event)s, due from %(due)s"), {"event": Code(terms.event), "due": case.local(case.starts)}
    )
    return by_time(case, missing=gap(_next_visit(case), words))


def _risk(case: Case, terms: EventAfter, visit: PerformedVisit) -> Verdict:
    evidence = _proof(case, terms, visit)
    becomes = min((at for at in (_next_visit(case), case.over_at) if at), default=None)
    if becomes is None:
        since = case.local(visit.at)
        return Verdict(VerdictStatus.AT_RISK, since, evidence=(evidence,))
    return at_risk(case, visit.at, becomes, evidence)


def _done(case: Case, terms: EventAfter) -> Event | None:
    """The first such event that counts: on or after the day from which it is due."""
    events = [
        fact
        for fact in case.facts.occurrences
        if isinstance(fact, Event)
        and fact.code == terms.event
        and case.starts is not None
        and at_or_after(fact.at, case.starts, case.zone) is not False
    ]
    return min(events, key=lambda event: first_instant(event.at, case.zone), default=None)


def _in_time(case: Case, done: Event | None) -> bool:
    """Whether the event was not after the window's end; where only an hour would tell it counts."""
    return done is not None and (
        case.ends is None or at_or_before(done.at, case.ends, case.zone) is not False
    )


def _without(case: Case, done: Event | None) -> list[PerformedVisit]:
    """The visits performed from the due day on, before the day of the event, in order."""
    visits = [
        visit
        for visit in case.facts.performed
        if case.starts is not None
        and at_or_after(visit.at, case.starts, case.zone) is True
        and first_instant(visit.at, case.zone) <= case.now
        and (done is None or day_of(visit.at, case.zone) < day_of(done.at, case.zone))
    ]
    return sorted(visits, key=lambda visit: first_instant(visit.at, case.zone))


def _next_visit(case: Case) -> datetime | None:
    """The end of the day of the next visit expected from the due day on (UTC)."""
    days = [
        day
        for day in case.facts.expected.values()
        if case.starts is not None and day >= max(day_of(case.starts, case.zone), case.today)
    ]
    return first_after(min(days), case.zone) if days else None


def _proof(case: Case, terms: EventAfter, visit: PerformedVisit) -> Evidence:
    return proof(
        _WITHOUT,
        visit=case.visit(visit.code),
        day=case.local(visit.at),
        event=Code(terms.event),
        due=case.local(case.starts if case.starts is not None else case.today),
    )


def _feeds(_window: ProtocolWindow, terms: EventAfter) -> Feeds:
    yield FactKind.EVENT, terms.event


JUDGE = WindowJudge(EventAfter, judge_event_after, _feeds)
