"""Several facts of one day in one form, and what is said once facts are on record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from participants.domain.fact_kinds import FactKind, TestResult
from participants.domain.facts_validation import FactRefused
from participants.models import Fact as StoredFact
from participants.models import Participant
from schedules.domain.windows.fact_sources import fed_by, last_results, tests_to_repeat
from schedules.selectors.store.course import clock_at
from schedules.selectors.windows.evaluation import ParticipantWindows
from schedules.selectors.windows.verdicts import (
    feeds_by_kind,
    performed_days,
    verdict_rows,
    windows_asked,
    windows_of_participant,
)
from schedules.services.windows.facts import Recorded, record_facts
from schedules.web.shared.answers import answer, person_of, require_record
from schedules.web.shared.back import back_or
from schedules.web.shared.clock import now
from schedules.web.shared.people import user_of
from schedules.web.shared.query_params import day_asked
from schedules.web.shared.wording import say
from schedules.web.windows.day_form import DayFactsForm
from schedules.web.windows.fact_forms import Choices
from schedules.web.windows.fact_wording import VERDICTS

TOLD = 5
"""The verdicts of so many windows are told after an act; the page of the participant has all."""


@login_required
@require_http_methods(["GET", "POST"])
def facts_of_day(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of everything that can be recorded of one day."""
    participant = person_of(request, pk)
    require_record(request, participant)
    participant_windows = windows_of_participant(participant, say)
    choices = Choices(
        feeds_by_kind(windows_asked(participant_windows.protocol, participant)),
        performed_days(participant_windows),
    )
    today = clock_at(participant.site, now()).today
    context = {
        "participant": participant,
        "title": _("Record what one day brought"),
        "button": _("Record"),
        "back": back_or(request, reverse("facts", kwargs={"pk": pk})),
        "template": "windows/day.html",
    }

    again: tuple[TestResult, ...] = ()
    if request.GET.get("again"):
        again = _to_repeat(participant_windows)
        context["again"] = again
    if again:
        context["title"] = _("Record repeated tests")

    def make(data: Any) -> DayFactsForm:
        form = DayFactsForm(
            choices, participant_windows.protocol, data, initial={"on": day_asked(request, "on") or today}
        )
        form.show_last(last_results(participant_windows.facts.tests))
        form.repeat(again)
        return form

    def perform(form: DayFactsForm) -> HttpResponse:
        facts = form.facts(participant_windows.zone, participant_windows.facts)
        try:
            by, sure = user_of(request), form.is_sure()
            added = record_facts(
                participant=participant, facts=facts, by=by, now=now(), reason=form.why(), sure=sure
            )
        except FactRefused as refused:
            form.refuse_fact(refused.place, refused.fields)
            raise FactRefused({}) from refused
        _tell(request, participant, added)
        return redirect(back_or(request, reverse("facts", kwargs={"pk": pk})))

    return answer(request, make, perform, context, participant_windows.zone)


def _tell(request: HttpRequest, participant: Participant, added: Sequence[Recorded]) -> None:
    """Say what is on record now, what to look at, and what the windows come to."""
    for one in added:
        for warning in one.warnings:
            messages.warning(request, _("Recorded, but look: %(words)s.") % {"words": warning.text(say)})
    done = ngettext("%(count)d fact is recorded.", "%(count)d facts are recorded.", len(added))
    told = judged_words(participant, [one.stored for one in added])
    messages.success(request, " ".join([done % {"count": len(added)}, *told]))


def _to_repeat(participant_windows: ParticipantWindows) -> tuple[TestResult, ...]:
    """The last results of the tests that must be repeated, as the verdicts stand now."""
    judged = participant_windows.judged(now())
    statuses = {one.planned.rule.code: one.verdict.status for one in judged}
    return tests_to_repeat(participant_windows.protocol.windows, statuses, participant_windows.facts.tests)


def judged_words(participant: Participant, stored: Iterable[StoredFact]) -> list[str]:
    """What the windows come to that these facts feed, in sentences; as they stand now."""
    participant_windows = windows_of_participant(participant, say)
    windows = windows_asked(participant_windows.protocol, participant)
    fed = {window.code for one in stored for window in fed_by(FactKind(one.kind), one.of, windows)}
    rows = [row for row in verdict_rows(participant_windows, now(), say) if row.code in fed]
    text = _("%(window)s: %(verdict)s.")
    told = [text % {"window": row.label, "verdict": VERDICTS[row.verdict.status]} for row in rows[:TOLD]]
    if len(rows) > TOLD:
        more = ngettext("And %(count)d window more.", "And %(count)d windows more.", len(rows) - TOLD)
        told.append(more % {"count": len(rows) - TOLD})
    return told
