"""What is on record of visits, as the rules that draft deviations look at it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime

from django.db.models import Min

from participants.domain.moments import DAY
from participants.models import Anchor, Consent
from schedules.domain.deviations.drafts import LeftActivity, RecordedVisit
from schedules.domain.deviations.recording_days import recorded_by
from schedules.domain.readiness.start_context import Item
from schedules.domain.replanning.amendments import Outcome
from schedules.domain.visits.order import anchors_of_rule
from schedules.models import AmendmentStep, Visit, VisitActivity, VisitPlace
from schedules.selectors.readiness.start_lines import started_against
from schedules.selectors.store.calendars import today_at, working_days_by_site
from schedules.selectors.store.course import visit_under
from schedules.selectors.store.stored_visits import version_of
from trials.domain.protocols.occurrences import names_of
from trials.domain.protocols.protocol import Protocol, Role
from trials.selectors.records import protocol_of

Then = tuple[int, date]
"""A participant, by id, and a day."""


def visits_on_record(pks: Collection[int], now: datetime) -> dict[int, RecordedVisit]:
    """These visits with all that their deviations follow from, by id; six queries at most, however many."""
    related = ("participant__site", "participant__protocol_version", "done_under")
    visits = Visit.objects.filter(pk__in=list(pks)).select_related(*related)
    left: dict[int, list[LeftActivity]] = defaultdict(list)
    for pk, *activity in VisitActivity.objects.filter(visit__in=list(pks), done=False).values_list(
        "visit_id", "code", "label", "reason"
    ):
        left[pk].append(LeftActivity(*activity))
    rows = list(visits.defer("participant__protocol_version__document", "done_under__document"))
    done = {visit.participant_id for visit in rows if visit.performed_on}
    against = started_against(done) if done else {}
    consents = _consents(done) if done else {}
    open_at = {visit.participant.site_id for visit in rows if not _is_recorded(visit)}
    calendars = working_days_by_site(open_at) if open_at else {}
    found = {}
    for visit in rows:
        person = visit.participant
        version = version_of(visit, person.protocol_version)
        protocol = protocol_of(version)
        waits = visit.place == VisitPlace.WARD and not _is_recorded(visit)
        found[visit.pk] = RecordedVisit(
            visit_under(visit, protocol),
            version.pk,
            today_at(person.site, now),
            said_by_start=(Item.VISIT, visit.label) in against.get(person.pk, ()),
            missed_reason=visit.missed_reason,
            consented_on=_consent_before(visit, protocol, consents.get(visit.participant_id, {})),
            left=left[visit.pk],
            history_open=person.history_since is not None,
            recorded_by=recorded_by(visit.closes, calendars.get(person.site_id)) if waits else None,
        )
    return found


def _is_recorded(visit: Visit) -> bool:
    return bool(visit.performed_on or visit.missed_on or visit.cancelled_on)


SIGNED = "signed"
"""The key of a consent's own day, beside the days of anchors by their codes."""


def _consents(people: Collection[int]) -> dict[int, dict[str, date]]:
    """The first day on a consent of each participant, and the actual days of their anchors; two queries."""
    found: dict[int, dict[str, date]] = defaultdict(dict)
    signed = Consent.objects.filter(participant__in=people).values_list("participant_id")
    for pk, day in signed.annotate(first=Min("signed_on")).values_list("participant_id", "first"):
        found[pk][SIGNED] = day
    actual = Anchor.objects.filter(participant__in=people, actual_on__isnull=False)
    for pk, code, on in actual.values_list("participant_id", "code", "actual_on"):
        if on:
            found[pk][code] = on
    return found


def _consent_before(visit: Visit, protocol: Protocol, days: Mapping[str, date]) -> date | None:
    """The first consent's day; None where none is known, and where the order of anchors says that it is late.

    A visit that dates an anchor which the consent may not follow, such as the screening, departs in the
    order of its anchors: that is drafted once.
    """
    code = protocol.code_of(Role.CONSENT)
    consented = min((days[each] for each in (SIGNED, code) if each in days), default=None)
    anchor = protocol.anchor_by_code.get(code)
    rule = None if visit.unscheduled else protocol.visit_by_code.get(visit.rule_code)
    if consented is None or anchor is None or rule is None or code not in days:
        return consented
    named = names_of(rule, visit.occurrence)
    dated = {each.code for each in protocol.anchors if each.derived and each.derived.visit in named}
    return None if set(anchor.not_after) & (dated | {*anchors_of_rule(rule, visit.occurrence)}) else consented


def versions_then(asked: Collection[Then]) -> dict[Then, int]:
    """The protocol versions in force for participants on days in the past, where not their present ones.

    On record are the versions under which visits were done and the days on which amendments were
    applied; two queries, however many are asked for.
    """
    people = {pk for pk, _day in asked}
    visits = Visit.objects.done().filter(participant__in=people, done_under__isnull=False)
    under = visits.order_by("performed_on").values_list("participant_id", "performed_on", "done_under_id")
    done = AmendmentStep.objects.filter(participant__in=people, outcome=Outcome.DONE, done_on__isnull=False)
    applied = done.order_by("done_at").values_list("participant_id", "done_on", "run__from_version_id")
    ended: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for pk, day, version in under:
        if day and version:
            ended[pk].append((day + DAY, version))
    for pk, day, version in applied:
        if day:
            ended[pk].append((day, version))
    found = ((each, _then(ended[each[0]], each[1])) for each in asked)
    return {each: version for each, version in found if version}


def _then(ended: Iterable[tuple[date, int]], day: date) -> int | None:
    """Of versions with a day until which they were in force at least, the one in force on a day."""
    return next((version for until, version in sorted(ended) if day < until), None)
