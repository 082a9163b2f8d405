"""A step of a course shown before it is taken, and taken as it was shown.

What a step does stands in one place, its service. To show it the service is called in a transaction
that is withdrawn, and the record before is compared with the record after; to take it the same is
done and kept, unless it would come to anything else than what was shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from participants.models import Participant
from schedules.domain.errors import BookingsOrphaned
from schedules.domain.replanning.status_change_effects import Pair, compare_pairs
from schedules.domain.replanning.visit_effects import VisitChange
from schedules.domain.replanning.window_and_gate_changes import GateChange, WindowChange, compare_windows
from schedules.domain.visits.visit import VisitState
from schedules.domain.windows.verdict_changes import Judged, compare_verdicts
from schedules.models import Deviation, Reminder
from schedules.selectors.readiness.board import TrialCourses, courses_of, is_gated
from schedules.selectors.store.records import Record, record_of
from schedules.selectors.windows.evaluation import docket_of_record
from schedules.services.replanning.previews import Preview, Proposal, SideEffects, closed_days, preview_of
from schedules.services.replanning.refusals import Previewed, PreviewStale
from schedules.services.replanning.side_effects import due_anew, gates_between, reminded_visits
from trials.selectors.records import protocol_of
from trials.spoken import bracketed, say

Act = partial[Any]
"""A service with its named arguments, not called yet: one participant's record is all that it changes."""

_NOT_SHOWN = frozenset({"participant", "version", "by", "reason", "now"})


@dataclass(frozen=True)
class Rehearsal(Preview):
    """What a step does, for every visit and protocol window; `record` is the record after it.

    `said` names the step with what it was asked; `before` is the record that it met.
    """

    said: str = field(kw_only=True)
    before: Record = field(kw_only=True)

    @cached_property
    def today(self) -> date:
        """The day that it is at the site before the step, which may lead to another one."""
        return self.now.astimezone(self.before.zone).date()

    @cached_property
    def visits(self) -> tuple[VisitChange, ...]:
        """Every visit before and after, the most severe effect first."""
        before, after = _by_id(self.before), _by_id(self.record)
        pairs = [Pair(before.get(pk), after.get(pk)) for pk in {**before, **after}]
        return compare_pairs(pairs, self.plan, self.today, self._closed(), self.traits)

    @cached_property
    def windows(self) -> tuple[WindowChange, ...]:
        """Every protocol window before and after."""
        return compare_windows(self.before.spans(), self.record.spans())

    def _closed(self) -> frozenset[date]:
        return closed_days(self.record, self.before.calendar, self.record.calendar)

    def _seen(self) -> dict[str, object]:
        person = self.before.participant
        return {
            **super()._seen(),
            "said": self.said,
            "participant": [person.pk, person.version],
            "rows": [[visit.pk, visit.version] for visit in self.before.visits],
            "windows": {code: [span.starts, span.ends] for code, span in self.record.spans().items()},
            "deviations": [self.around.drafted, self.around.lapsed],
            "gates": [_opening(change) for change in self.around.gates],
        }


class RehearsalOrphans(Previewed, BookingsOrphaned):
    """A step would leave bookings behind, and nobody said that this is meant; `preview` shows it."""

    def __init__(self, message: str, preview: Rehearsal) -> None:
        self.preview = preview
        super().__init__(message)


def rehearse(*, participant: Participant, act: Act, now: datetime) -> Rehearsal:
    """What an act would do, in a constant number of queries; everything it writes is withdrawn.

    Raises what the act raises.
    """
    with transaction.atomic():
        shown = _performed(participant, act, now)
        transaction.set_rollback(True)
    return shown


@transaction.atomic
def perform_as_shown(
    *, participant: Participant, act: Act, digest: str, accept_unbookable: bool, now: datetime
) -> None:
    """Perform an act that was rehearsed; `digest` is that of the rehearsal that was shown.

    Raises PreviewStale, with what it would do now, where anything changed since; RehearsalOrphans for
    bookings that would lose their window unless they are accepted so; and what the act raises.
    """
    shown = _performed(participant, act, now)
    if shown.digest != digest:
        raise PreviewStale(shown)
    if shown.orphans and not accept_unbookable:
        listed = _(", ").join(bracketed(say(change.label), change.booked_on) for change in shown.orphans)
        message = _(
            "These bookings would be left behind: %(bookings)s. Confirm that they are to be booked again."
        )
        raise RehearsalOrphans(message % {"bookings": listed}, shown)


def _performed(participant: Participant, act: Act, now: datetime) -> Rehearsal:
    # Locked for a rehearsal too: nobody else's change may lie between what is met and what is shown.
    before = record_of(participant.pk, lock=True)
    stood = _Stood.of(before, now)
    act()
    after = record_of(participant.pk)
    plan = preview_of(after, Proposal(), now).plan
    asked = {name: str(value) for name, value in act.keywords.items() if name not in _NOT_SHOWN}
    said = f"{act.func.__name__} {sorted(asked.items())}"
    shown = Rehearsal(after, Proposal(), plan, now, said=said, before=before)
    around = stood.around(shown, now)
    return Rehearsal(after, Proposal(), plan, now, around, said=said, before=before)


@dataclass(frozen=True, slots=True)
class _Stood:
    """What stood beside the calendar before an act: deviations, reminders to be sent, others' courses."""

    record: Record
    drafted: Mapping[int, tuple[str, str]]
    reminded: Mapping[int, int]
    courses: TrialCourses | None
    judged: Mapping[str, Judged]

    @classmethod
    def of(cls, record: Record, now: datetime) -> _Stood:
        """All of it as it is now."""
        pk = record.participant.pk
        waiting = Reminder.objects.filter(visit__participant=pk, sent_at=None, lapsed_at=None)
        judged = docket_of_record(record).verdicts(now)
        reminded = dict(waiting.values_list("pk", "visit_id"))
        return cls(record, _drafted(pk), reminded, _courses(record, now), judged)

    def around(self, shown: Rehearsal, now: datetime) -> SideEffects:
        """What has become of it."""
        person = self.record.participant
        touched = set(reminded_visits(shown))
        cancelled = sum(visit in touched for visit in self.reminded.values())
        gates: tuple[GateChange, ...] = ()
        if self.courses and (then := _courses(self.record, now)):
            gates = gates_between(shown.plan.protocol, person, self.courses, then.courses)
        stands = _drafted(person.pk)
        drafted = tuple(one for pk, one in stands.items() if self.drafted.get(pk) != one)
        lapsed = tuple(one for pk, one in self.drafted.items() if pk not in stands)
        participant_windows = docket_of_record(shown.record)
        verdicts = compare_verdicts(
            self.judged, participant_windows.verdicts(now), participant_windows.protocol.named
        )
        return SideEffects(
            cancelled, due_anew(shown), gates, drafted=drafted, lapsed=lapsed, verdicts=verdicts
        )


def _opening(change: GateChange) -> list[str]:
    """A gate before and after, as the page tells it."""
    verdicts = (change.before, change.after)
    found = [f"{verdict.open} {verdict.opens_on}" for verdict in verdicts]
    return [change.subject, change.site, change.begins.isoformat(), *found]


def _drafted(participant: int) -> dict[int, tuple[str, str]]:
    """The deviations that stand, with their kinds and what the record says."""
    standing = Deviation.objects.filter(participant=participant, lapsed_on=None, withdrawn_on=None)
    return {
        pk: (kind, facts) for pk, kind, facts in standing.order_by("pk").values_list("pk", "kind", "facts")
    }


def _courses(record: Record, now: datetime) -> TrialCourses | None:
    protocol = protocol_of(record.participant.protocol_version)
    return courses_of(protocol, record.participant.trial_id, now) if is_gated(protocol) else None


def _by_id(record: Record) -> dict[int, VisitState]:
    return dict(zip((visit.pk for visit in record.visits), record.standing(), strict=True))
