"""What an amendment would do with everybody at its sites: a dry run that writes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from participants.domain.consents import ConsentState
from participants.domain.lifecycle import PHASE_LABELS
from participants.models import CourseStep, Participant
from schedules.domain.errors import AmendmentRefused
from schedules.domain.replanning.amendments import Outcome
from schedules.domain.replanning.visit_effects import Effect, VisitChange
from schedules.domain.windows.verdict_changes import VerdictChange
from schedules.selectors.pages.amendments import Standing, people_at, standings_of
from schedules.selectors.store.records import Record, records_of
from schedules.selectors.windows.evaluation import steps_by_person
from schedules.services.enrolment.refusals import NOT_IN_USE
from schedules.services.replanning.moves import Preview, Proposal, preview_of
from schedules.services.replanning.side_effects import with_verdicts_by
from trials.domain.errors import DomainError
from trials.domain.stored_sentences import joined
from trials.domain.words import Code, Value, Words, listed
from trials.models import ProtocolVersion, Site
from trials.selectors.protocols.approvals import ApprovalState, Pair, approval_states

_BOOKED = gettext_noop("Booked: %(bookings)s. Change the version on the participant's own page instead.")
_VISIT_AND_DAY = gettext_noop("%(visit)s (%(day)s)")
_OTHER_VERSION = gettext_noop("Under version %(version)s, which this amendment does not change.")
_NO_CONSENT = gettext_noop("Form %(form)s asks for consent again, and none is on record.")


@dataclass(frozen=True, slots=True)
class Amendment:
    """From which version to which other one of the same trial, and at which sites."""

    from_version: ProtocolVersion
    to_version: ProtocolVersion
    sites: tuple[Site, ...]


@dataclass(frozen=True, slots=True)
class Prospect:
    """What an amendment would do with one participant; `why` says what stands in the way."""

    participant: Participant
    outcome: Outcome
    why: Words | None = None
    preview: Preview | None = field(default=None, repr=False)

    @property
    def changes(self) -> tuple[VisitChange, ...]:
        """The visits to come that something happens to, the most severe first."""
        changed = self.preview.changed if self.preview else ()
        return tuple(change for change in changed if not change.performed_on)

    @property
    def done(self) -> tuple[VisitChange, ...]:
        """The visits that are done and stay under the version that they were done under."""
        visits = self.preview.visits if self.preview else ()
        return tuple(change for change in visits if change.performed_on)

    def under(self, code: str) -> str:
        """The version under which a visit was done."""
        record = self.preview.record if self.preview else None
        done = (visit.done_under_id for visit in record.visits if visit.code == code) if record else ()
        version = next((record.older[pk] for pk in done if pk), None) if record else None
        return (version or self.participant.protocol_version).label

    @property
    def verdicts(self) -> tuple[VerdictChange, ...]:
        """The windows whose verdict changes."""
        return self.preview.around.verdicts if self.preview else ()

    def count(self, effect: Effect) -> int:
        """How many visits to come this happens to."""
        return sum(effect in change.effects for change in self.changes)


@dataclass(frozen=True, slots=True)
class DryRun:
    """What an amendment would do now with everybody at its sites; `digest` stands for exactly this."""

    amendment: Amendment
    prospects: tuple[Prospect, ...]
    digest: str

    def of(self, outcome: Outcome) -> tuple[Prospect, ...]:
        """Those who would come out so."""
        return tuple(one for one in self.prospects if one.outcome is outcome)


class AmendmentStale(DomainError):
    """What was shown is no longer so; `dry_run` holds what the same amendment would do now."""

    def __init__(self, dry_run: DryRun) -> None:
        self.dry_run = dry_run
        super().__init__("something changed since the amendment was shown: look at it again")


def preview_amendment(*, amendment: Amendment, now: datetime) -> DryRun:
    """What an amendment would do with each participant of its sites; writes nothing.

    The number of queries does not depend on how many there are. Raises AmendmentRefused for
    versions of two trials, the same version twice, one that is not published, or no site.
    """
    _refuse_amendment(amendment)
    trial = amendment.to_version.trial
    records = records_of(people_at(trial, [site.pk for site in amendment.sites]))
    judge = Judging.of(amendment.from_version, amendment.to_version, records, now)
    prospects = tuple(judge.prospect(record) for record in records)
    return DryRun(amendment, prospects, _digest(amendment, prospects))


@dataclass(frozen=True, slots=True)
class Judging:
    """By what each participant is judged: standings, with what asks for consent again, approvals, steps."""

    from_version: ProtocolVersion
    to_version: ProtocolVersion
    standings: Mapping[int, Standing]
    approvals: Mapping[Pair, ApprovalState]
    now: datetime
    steps: Mapping[int, Sequence[CourseStep]]

    @classmethod
    def of(
        cls,
        from_version: ProtocolVersion,
        to_version: ProtocolVersion,
        records: Sequence[Record],
        now: datetime,
    ) -> Judging:
        """Read for any number of participants at once."""
        people = [record.participant for record in records]
        pairs = {(person.site_id, to_version.pk) for person in people}
        return cls(
            from_version,
            to_version,
            standings_of(people, now),
            approval_states(pairs),
            now,
            steps_by_person([person.pk for person in people]),
        )

    def prospect(self, record: Record) -> Prospect:
        """What would be done with one participant, and why not."""
        person = record.participant
        if why := self._skipped(person):
            return Prospect(person, Outcome.SKIPPED, why)
        preview = self._judged(preview_of(record, Proposal(version=self.to_version), self.now))
        if why := self._consent(person):
            return Prospect(person, Outcome.CONSENT, why, preview)
        if refused := preview.ruling.refused:
            return Prospect(person, Outcome.REFUSED, joined(found.words for found in refused), preview)
        if preview.orphans:
            words = Words.of(_BOOKED, {"bookings": _listed(preview.orphans)})
            return Prospect(person, Outcome.BOOKING, words, preview)
        return Prospect(person, Outcome.READY, None, preview)

    def _judged(self, preview: Preview) -> Preview:
        """The preview with the verdicts that it changes."""
        return with_verdicts_by(preview, self.steps.get(preview.record.participant.pk, ()), self.now)

    def _skipped(self, person: Participant) -> Words | None:
        """Why somebody is not concerned."""
        version: dict[str, Value] = {"version": person.protocol_version.label}
        if person.protocol_version_id == self.to_version.pk:
            return Words.of(gettext_noop("Under version %(version)s already."), version)
        if person.protocol_version_id != self.from_version.pk:
            return Words.of(_OTHER_VERSION, version)
        standing = self.standings[person.pk]
        if standing.ended:
            phase = Code(PHASE_LABELS[standing.ended])
            return Words.of(gettext_noop("The course has ended: %(phase)s."), {"phase": phase})
        if standing.consent.state is ConsentState.WITHDRAWN:
            return Words.of(gettext_noop("Consent is withdrawn."))
        state = self.approvals[person.site_id, self.to_version.pk]
        if state is not ApprovalState.IN_USE:
            words: dict[str, Value] = {"site": person.site.code, "version": self.to_version.label}
            return Words.of(NOT_IN_USE[state], words)
        return None

    def _consent(self, person: Participant) -> Words | None:
        """Why somebody must consent again before they are migrated."""
        standing = self.standings[person.pk]
        if standing.asking is None:
            return None
        form: dict[str, Value] = {"form": standing.asking.version}
        if standing.consent.state is ConsentState.MISSING:
            return Words.of(_NO_CONSENT, form)
        return Words.of(gettext_noop("Form %(form)s asks for consent again."), form)


def _listed(booked: Sequence[VisitChange]) -> Words:
    """Visits with the days for which they are booked."""
    return listed(
        Words.of(_VISIT_AND_DAY, {"visit": Code(change.label), "day": str(change.booked_on)})
        for change in booked
    )


def _refuse_amendment(amendment: Amendment) -> None:
    old, new = amendment.from_version, amendment.to_version
    fields: dict[str, list[str]] = {}
    if old.trial_id != new.trial_id:
        fields["to_version"] = [_("The two versions belong to two trials.")]
    elif old.pk == new.pk:
        fields["to_version"] = [_("Choose another version than %(version)s.") % {"version": old.label}]
    elif new.published_at is None:
        fields["to_version"] = [_("Version %(version)s is not published yet.") % {"version": new.label}]
    if not amendment.sites:
        fields["sites"] = [_("Choose at least one site.")]
    if fields:
        raise AmendmentRefused(fields)


def _digest(amendment: Amendment, prospects: Sequence[Prospect]) -> str:
    seen = {
        "versions": [amendment.from_version.digest, amendment.to_version.digest],
        "sites": sorted(site.pk for site in amendment.sites),
        "people": [
            [one.participant.pk, one.outcome, str(one.why or ""), one.preview.digest if one.preview else ""]
            for one in prospects
        ],
    }
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()
