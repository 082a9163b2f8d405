"""Freshness: a result of a test whose sample was taken inside the window; the latest sample decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from participants.domain.fact_kinds import FactKind, TestResult
from participants.domain.moments import at_or_after, first_after, first_instant
from schedules.domain.windows.judges.case import (
    Case,
    Feeds,
    Gap,
    WindowJudge,
    at_risk,
    awaited,
    by_time,
    gap,
    proof,
    violated,
)
from schedules.domain.windows.verdicts import Evidence, Verdict
from trials.domain.protocols.protocol import Freshness, ProtocolWindow
from trials.domain.words import Code, Words
from trials.domain.words import mark as _

_RESULT = _("%(test)s taken %(taken)s: %(result)s.")
_WRONG = _("%(test)s taken %(taken)s: %(result)s; the protocol asks for %(asked)s.")
_TOO_OLD = _("%(test)s taken %(taken)s is too old: the window begins %(starts)s.")


def judge_freshness(case: Case, terms: Freshness) -> Verdict:
    """Kept by the latest result inside the window; a wrong or too old one violates once the window is over.

    Where nothing is on record, or a sample has no result or no hour yet, it cannot be judged; nor where
    the hour of what the window leads up to would tell whether a sample lies inside. A sample taken after
    the window says nothing of it.
    """
    tests = sorted(
        (test for test in case.facts.tests if test.test == terms.test),
        key=lambda test: first_instant(test.taken_at, case.zone),
    )
    inside, unsure = (_held(case, tests, holds) for holds in (True, None))
    if resulted := [test for test in inside if test.result is not None]:
        return _by_latest(case, terms, resulted, unsure)
    if unsure and not case.over and _is_wrong(terms, unsure[-1]):
        return _by_result(case, terms, unsure[-1])
    before = [test for test in tests if _is_before(case, test)]
    if inside or unsure or not before or case.over_at is None:
        return awaited(case, _missing(case, terms, inside, unsure))
    return _too_old(case, before[-1])


def _held(case: Case, tests: Iterable[TestResult], holds: bool | None) -> list[TestResult]:
    """The samples that lie inside the window; with None those of which an hour would tell."""
    return [test for test in tests if case.holds_by_hour(test.taken_at) is holds]


def _by_latest(
    case: Case, terms: Freshness, resulted: Sequence[TestResult], unsure: Sequence[TestResult]
) -> Verdict:
    """The verdict by the latest result inside the window, unless another may be later by its hour."""
    latest = resulted[-1]
    hours = [test for test in (*resulted, *unsure) if _speaks_against(case, terms, test, latest)]
    if hours and (case.over or _as_asked(terms, latest)):  # a wrong one calls for another until then
        return awaited(case, _missing(case, terms, (), hours))
    return _by_result(case, terms, latest)


def _by_result(case: Case, terms: Freshness, test: TestResult) -> Verdict:
    asked, result = terms.result, test.result or ""
    taken = case.local(test.taken_at)
    if asked is None or _as_asked(terms, test):
        return by_time(
            case,
            (
                proof(
                    _RESULT,
                    test,
                    test=Code(_asked(case, test)),
                    taken=taken,
                    result=Code(asked or "") or result,
                ),
            ),
        )
    wrong = proof(_WRONG, test, test=Code(_asked(case, test)), taken=taken, result=result, asked=Code(asked))
    return _unless_repeated(case, test, wrong)


def _speaks_against(case: Case, terms: Freshness, test: TestResult, latest: TestResult) -> bool:
    """Whether a sample that says the opposite may be later than the latest one, and inside, by an hour."""
    if test.result is None or _as_asked(terms, test) == _as_asked(terms, latest):
        return False
    if isinstance(test.taken_at, datetime) and case.holds_by_hour(test.taken_at) is not None:
        return False
    return first_after(test.taken_at, case.zone) > first_instant(latest.taken_at, case.zone)


def _is_wrong(terms: Freshness, test: TestResult) -> bool:
    return test.result is not None and not _as_asked(terms, test)


def _as_asked(terms: Freshness, test: TestResult) -> bool:
    asked, result = terms.result, test.result or ""
    # Results are typed, or come from an EDC: small letters and spaces around them make no other result.
    return asked is None or result.strip().casefold() == asked.strip().casefold()


def _is_before(case: Case, test: TestResult) -> bool:
    """Whether a sample was taken before the window, so that only another one could keep it."""
    return case.starts is not None and at_or_after(test.taken_at, case.starts, case.zone) is False


def _too_old(case: Case, test: TestResult) -> Verdict:
    """The latest sample on record that tells anything was taken before the window."""
    taken, starts = case.local(test.taken_at), case.local(case.starts or test.taken_at)
    return _unless_repeated(
        case, test, proof(_TOO_OLD, test, test=Code(_asked(case, test)), taken=taken, starts=starts)
    )


def _unless_repeated(case: Case, test: TestResult, evidence: Evidence) -> Verdict:
    """At risk until the window is over, as the test can still be repeated; then violated since its end."""
    if case.over and case.ends is not None:
        return violated(case, case.ends, evidence)
    if case.over_at is None:
        return violated(case, test.taken_at, evidence)
    since = case.starts if case.starts is not None else test.taken_at
    return at_risk(case, since, case.over_at, evidence)


def _missing(case: Case, terms: Freshness, inside: Sequence[TestResult], unsure: Sequence[TestResult]) -> Gap:
    if inside:
        taken = case.local(inside[-1].taken_at)
        words = Words.of(
            _("the result of %(test)s taken %(taken)s"), {"test": Code(terms.test), "taken": taken}
        )
    elif unsure and case.window.other and case.holds(unsure[-1].taken_at) is not None:
        words = case.window.other.hour
    elif unsure:
        taken = case.local(unsure[-1].taken_at)
        words = Words.of(
            _("the hour at which %(test)s was taken on %(taken)s"), {"test": Code(terms.test), "taken": taken}
        )
    else:
        words = Words.of(_("a result of %(test)s"), {"test": Code(terms.test)})
        return Gap((words,), case.due_at, counts_from=case.starts and case.local(case.starts))
    return gap(case.due_at, words)


def _asked(case: Case, test: TestResult) -> str:
    """The test as the window names it, with the label that its document gives it."""
    terms = case.window.rule.terms
    return terms.test if isinstance(terms, Freshness) and terms.test == test.test else test.test


def _feeds(_window: ProtocolWindow, terms: Freshness) -> Feeds:
    yield FactKind.TEST, terms.test


JUDGE = WindowJudge(Freshness, judge_freshness, _feeds)
