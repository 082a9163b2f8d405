"""Several facts of one day in one form, and what is said once facts are on record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
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
from schedules.web.shared.wording import person_words, say
from schedules.web.windows.day_form import DayFactsForm
from schedules.web.windows.fact_forms import Choices
from schedules.web.windows.fact_wording import VERDICTS
from trials.domain.words import run_on

TOLD = 5
"""The verdicts of so many windows are told after an act; the page of the participant has all."""


@login_required
@require_http_methods(["GET", "POST"])
def facts_of_day(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of everything that can be recorded of one day."""
    participant = person_of(request, pk)
    require_record(request, participant)
    day = _DayPage.of(request, participant)
    return answer(request, day.form, day.record, day.context, day.windows.zone)


@dataclass(frozen=True, slots=True)
class _DayPage:
    """The page on which everything of one day is recorded; `again` are the tests that it is opened for."""

    request: HttpRequest
    participant: Participant
    windows: ParticipantWindows
    again: tuple[TestResult, ...]

    @classmethod
    def of(cls, request: HttpRequest, participant: Participant) -> Self:
        """Read the page of a participant; `again` in its address asks for the tests to be repeated."""
        windows = windows_of_participant(participant, say)
        return cls(request, participant, windows, _to_repeat(windows) if request.GET.get("again") else ())

    @property
    def context(self) -> dict[str, Any]:
        """What the page shows beside the form."""
        return {
            "participant": self.participant,
            "title": _("Record repeated tests") if self.again else _("Record what one day brought"),
            "button": _("Record"),
            "back": self._back,
            "template": "windows/day.html",
            "again": self.again,
        }

    @property
    def _back(self) -> str:
        return back_or(self.request, reverse("facts", kwargs={"pk": self.participant.pk}))

    def form(self, data: Any) -> DayFactsForm:
        """The form, with the last result of each test."""
        windows = self.windows
        asked = feeds_by_kind(windows_asked(windows.protocol, self.participant))
        day = day_asked(self.request, "on") or clock_at(self.participant.site, now()).today
        form = DayFactsForm(
            Choices(asked, performed_days(windows)), windows.protocol, data, initial={"on": day}
        )
        form.show_last(last_results(windows.facts.tests))
        form.repeat(self.again)
        return form

    def record(self, form: DayFactsForm) -> HttpResponse:
        """Put what was entered on record, all of it or nothing. Raises FactRefused, shown at its fields."""
        try:
            added = record_facts(
                participant=self.participant,
                facts=form.facts(self.windows.zone, self.windows.facts),
                by=user_of(self.request),
                now=now(),
                reason=form.why(),
                sure=form.is_sure(),
            )
        except FactRefused as refused:
            form.refuse_fact(refused.place, refused.fields)
            raise FactRefused({}) from refused
        _tell(self.request, self.participant, added)
        return redirect(self._back)


def _tell(request: HttpRequest, participant: Participant, added: Sequence[Recorded]) -> None:
    """Say what is on record now, what to look at, and what the windows come to."""
    for one in added:
        for warning in one.warnings:
            messages.warning(request, _("Recorded, but look: %(words)s.") % {"words": warning.text(say)})
    done = ngettext("%(count)d fact is recorded.", "%(count)d facts are recorded.", len(added))
    told = judged_words(participant, [one.stored for one in added])
    said = of_whom(request, participant, done % {"count": len(added)})
    messages.success(request, run_on([said, *told], _))


def of_whom(request: HttpRequest, participant: Participant, said: str) -> str:
    """What is said once something is recorded: with whose it is, on a page that has others on it."""
    home = reverse("participant", kwargs={"pk": participant.pk})
    if back_or(request, home).startswith(home):
        return said
    return person_words(participant) + pgettext("after a name", ": ") + said


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
