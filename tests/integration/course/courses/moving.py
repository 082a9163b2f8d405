"""What moves calendars and ends courses: slips, amendments, holds, steps, other sites, closed days."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from participants.domain.anchors import RecordedAnchor
from participants.domain.lifecycle import Phase, Step
from participants.models import Absence, Participant
from participants.services.absences import Away
from schedules.domain.errors import BookingsOrphaned, ReplanningStale
from schedules.domain.replanning.visit_effects import Effect
from schedules.models import Visit
from schedules.services.availability.absences import add_absence, close_absence
from schedules.services.availability.site_days import SiteProposal, commit_site, preview_site
from schedules.services.course.holds import Resumption, hold_infusion, resume_infusion
from schedules.services.course.rehearsals import perform_as_shown, rehearse
from schedules.services.course.repetition import repeat_lymphodepletion, withdraw_repetition
from schedules.services.course.status_changes import StepRequest, take_step, undo_last_step
from schedules.services.replanning.moves import Preview, Proposal, commit_replanning, preview_replanning
from tests.integration.course.courses.machine import WHO, Visited, codes_of
from tests.integration.course.courses.naive import (
    BETWEEN,
    BLOCK,
    CLINIC,
    DAY,
    END,
    ENDS,
    FRIDAY,
    Model,
    Seen,
    Taken,
    orphans,
)

OVER = {Effect.CANCELLED, Effect.CANCELLED_BY_COURSE, Effect.NOT_APPLICABLE}
VOIDING = {Step.SCREEN_FAILURE, Step.NEVER_INFUSED}


class Courses(Visited):
    """All that happens to visits, and all that happens to the calendars they stand in."""

    def person(self, model: Model) -> Participant:
        return Participant.objects.get(pk=model.pk)

    # --- re-planning ------------------------------------------------------------------------------
    @rule(who=WHO, days=st.integers(-4, 9), accept=st.booleans())
    def slips(self, who: int, days: int, accept: bool) -> None:
        """The infusion moves: as it was previewed, or not at all."""
        model = self.chosen(who)
        planned = model.planned + days * DAY
        anchor = RecordedAnchor("infusion", planned, None, model.infused, None)
        wanted = model.copy(planned=planned)
        self.replanned(model, wanted, Proposal(anchors={"infusion": anchor}, accept_unbookable=accept))

    @precondition(lambda self: any(model.infused for model in self.models))
    @rule(who=WHO, days=st.integers(-2, 2), accept=st.booleans())
    def corrected(self, who: int, days: int, accept: bool) -> None:
        """The infusion was on another day than was put on record, and so was its visit."""
        model = self.chosen(who)
        if model.infused is None:
            return
        right = min(self.today, model.infused + days * DAY)  # one to come is refused before it is shown
        wanted = model.copy(infused=right)
        if wanted.visits["d0"].performed == model.infused:
            wanted.visits["d0"].performed = right
        anchor = RecordedAnchor("infusion", model.planned, None, right, None)
        self.replanned(model, wanted, Proposal(anchors={"infusion": anchor}, accept_unbookable=accept))

    @rule(who=WHO, version=st.sampled_from((1, 2, 3)), accept=st.booleans())
    def amended(self, who: int, version: int, accept: bool) -> None:
        model = self.chosen(who)
        wanted = model.copy()
        wanted.amend(version)
        self.replanned(model, wanted, Proposal(version=self.versions[version], accept_unbookable=accept))

    def replanned(self, model: Model, wanted: Model, proposal: Proposal) -> None:
        before, person = self.rows(), self.person(model)
        preview = preview_replanning(participant=person, proposal=proposal, now=self.now)
        assert self.rows() == before, "a preview writes nothing"
        wanted.plan()
        lost = sorted(orphans(model, wanted))
        assert sorted(change.code for change in preview.orphans) == lost
        values = {"participant": person, "proposal": proposal, "digest": preview.digest, "reason": "fever"}
        if lost and not proposal.accept_unbookable and self.may(model, wanted):
            with pytest.raises(BookingsOrphaned):
                commit_replanning(**values, now=self.now, by=None)
            return
        if refused := self.tried(commit_replanning, **values):
            assert (lost and not proposal.accept_unbookable) or not self.may(model, wanted), refused
            return
        self.models[self.models.index(model)] = wanted
        self.written_as_shown(wanted, preview)
        with pytest.raises(ReplanningStale):
            commit_replanning(**values, now=self.now, by=None)

    def may(self, model: Model, wanted: Model) -> bool:
        """Whether a plan may become that one: nothing contradicts, nothing cannot have been."""
        if wanted.infused != model.infused and wanted.infused:
            chemotherapy = wanted.chemotherapy or wanted.infused
            return chemotherapy <= wanted.infused <= self.today and wanted.could_be(wanted.infused)
        return model.follows(wanted)

    def written_as_shown(self, model: Model, preview: Preview) -> None:
        """Whether the rows are what the preview said they would be."""
        for change in preview.visits:
            row = Visit.objects.get(participant=model.pk, code=change.code, attempt=model.attempt)
            gone = change.after is None
            assert (row.cancelled_on is not None) or not gone
            if not gone and model.visits[change.code].live:
                assert change.after == (row.opens, row.target, row.closes)
                assert change.suggested[1] in (None, row.suggested)
            assert (row.booked_on, row.performed_on) == (
                change.booked_on,
                change.performed_on,
            ) or not change.before

    # --- the course -------------------------------------------------------------------------------
    @rule(who=WHO, step=st.sampled_from((Step.HOLD, Step.RESUMPTION)))
    def held_or_resumed(self, who: int, step: Step) -> None:
        model, hold = self.chosen(who), step is Step.HOLD
        possible = model.phase is (Phase.CONDITIONING if hold else Phase.ON_HOLD)
        if hold:
            refused = self.on_person(model, hold_infusion, on=self.today)
        else:
            refused = self.on_person(model, resume_infusion, resumption=Resumption(self.today))
        assert bool(refused) is not possible, refused
        if not refused:
            model.steps.append(Taken(step))

    @precondition(lambda self: any(model.phase in BETWEEN for model in self.models))
    @rule(who=WHO, ahead=st.integers(1, 12), mistaken=st.booleans())
    def chemotherapy_again(self, who: int, ahead: int, mistaken: bool) -> None:
        """Lymphodepletion is repeated: what was given stays on record, and a new block is to come.

        A repetition that was a mistake is withdrawn, and leaves but the hold that it began with; what was
        agreed for a window is not agreed any longer once that has moved, though it comes back.
        """
        model, zero = self.chosen(who), self.today + ahead * DAY
        refused = self.on_person(model, repeat_lymphodepletion, day_zero=zero)
        waits = model.phase in {Phase.CONDITIONING, Phase.ON_HOLD}
        assert bool(refused) is not (waits and zero - 3 * DAY >= self.today), refused
        if refused:
            return
        if model.phase is Phase.CONDITIONING:
            model.steps.append(Taken(Step.HOLD))
        if mistaken and not self.on_person(model, withdraw_repetition, day_zero=model.planned):
            moved = model.copy(chemotherapy=None, planned=zero)
            moved.plan()
            for code, seen in model.visits.items():
                seen.agreed = moved.visits[code].agreed
            return
        model.steps.append(Taken(Step.RESUMPTION, begins=True))
        used = {code for code in BLOCK if code in model.visits and not model.visits[code].live}
        self.begin_attempt(model, used, zero)
        model.repeated = True

    @rule(who=WHO, ahead=st.integers(-1, 20))
    def screened_again(self, who: int, ahead: int) -> None:
        model, zero = self.chosen(who), self.today + ahead * DAY
        if model.phase is Phase.SCREENING and any(seen.performed for seen in model.visits.values()):
            return  # a screening that has expired: tried by readiness/test_screening_repeated.py
        possible = model.phase is Phase.SCREEN_FAILED and ahead >= 0
        request = StepRequest(Step.RESCREENING, self.today, day_zero=zero)
        refused = self.on_person(model, take_step, request=request)
        assert bool(refused) is not possible, refused
        if refused:
            return
        failed = set(model.steps[-1].codes)
        model.steps.append(Taken(Step.RESCREENING, begins=True))
        for code in failed:
            model.visits[code].ended = ""
        added = {code for code, seen in model.visits.items() if seen.beside and seen.live}
        self.begin_attempt(model, set(model.visits) - failed - added, zero)

    def begin_attempt(self, model: Model, used: set[str], zero: date) -> None:
        model.put_behind(used)
        model.attempt += 1
        model.chemotherapy, model.planned = None, zero
        model.plan()

    @rule(who=WHO, step=st.sampled_from(sorted(ENDS)), later=st.integers(0, 9))
    def course_ends(self, who: int, step: Step, later: int) -> None:
        model = self.chosen(who)
        seen_by = self.today + later * DAY if step is Step.EARLY_TERMINATION and later else None
        live = [code for code, seen in model.visits.items() if seen.live]
        possible = model.phase in ENDS[step][1] and not (step is Step.COMPLETION and live)
        known = set(codes_of(model))
        request = StepRequest(step, self.today, seen_by=seen_by)
        refused = self.on_person(model, take_step, request=request)
        assert bool(refused) is not possible, refused
        if refused:
            return
        to_come = [code for code in live if model.comes(code, self.today) or model.held(code)]
        for code in to_come:
            model.visits[code].ended, model.visits[code].voids = "course", step in VOIDING
        given = bool(model.infused)
        model.steps.append(Taken(step, tuple(to_come), on=self.today))
        for code in set(codes_of(model)) - known:
            assert seen_by
            model.visits[code] = Seen((self.today, self.today, seen_by), beside=END, given=given)

    @rule(who=WHO, release=st.booleans())
    def transferred(self, who: int, release: bool) -> None:
        model = self.chosen(who)
        there = 1 - model.place
        booked = model.bookings_to_come(self.today)
        possible = model.phase in {Phase.SCREENING, Phase.FOLLOW_UP} and (release or not booked)
        request = StepRequest(Step.TRANSFER, self.today, site=self.sites[there], release=release)
        refused = self.on_person(model, take_step, request=request)
        assert bool(refused) is not possible, refused
        if refused:
            return
        for code in booked:
            model.visits[code].booked = None
        model.place = there
        model.steps.append(Taken(Step.TRANSFER))

    @rule(who=WHO)
    def step_taken_back(self, who: int) -> None:
        model = self.chosen(who)
        refused = self.on_person(model, undo_last_step)
        assert bool(refused) is not model.undoable, refused
        if refused:
            return
        taken = model.steps.pop()
        for code in taken.codes:
            if model.visits[code].ended == "course":
                model.visits[code].ended = ""
        for seen in model.visits.values():
            if taken.step is Step.EARLY_TERMINATION and seen.beside == END and seen.live:
                seen.ended = "cancelled"
        model.plan()

    def on_person(self, model: Model, act: Any, **values: Any) -> str:
        person = self.person(model)
        said = {"participant": person, "version": person.version, "reason": "as told", **values}
        return self.tried(self.as_shown, service=act, **said)

    def as_shown(self, *, service: Any, participant: Participant, now: datetime, **values: Any) -> None:
        """Look at what a step would do, let it be so, and compare."""
        before, what = self.rows(), partial(service, participant=participant, now=now, **values)
        shown = rehearse(participant=participant, act=what, now=now)
        assert self.rows() == before, "what is only shown writes nothing"
        perform_as_shown(
            participant=participant, act=what, digest=shown.digest, accept_unbookable=True, now=now
        )
        mine = Visit.objects.filter(participant=participant)
        latest = max(mine.values_list("attempt", flat=True))
        rows = {row.code: row for row in mine.filter(attempt=latest)}
        twice = Counter(change.code for change in shown.visits)
        for change in shown.visits:
            row = rows.get(change.code)
            if row is None or twice[change.code] > 1:  # it stays with another attempt
                assert twice[change.code] > 1 or change.gravest in {Effect.RETAINED, *OVER}
                continue
            assert not OVER & set(change.effects) or row.cancelled_on
            if row.cancelled_on is row.performed_on is row.missed_on is None:
                assert change.after == (row.opens, row.target, row.closes)
                assert Effect.HELD not in change.effects or row.held_on
                assert Effect.RESUMED not in change.effects or not row.held_on

    # --- days on which nobody comes ---------------------------------------------------------------
    @rule(who=WHO, ahead=st.integers(0, 20), days=st.integers(0, 4))
    def away(self, who: int, ahead: int, days: int) -> None:
        model, first = self.chosen(who), self.today + ahead * DAY
        away = Away(first, first + days * DAY, participant=self.person(model))
        assert not self.tried(add_absence, away=away)
        model.away.append((away.first, away.last))

    @rule(who=WHO)
    def back_again(self, who: int) -> None:
        model = self.chosen(who)
        absence = Absence.objects.filter(participant=model.pk, ended=False).first()
        if absence:
            assert not self.tried(close_absence, absence=absence, reason="back")
            model.away.remove((absence.first, absence.last))

    @rule(place=st.integers(0, 1), ahead=st.integers(0, 30), accept=st.booleans())
    def site_closes(self, place: int, ahead: int, accept: bool) -> None:
        """A day on which the site does not work after all: anyone who is booked then is asked about."""
        day, site = self.today + ahead * DAY, self.sites[place]
        worked = day.isoweekday() <= FRIDAY and day not in self.closed[place]
        lost = [
            code
            for model in self.models
            for code, seen in model.visits.items()
            if model.place == place and worked and not model.is_away(day)
            if seen.live and seen.booked == day and (code in CLINIC or seen.beside)
        ]
        proposal = SiteProposal(closures={day: "stocktaking"}, accept_unbookable=accept)
        before = self.rows()
        preview = preview_site(site=site, proposal=proposal, now=self.now)
        assert self.rows() == before, "a preview writes nothing"
        assert len(preview.orphans) == len(lost), preview.orphans
        values = {"site": site, "proposal": proposal, "digest": preview.digest, "reason": "stocktaking"}
        if lost and not accept:
            with pytest.raises(BookingsOrphaned):
                commit_site(**values, now=self.now, by=None)
            return
        assert not self.tried(commit_site, **values)
        self.closed[place].add(day)
