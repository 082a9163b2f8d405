"""Drafted deviations: software says what the record shows, once for the same facts; a person the rest.

Drafts follow the record. One that nobody has touched takes up new facts; one that somebody has
described or classified stays, and another one is drafted beside it. What is no longer so is marked
for a person and never deleted. Callers hold the lock of the participant (or of the window).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop

from participants.domain.moments import day_of
from participants.models import Participant
from schedules.domain.deviations.drafts import (
    DRAFTED_OF_VISITS,
    DeviationKind,
    Draft,
    Lapse,
    RecordedVisit,
    drafts_of_visit,
    why_lapsed,
)
from schedules.domain.readiness.start_context import Item
from schedules.domain.windows.verdicts import Verdict
from schedules.models import Deviation, ProtocolWindow
from schedules.selectors.deviations.record_facts import versions_then, visits_on_record
from schedules.selectors.readiness.start_lines import started_against
from schedules.selectors.store.calendars import today_at
from trials.domain.stored_sentences import told
from trials.domain.words import Code, Words
from trials.services.store.loading import Row
from trials.services.store.updating import update_rows

_SAID = ("description", "classification", "cause", "action")
_DRAFTED = tuple(field.name for field in fields(Draft) if field.name not in {"about", "evidence"})
_COLUMNS = ("key", *_DRAFTED, "lapsed_on", "lapsed_because", "withdrawn_on", "withdrawn_reason", "version")
RECORDED_SINCE = "What became of the visit was recorded, and no departure from the protocol."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A draft that the record asks for: of whom, under which present version, found on which day."""

    draft: Draft
    participant: int
    version: int
    today: date
    visit: int | None = None
    window: int | None = None


def draft_deviation(
    *,
    participant: Participant,
    draft: Draft,
    now: datetime,
    visit: int | None = None,
    window: int | None = None,
) -> Deviation:
    """Draft one deviation of a participant, under the version in force when it occurred; once for its key.

    For departures that no single visit or window shows, such as a hold. Gives the one that stands
    for these facts, whatever a person has said of it since.
    """
    today, version = today_at(participant.site, now), participant.protocol_version_id
    wanted = Wanted(draft, participant.pk, version, today, visit, window)
    standing = Deviation.objects.filter(participant=participant, kind=draft.kind)
    _write([wanted], standing.order_by("pk").select_for_update(of=("self",), no_key=True))
    return Deviation.objects.get(key=draft.key)


def draft_at_enrolment(wanted: Sequence[Wanted]) -> None:
    """Draft what the history of participants departs in who have just been put on record."""
    _create(wanted)


def draft_of_visits(visits: Collection[int], now: datetime) -> None:
    """Bring the drafts of these visits in step with what is on record of them.

    Called by everything that changes what a visit's deviations follow from; whose history is being
    entered waits until it is complete. A constant number of
    statements, however many visits.
    """
    if not visits:
        return
    known = visits_on_record(visits, now)
    records = {pk: record for pk, record in known.items() if not record.history_open}
    found = Deviation.objects.filter(visit__in=list(records), kind__in=DRAFTED_OF_VISITS)
    # By their ids, as everybody locks them: two who each hold some would else wait for one another.
    standing = list(found.order_by("pk").select_for_update(of=("self",), no_key=True))
    kept = _write(list(_wanted(records.values())), standing)
    _mark_lapsed(
        (
            (one, why_lapsed(DeviationKind(one.kind), record), record.today)
            for one in standing
            if one.visit_id and one.pk not in kept
            for record in (records[one.visit_id],)
        ),
        records,
    )


@dataclass(frozen=True, slots=True)
class Violation:
    """A window that was violated: whose, under which protocol version, and by what."""

    window: ProtocolWindow
    version: int
    verdict: Verdict
    zone: ZoneInfo


def draft_window_deviations(violations: Sequence[Violation], now: datetime) -> None:
    """Draft a deviation for each violated window, unless there is one on the same evidence."""
    if not violations:
        return
    against = started_against({violation.window.participant_id for violation in violations})
    violations = [
        each
        for each in violations
        if (Item.TEST, each.window.label) not in against.get(each.window.participant_id, ())
    ]
    windows = [violation.window.pk for violation in violations]
    standing = Deviation.objects.filter(window__in=windows, kind=DeviationKind.WINDOW)
    _write(
        [_of_window(each, now) for each in violations],
        standing.order_by("pk").select_for_update(of=("self",), no_key=True),
    )


def lapse_window_deviations(windows: Collection[int], today: date) -> None:
    """Mark the deviations of windows that are, by what is on record now, not violated."""
    found = Deviation.objects.filter(window__in=list(windows), kind=DeviationKind.WINDOW, withdrawn_on=None)
    standing = found.filter(lapsed_on=None).order_by("pk").select_for_update(of=("self",), no_key=True)
    _mark_lapsed(((one, Lapse.KEPT, today) for one in standing), {})


def _of_window(violation: Violation, now: datetime) -> Wanted:
    window, verdict, zone = violation.window, violation.verdict, violation.zone
    draft = Draft(
        about=f"{DeviationKind.WINDOW}:{window.pk}",
        evidence=verdict.fingerprint,
        kind=DeviationKind.WINDOW,
        occurred_on=day_of(now if verdict.since is None else verdict.since, zone),
        opens=window.starts_on,
        closes=window.ends_on,
        facts=told(Words.of(gettext_noop("%(window)s."), {"window": Code(window.label)}), *verdict.words),
    )
    return Wanted(draft, window.participant_id, violation.version, day_of(now, zone), window=window.pk)


def _wanted(records: Iterable[RecordedVisit]) -> Iterator[Wanted]:
    for record in records:
        state = record.state
        for draft in drafts_of_visit(record, f"visit:{state.pk}"):
            yield Wanted(draft, state.participant_id, record.version, record.today, visit=state.pk)


def _write(wanted: Sequence[Wanted], standing: Iterable[Deviation]) -> set[int]:
    """Write what the record asks for beside what stands; gives the ids of those that stand for it."""
    known = list(standing)
    by_key = {one.key: one for one in known}
    untouched = {_about(one): one for one in known if _follows(one)}
    fresh: list[Wanted] = []
    changed: list[Row] = []
    kept: set[int] = set()
    for each in wanted:
        one = by_key.get(each.draft.key) or untouched.get(each.draft.about)
        if one is None:
            fresh.append(each)
            continue
        kept.add(one.pk)
        row = _row(one, each.draft)
        # All but the version: what says the same is not written, or an open form would grow stale by it.
        if row[:-1] != _stored(one):
            changed.append((one.pk, *row))
    update_rows(Deviation, _COLUMNS, changed)
    _create(fresh)
    return kept


def _create(wanted: Sequence[Wanted]) -> None:
    """Write new drafts, each under the protocol version that was in force when it occurred."""
    then = versions_then({(one.participant, one.draft.occurred_on) for one in wanted}) if wanted else {}
    Deviation.objects.bulk_create(
        (_fresh(one, then.get((one.participant, one.draft.occurred_on), one.version)) for one in wanted),
        ignore_conflicts=True,
    )


def _about(one: Deviation) -> str:
    return one.key.rpartition(":")[0]


def _touched(one: Deviation) -> bool:
    return any(getattr(one, name) for name in _SAID) or one.lapsed_because == Lapse.UPHELD


def _follows(one: Deviation) -> bool:
    """Whether a draft takes up new facts: nobody has said anything of it, nor withdrawn it."""
    return not _touched(one) and (one.withdrawn_on is None or one.withdrawn_reason == RECORDED_SINCE)


def _row(one: Deviation, draft: Draft) -> Row:
    """The values of _COLUMNS once a draft stands for these facts; what a person has touched keeps its own.

    A withdrawal of what was no longer so falls with the mark: it is so again.
    """
    taken = one if _touched(one) else draft
    withdrawn = (one.withdrawn_on, one.withdrawn_reason) if one.lapsed_on is None else (None, "")
    because = one.lapsed_because if one.lapsed_because == Lapse.UPHELD else ""
    values = (getattr(taken, name) for name in _DRAFTED)
    return (draft.key, *values, None, because, *withdrawn, one.version + 1)


def _stored(one: Deviation) -> Row:
    return tuple(getattr(one, name) for name in _COLUMNS[:-1])


def _fresh(wanted: Wanted, version: int) -> Deviation:
    draft = wanted.draft
    return Deviation(
        participant_id=wanted.participant,
        visit_id=wanted.visit,
        window_id=wanted.window,
        protocol_version_id=version,
        key=draft.key,
        found_on=wanted.today,
        **{name: getattr(draft, name) for name in _DRAFTED},
    )


def _mark_lapsed(gone: Iterable[tuple[Deviation, Lapse, date]], visits: dict[int, RecordedVisit]) -> None:
    """Mark what is no longer so, once; a wait for a record that has come closes by itself, untouched."""
    rows: list[Row] = []
    for one, because, today in gone:
        if one.withdrawn_on or one.lapsed_on or one.lapsed_because == Lapse.UPHELD:
            continue
        awaited = because is Lapse.RECORDED and not _touched(one) and _on_time(visits[one.visit_id or 0])
        withdrawn = (today, RECORDED_SINCE) if awaited else (None, "")
        rows.append((one.pk, today, because, *withdrawn, one.version + 1))
    columns = ("lapsed_on", "lapsed_because", "withdrawn_on", "withdrawn_reason", "version")
    update_rows(Deviation, columns, rows)


def _on_time(visit: RecordedVisit) -> bool:
    return bool(visit.performed_on and visit.window.holds(visit.performed_on))
