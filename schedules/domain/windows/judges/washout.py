"""Washout: none of these since so long before an anchor.

While every anchor that its start counts from lies ahead, moving the anchor still mends what
was taken: at risk, not violated. Silence proves nothing: each substance wants something on
record from before the window, or a confirmation that covers it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from participants.domain.fact_kinds import Dose, FactKind, Occurrence
from participants.domain.moments import at_or_before, day_of, first_instant
from schedules.domain.windows.judges.case import (
    Case,
    Feeds,
    Gap,
    WindowJudge,
    at_risk,
    at_risk_of_a_visit,
    awaited,
    by_time,
    gap,
    proof,
    violated,
)
from schedules.domain.windows.judges.confirmed import confirmed_to
from schedules.domain.windows.judges.washed_out import begins, drugs_of, inside, kind_for
from schedules.domain.windows.verdicts import Evidence, Verdict
from trials.domain.protocols.protocol import ProtocolWindow, Washout
from trials.domain.words import Code, Value, Words
from trials.domain.words import mark as _

_INSIDE = _("%(code)s on %(day)s lies inside the window.")
_LASTING = _("%(code)s from %(day)s lasts into the window.")
_BEFORE = _("The last %(code)s on record, %(day)s, was before the window.")
_NONE = _("Confirmed: no %(code)s, up to %(day)s.")


def judge_washout(case: Case, terms: Washout) -> Verdict:
    """Violated by anything inside; not to be judged while something decisive is not on record."""
    watched = {*terms.of, *drugs_of(case.window.rule.starts)}
    judged = [(fact, inside(case, fact)) for fact in case.facts.occurrences if fact.code in watched]
    within_it = [fact for fact, within in judged if within is True]
    hits = [fact for fact in within_it if not _hangs_on_an_hour(case, fact)]
    if hits:
        return _hit(case, min(hits, key=lambda fact: first_instant(fact.first, case.zone)))
    unsure = [_undecided(case, fact) for fact, within in judged if within is None]
    if within_it and case.window.other:  # all of them hang on the hour of what it leads up to
        unsure.append(case.window.other.hour)
    unsure += _lasting(case, judged)
    if unsure:
        return awaited(case, gap(case.due_at, *unsure))
    return _nothing_inside(case, terms, [fact for fact, within in judged if _before(case, fact)])


def _hangs_on_an_hour(case: Case, fact: Occurrence) -> bool:
    """Whether an hour that is not known decides whether something lies inside, of what has taken place.

    Before that the window is taken at its longest, as moving the day still mends it.
    """
    if case.other is None or case.anchor_ahead(case.window.rule.starts):
        return False
    return inside(case.other, fact) is not True


def _hit(case: Case, fact: Occurrence) -> Verdict:
    template = _INSIDE if fact.last == fact.first else _LASTING
    first = case.local(fact.first)
    evidence = proof(template, fact, code=_called(case.window.rule, fact), day=first)
    ahead = case.anchor_ahead(case.window.rule.starts)
    if ahead:
        return at_risk(case, first, ahead, evidence)
    if case.anchor_awaited(case.window.rule.starts):
        return at_risk_of_a_visit(case, first, evidence)
    return violated(case, first, evidence)


def _undecided(case: Case, fact: Occurrence) -> Words:
    """What would tell whether this lies inside: its half-life, or its hour."""
    values: dict[str, Value] = {"code": _called(case.window.rule, fact), "day": case.local(fact.first)}
    if drugs_of(case.window.rule.starts) and begins(case, fact) is None:
        return Words.of(_("the half-life of %(code)s taken %(day)s"), values)
    return Words.of(_("the hour of %(code)s on %(day)s"), values)


def _lasting(case: Case, judged: Iterable[tuple[Occurrence, bool | None]]) -> Iterator[Words]:
    """The end of each that lasts, and would lie inside once the window opens."""
    return (_end_of(case, fact) for fact, _within in judged if fact.last is None and not case.over)


def _end_of(case: Case, fact: Occurrence) -> Words:
    values: dict[str, Value] = {"code": _called(case.window.rule, fact), "day": case.local(fact.first)}
    return Words.of(_("the end of %(code)s, which lasts since %(day)s"), values)


def _nothing_inside(case: Case, terms: Washout, before: Sequence[Occurrence]) -> Verdict:
    """Kept where each substance is accounted for: by something before the window, or by a confirmation."""
    evidence: list[Evidence] = []
    silent: list[Words] = []
    drugs = drugs_of(case.window.rule.starts)
    for code in terms.of:
        known = _accounted(case, code, [fact for fact in before if fact.code in {code, *drugs}])
        if known:
            evidence.append(known)
        else:
            silent.append(Words.of(_("a confirmation that there was no %(code)s"), {"code": Code(code)}))
    if silent:
        asked = Gap(tuple(silent), case.due_at, answers_from=case.due_at)  # sooner, its end is not covered
        return awaited(case, asked, *evidence)
    return by_time(case, tuple(evidence))


def _accounted(case: Case, code: str, before: Sequence[Occurrence]) -> Evidence | None:
    ends = [(fact.last, fact) for fact in before if fact.last is not None]
    if ends:
        end, last = max(ends, key=lambda pair: first_instant(pair[0], case.zone))
        return proof(_BEFORE, last, code=_called(case.window.rule, last), day=case.local(end))
    reached = confirmed_to(case, (code, case.window.rule.code))
    if reached is None:
        return None
    confirmation, until = reached
    if case.over and case.ends is not None and until < day_of(case.ends, case.zone):
        return None
    return proof(_NONE, confirmation, code=Code(code), day=until)


def _before(case: Case, fact: Occurrence) -> bool:
    """Whether something on record was over before the window, rather than after it."""
    start = begins(case, fact)
    limit = case.ends if start is None else start
    if fact.last is None:
        return False
    return limit is None or at_or_before(fact.last, limit, case.zone) is True


def _called(window: ProtocolWindow, fact: Occurrence) -> Value:
    code = Code(code_in(window, fact.code))
    if isinstance(fact, Dose) and fact.name:
        return Words.of(_("%(code)s (%(name)s)"), {"code": code, "name": fact.name})
    return code


def code_in(window: ProtocolWindow, code: str) -> str:
    """Return the code as the window names it, with the label that its document gives it."""
    of = window.terms.of if isinstance(window.terms, Washout) else ()
    return next((own for own in (*of, *drugs_of(window.starts)) if own == code), code)


def _feeds(window: ProtocolWindow, terms: Washout) -> Feeds:
    for code in dict.fromkeys((*terms.of, *sorted(drugs_of(window.starts)))):
        yield kind_for(code), code
    yield from ((FactKind.CONFIRMATION, code) for code in terms.of)


JUDGE = WindowJudge(Washout, judge_washout, _feeds)
