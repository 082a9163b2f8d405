"""The screening and the enrolment log: subject codes, never names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from participants.domain.lifecycle import PHASE_LABELS, STEP_LABELS, Phase
from schedules.domain.deviations.trial_logs import OUTCOMES
from schedules.selectors.deviations.trial_logs import (
    EnrolmentLog,
    EnrolmentRow,
    ScreeningLog,
    ScreeningRow,
    WantedLog,
    enrolment_log,
    screening_log,
)
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.exports import Table, exported
from schedules.web.shared.people import user_of
from schedules.web.shared.places import places, site_asked, trial_asked
from schedules.web.shared.query_params import day_asked, next_page, number, search_asked
from schedules.web.shared.wording import say
from trials.web.shared.query_params import choice_in, query_params

NOT_ENROLLED = frozenset({Phase.SCREENING, Phase.SCREEN_FAILED})
PHASES = {phase.value: PHASE_LABELS[phase] for phase in Phase if phase not in NOT_ENROLLED}
READ = 500
FILTERS = ("trial", "site", "q", "from", "to", "outcome")
SCREENING_HEADS = (
    *("Trial", "Site", "Participant", "Attempt", "Screened from", "Outcome", "Outcome on", "Reason"),
    "Protocol version",
)
ENROLMENT_HEADS = (
    *("Trial", "Site", "Participant", "Cohort", "Protocol version", "Consented on", "Enrolled on"),
    *("Enrolment by", "First treatment", "Day zero", "Status", "Ended on", "End", "Reason"),
)


@login_required
@require_safe
@query_params(*FILTERS)
def screening(request: HttpRequest) -> HttpResponse:
    """Who was screened, since when, with which outcome, and why somebody failed."""
    wanted = _wanted(request, OUTCOMES)
    found = screening_log(user_of(request), server_day(now()), wanted)
    context = _context(request, wanted, OUTCOMES) | {"rows": found.rows, **next_page(request, found.after)}
    return render(request, "logs/screening.html", context)


@login_required
@require_safe
@query_params(*FILTERS)
def screening_export(request: HttpRequest, form: str) -> HttpResponseBase:
    """The same as a table to be kept."""
    wanted = replace(_wanted(request, OUTCOMES), after=None)
    rows = _whole(partial(screening_log, user_of(request), server_day(now())), wanted)
    table = Table("screening-log", "screening log", SCREENING_HEADS, map(_screened, rows))
    return exported(request, table, form)


@login_required
@require_safe
@query_params(*FILTERS)
def enrolments(request: HttpRequest) -> HttpResponse:
    """Who was enrolled, when, what was given, and where they stand."""
    wanted = _wanted(request, [*Phase])
    found = enrolment_log(user_of(request), server_day(now()), wanted)
    context = _context(request, wanted, PHASES) | {"rows": found.rows, **next_page(request, found.after)}
    return render(request, "logs/enrolments.html", context)


@login_required
@require_safe
@query_params(*FILTERS)
def enrolments_export(request: HttpRequest, form: str) -> HttpResponseBase:
    """The same as a table to be kept."""
    wanted = replace(_wanted(request, [*Phase]), after=None)
    rows = _whole(partial(enrolment_log, user_of(request), server_day(now())), wanted)
    table = Table("enrolment-log", "enrolment log", ENROLMENT_HEADS, map(_enrolled, rows))
    return exported(request, table, form)


def _whole(log: Callable[..., ScreeningLog | EnrolmentLog], wanted: WantedLog) -> Iterator[Any]:
    """All rows of a log, READ participants at a time."""
    while True:
        found = log(wanted, size=READ)
        yield from found.rows
        if found.after is None:
            return
        wanted = replace(wanted, after=found.after)


def _context(request: HttpRequest, wanted: WantedLog, outcomes: Mapping[str, str]) -> dict[str, Any]:
    """What the filters of a log show."""
    said = [(word, say(label)) for word, label in outcomes.items()]
    return {"wanted": wanted, "outcomes": said, **places(request, wanted.site, wanted.trial)}


def _wanted(request: HttpRequest, outcomes: Collection[str]) -> WantedLog:
    return WantedLog(
        trial=trial_asked(request),
        site=site_asked(request),
        search=search_asked(request),
        first=day_asked(request, "from"),
        last=day_asked(request, "to"),
        after=number(request, "after"),
        outcome=choice_in(request, "outcome", outcomes),
    )


def _screened(row: ScreeningRow) -> tuple[object, ...]:
    one, attempt = row.participant, row.screened
    return (
        *(one.trial.code, one.site.code, one.subject_code, attempt.attempt, attempt.since),
        *(attempt.outcome, attempt.on, attempt.reason, one.protocol_version.label),
    )


def _enrolled(row: EnrolmentRow) -> tuple[object, ...]:
    one, end = row.participant, row.end
    cohort = one.cohort.label if one.cohort else ""
    return (
        *(one.trial.code, one.site.code, one.subject_code, cohort, one.protocol_version.label),
        *(row.consented_on, row.enrolled.on, row.enrolled.anchor, row.conditioned_on, row.infused_on),
        *(
            row.phase,
            end.on if end else None,
            STEP_LABELS[end.step] if end else "",
            end.reason if end else "",
        ),
    )
