"""Moving what a participant's calendar counts from: shown first, committed as shown, nothing lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.errors import BookingsOrphaned, ReplanningRefused
from schedules.domain.plan.recorded_anchors import hours_that_are_none
from schedules.models import Visit
from schedules.selectors.store.records import record_of, records_of
from schedules.services.enrolment.refusals import NOT_IN_USE
from schedules.services.readiness.gates import in_sentences
from schedules.services.readiness.starts import check_start, start_put_on_record
from schedules.services.replanning.consent_rules import refuse_by_consent
from schedules.services.replanning.corrected_days import correct_visits, with_corrected_visits
from schedules.services.replanning.departure_rows import follow_departures, follow_many
from schedules.services.replanning.hold_rows import follow_plan
from schedules.services.replanning.previews import Preview, Proposal, preview_of
from schedules.services.replanning.refusals import PreviewStale
from schedules.services.replanning.rewording import raise_reworded, reworded_visits
from schedules.services.replanning.side_effects import with_side_effects, with_verdicts
from schedules.services.replanning.start_objections import (
    gate_against,
    recorded_start,
    require_departure_reason,
    with_start,
)
from schedules.services.store.replanning_rows import write_plans
from schedules.services.store.unlikely_days import refuse_unlikely
from trials.audit.acts import recorded
from trials.domain.stored_sentences import joined
from trials.domain.words import Words
from trials.models import User
from trials.selectors.protocols.approvals import ApprovalState, approval_states
from trials.services.store.collecting import collect_later
from trials.spoken import bracketed, say, sentence

__all__ = [
    "Preview",
    "Proposal",
    "commit_replanning",
    "follow_visit",
    "preview_of",
    "preview_replanning",
    "record_anchor",
    "refusals_of",
    "replan_many",
]

_WHOSE = gettext_noop("%(subject_code)s: %(why)s")


def preview_replanning(*, participant: Participant, proposal: Proposal, now: datetime) -> Preview:
    """What a proposal would do to a calendar; writes nothing, in a constant number of queries.

    Raises ReplanningRefused for a day that is said to have happened and has not come, and UnlikelyDay for
    one that nobody has said is meant.
    """
    record = record_of(participant.pk)
    preview = preview_of(with_corrected_visits(record, proposal.anchors), proposal, now)
    _refuse_future(preview)
    refuse_unlikely(record, preview.proposal.anchors, sure=proposal.sure)
    return with_side_effects(with_start(preview, now), now)


@recorded
def commit_replanning(
    *,
    participant: Participant,
    proposal: Proposal,
    digest: str,
    now: datetime,
    by: User | None,
    reason: str,
) -> Preview:
    """Make a previewed proposal true, in one transaction; `digest` is that of the preview that was shown.

    Raises ReplanningRefused for contradictory anchors, naming the days that would mend them, what
    the consents on record forbid, a closed gate, a day taken away that a visit stands for, or a
    missing reason; UnlikelyDay as `preview_replanning`; BookingsOrphaned where a booking would lose its
    window or its visit and the proposal does not accept that; PreviewStale, which carries the preview
    as it is now, where anything changed since it was shown; StartNeedsReason as `record_anchor` does.
    """
    if not reason.strip():
        raise ReplanningRefused(_("Enter why you move the calendar. The reason is kept in the audit trail."))
    standing = record_of(participant.pk, lock=True)
    record = with_corrected_visits(standing, proposal.anchors)
    preview = with_verdicts(with_start(preview_of(record, proposal, now), now), now)
    if preview.digest != digest:
        raise PreviewStale(with_side_effects(preview, now))
    _refuse_impossible(preview)
    refuse_unlikely(standing, preview.proposal.anchors, sure=proposal.sure)
    _refuse_orphans(preview)
    correct_visits(standing, proposal.anchors, now)
    return _made_true(preview, now=now, by=by, reason=reason)


@recorded
def record_anchor(
    *,
    participant: Participant,
    anchor: RecordedAnchor,
    now: datetime,
    by: User | None,
    reason: str = "",
    withdrawn: bool = False,
    sure: bool = False,
) -> Preview:
    """Set an anchor, planned or actual, and re-plan what hangs on it, without showing it first.

    For what has happened, such as an infusion, and for what is withdrawn again; moving a planned day
    goes through a preview. Raises ReplanningRefused for a day in the future, against the consents and
    for what cannot have been; DepartureNeedsReason, with the preview, for what happened against the
    protocol, a closed gate or the list of readiness while nobody says why; UnlikelyDay for a day that
    nobody has said is meant (`sure`), or that is meant and has no reason.
    """
    record = record_of(participant.pk, lock=True)
    merged = _merged(record.anchors.get(anchor.code), anchor)
    proposal = Proposal(anchors={anchor.code: merged}, withdrawn=withdrawn)
    preview = with_start(preview_of(record, proposal, now), now)
    _refuse_impossible(preview)
    if not withdrawn:
        refuse_unlikely(record, preview.proposal.anchors, sure=sure, reason=reason)
        require_departure_reason(preview, reason, now)
    return _made_true(preview, now=now, by=by, reason=reason)


@recorded
def follow_visit(
    *,
    participant: Participant,
    dated: frozenset[str],
    now: datetime,
    by: User | None,
    reason: str = "",
    withdrawn: bool = False,
) -> Preview:
    """Plan again what counts from a visit that was put on record, or withdrawn from it.

    `dated` are the anchors that the visit dates. Raises as `record_anchor` does.
    """
    record = record_of(participant.pk, lock=True)
    preview = preview_of(record, Proposal(recorded=dated, withdrawn=withdrawn), now)
    _refuse_contradictions([preview])
    if not withdrawn:
        require_departure_reason(preview, reason, now)
    return _made_true(preview, now=now, by=by, reason=reason)


@recorded
def replan_many(
    *, ids: Sequence[int], proposals: Mapping[int, Proposal], now: datetime, by: User | None, reason: str
) -> list[Preview]:
    """Re-plan many participants in one transaction and a constant number of statements.

    `proposals` by participant; one without is planned again from its record, which takes up a new
    table of working days. Raises ReplanningRefused where any of them cannot be.
    """
    with collect_later(len(ids)):
        records = records_of(ids, lock=True)
        previews = [
            preview_of(record, proposals.get(record.participant.pk, Proposal()), now) for record in records
        ]
        _apply(previews, now)
        follow_many(previews, now)
    return previews


def _made_true(preview: Preview, *, now: datetime, by: User | None, reason: str) -> Preview:
    """Write a preview and what follows by itself: readiness at a start, a hold, deviations, flags."""
    _keep_readiness(preview, now=now, by=by, reason=reason)
    _apply([preview], now)
    record = replace(preview.record, anchors={**preview.record.anchors, **preview.proposal.anchors})
    follow_plan(record, preview.plan, now, withdrawn=preview.proposal.withdrawn)
    follow_departures(preview, now=now, reason=reason)
    return preview


def refusals_of(preview: Preview) -> list[str]:
    """Say why a preview could not be made true, in the sentences of `commit_replanning`; none where it could.

    All of them at once, where a commit raises the first. A constant number of queries.
    """
    found = []
    for refuse in (*_IMPOSSIBLE, _refuse_versions, _refuse_orphans):
        try:
            refuse(preview)
        except ReplanningRefused as refused:
            found.append(str(refused))
    return found


def _refuse_impossible(preview: Preview) -> None:
    """Raise ReplanningRefused for what cannot have been, and for plans that the record forbids."""
    for refuse in _IMPOSSIBLE:
        refuse(preview)


def _refuse_future(preview: Preview) -> None:
    """Raise ReplanningRefused for an hour that is none, and for what happened on a day that has not come."""
    for _code, error in hours_that_are_none(preview.proposal.anchors):
        raise ReplanningRefused(_(error.template) % error.values)
    for anchor in preview.proposal.anchors.values():
        if anchor.actual_on and anchor.actual_on > preview.today:
            rule = preview.plan.protocol.anchor_by_code.get(anchor.code)
            label = say(rule.label) if rule else anchor.code
            words = {"anchor": label, "day": anchor.actual_on, "today": preview.today}
            message = _("%(anchor)s on %(day)s is in the future: today is %(today)s at the site.")
            raise ReplanningRefused(sentence(message, words))


def _refuse_orphans(preview: Preview) -> None:
    """Raise BookingsOrphaned unless the bookings that would be left behind are accepted so."""
    if preview.orphans and not preview.proposal.accept_unbookable:
        listed = _(", ").join(bracketed(say(change.label), change.booked_on) for change in preview.orphans)
        message = _(
            "These bookings would be left behind: %(bookings)s. Confirm that they are to be booked again."
        )
        raise BookingsOrphaned(message % {"bookings": listed})


def _refuse_closed_gate(preview: Preview) -> None:
    """Raise ReplanningRefused where a start is planned against a closed gate; one on record has happened."""
    refusal = None if recorded_start(preview) else gate_against(preview)
    if refusal:
        raise ReplanningRefused(in_sentences(refusal))


def _refuse_contradiction(preview: Preview) -> None:
    _refuse_contradictions([preview])


def _refuse_versions(preview: Preview) -> None:
    _refuse_versions_not_in_use([preview])


_IMPOSSIBLE = (_refuse_future, refuse_by_consent, _refuse_contradiction, _refuse_closed_gate)
"""What cannot have been, and what the record forbids, in the order in which it is said."""


def _keep_readiness(preview: Preview, *, now: datetime, by: User | None, reason: str) -> None:
    """Keep what was known when the point of no return is put on record."""
    start = start_put_on_record(preview.plan, preview.record.anchors, preview.proposal.anchors)
    if start:
        person = preview.record.participant
        check_start(participant=person, plan=preview.plan, start=start, by=by, reason=reason, now=now)


def _apply(previews: Sequence[Preview], now: datetime) -> None:
    _refuse_versions_not_in_use(previews)
    _refuse_contradictions(previews)
    reworded = {preview.record.participant.pk: reworded_visits(preview) for preview in previews}
    write_plans([(p.record, p.proposal.anchors, p.plan) for p in previews], now)
    for preview in previews:
        _update_participant(preview)
    raise_reworded(reworded, now)


def _refuse_contradictions(previews: Sequence[Preview]) -> None:
    for preview in previews:
        if preview.ruling.refused:
            code = preview.record.participant.subject_code
            why = joined(found.words for found in preview.ruling.refused)
            raise ReplanningRefused.because(Words.of(_WHOSE, {"subject_code": code, "why": why}), say)


def _refuse_versions_not_in_use(previews: Sequence[Preview]) -> None:
    """A site uses another protocol version only once its approval is recorded and signed."""
    asked = {
        (preview.record.participant.site_id, preview.proposal.version.pk): preview
        for preview in previews
        if preview.proposal.version
    }
    for pair, state in approval_states(asked).items():
        if state is not ApprovalState.IN_USE:
            preview = asked[pair]
            assert preview.proposal.version is not None
            site, version = preview.record.participant.site, preview.proposal.version
            named = {"site": site.code, "version": version.label}
            raise ReplanningRefused.because(Words.of(NOT_IN_USE[state], named), say)


def _update_participant(preview: Preview) -> None:
    person, proposal = preview.record.participant, preview.proposal
    if proposal.traits is None and proposal.version is None:
        return
    # What was done is judged, drafted and shown by the version under which it was done, now and later.
    if proposal.version and proposal.version != person.protocol_version:
        done = Visit.objects.of(person).done().filter(done_under=None)
        done.update(done_under=person.protocol_version)
    person.traits = sorted(person.traits if proposal.traits is None else proposal.traits)
    person.protocol_version = proposal.version or person.protocol_version
    person.save(update_fields=["traits", "protocol_version"])


def _merged(stands: RecordedAnchor | None, anchor: RecordedAnchor) -> RecordedAnchor:
    """A new actual day keeps the planned one that stands beside it."""
    if stands is None or anchor.planned_on:
        return anchor
    return replace(anchor, planned_on=stands.planned_on, planned_at=stands.planned_at)
