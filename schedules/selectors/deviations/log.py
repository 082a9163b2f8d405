"""The log of deviations, within what the reader may see: filtered, page by page, and whole for an export."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.db.models import Count, F, Q, QuerySet, Value
from django.db.models.functions import Greatest

from participants.selectors.participants import (
    few_in_sight,
    of_few_or_visible_to,
    participants_visible_to,
)
from schedules.domain.deviations.drafts import (
    KIND_LABELS,
    LAPSE_LABELS,
    DeviationKind,
    DeviationState,
    Lapse,
    state_of,
)
from schedules.models import Deviation, DeviationClass, Visit
from schedules.selectors.trust.signing import DEVIATION, signable_deviation
from trials.domain.audit.signing import Standing
from trials.keyset import Key, RowBefore
from trials.models import Signature, User

PAGE = 50
READ = 500
_FEW = 200  # ids that a statement names; SQLite takes no endless list

STATES: Mapping[DeviationState, Q] = {
    DeviationState.DRAFT: Q(withdrawn_on=None, lapsed_on=None, classification=""),
    DeviationState.LAPSED: Q(withdrawn_on=None, lapsed_on__isnull=False),
    DeviationState.CLASSIFIED: Q(withdrawn_on=None, lapsed_on=None) & ~Q(classification=""),
    DeviationState.WITHDRAWN: Q(withdrawn_on__isnull=False),
}
"""`state_of` in the database's words."""

_UNSAID = Q(description="", classification="", cause="", action="")
STANDING = Q(withdrawn_on=None) & (Q(lapsed_on=None) | ~_UNSAID)
"""What a log shows first: all but what was withdrawn, and drafts that lapsed before anybody said a word."""


@dataclass(frozen=True, slots=True)
class WantedDeviations:
    """Which deviations are asked for; nothing means all. `search` is part of a subject code.

    `standing` leaves out what needs nobody any more, where no state is asked for.
    """

    trial: int | None = None
    site: int | None = None
    search: str = ""
    kind: DeviationKind | None = None
    state: DeviationState | None = None
    classification: str = ""
    first: date | None = None
    last: date | None = None
    after: Key | None = None
    standing: bool = False

    @property
    def filtered(self) -> bool:
        """Whether anything but all is asked for."""
        asked = (self.trial, self.site, self.search, self.kind, self.state, self.classification)
        return any((*asked, self.first, self.last))


@dataclass(frozen=True, slots=True)
class DeviationRow:
    """A deviation in the log, and whether a signature stands for it as it is; None where nobody signed."""

    deviation: Deviation
    signed: Standing | None

    @property
    def state(self) -> DeviationState:
        """Where it stands."""
        one = self.deviation
        return state_of(
            withdrawn=one.withdrawn_on is not None,
            lapsed=one.lapsed_on is not None,
            classified=bool(one.classification),
        )

    @property
    def kind_label(self) -> str:
        """What departed from the protocol, marked for translation."""
        return KIND_LABELS[DeviationKind(self.deviation.kind)]

    @property
    def lapse_label(self) -> str:
        """Why a deviation no longer holds, or that somebody upholds it; marked for translation, or empty."""
        because = self.deviation.lapsed_because
        return LAPSE_LABELS[Lapse(because)] if because else ""

    @property
    def early(self) -> int | None:
        """Days before the window; None where it was not early."""
        days = self.deviation.days
        return -days if days and days < 0 else None

    @property
    def late(self) -> int | None:
        """Days after the window; None where it was not late."""
        days = self.deviation.days
        return days if days and days > 0 else None


@dataclass(frozen=True, slots=True)
class Totals:
    """How many deviations there are of each state, and of those that stand of each class."""

    states: Mapping[DeviationState, int]
    classes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DeviationPage:
    """A page of the log, the newest first, and the key that the next one starts after."""

    rows: Sequence[DeviationRow]
    after: Key | None


def deviation_page(user: User, today: date, wanted: WantedDeviations) -> DeviationPage:
    """A page of the log; nothing is counted, and the queries do not depend on how many there are."""
    found = deviations_wanted(user, today, wanted)
    if wanted.after:
        found = found.filter(RowBefore({"occurred_on": wanted.after[0], "id": wanted.after[1]}))
    few = few_in_sight(user, today, wanted.site, wanted.trial) is not None
    # the same day, in words that keep a database from walking along the days of everybody else
    day = Greatest("occurred_on", "occurred_on") if few else F("occurred_on")
    ids = found.select_related(None).defer(None).order_by(day.desc(), "-id").values_list("pk", flat=True)
    # which they are, before anything is joined
    some = list(found.filter(pk__in=list(ids[: PAGE + 1])))
    kept = some[:PAGE]
    more = len(some) > PAGE
    return DeviationPage(_rows(kept), (kept[-1].occurred_on, kept[-1].pk) if more else None)


def deviation_totals(user: User, today: date, wanted: WantedDeviations) -> Totals:
    """How many deviations of each state and class there are of what is asked for, but for the state."""
    found = deviations_wanted(user, today, replace(wanted, state=None, standing=False)).order_by()
    states = {f"state_{place}": condition for place, condition in enumerate(STATES.values())}
    classes = {
        name: STATES[DeviationState.CLASSIFIED] & Q(classification=name) for name in DeviationClass.values
    }
    counted = {name: Count(Value(1), filter=condition) for name, condition in {**states, **classes}.items()}
    totals = found.select_related(None).defer(None).aggregate(**counted)
    by_state = {state: totals[f"state_{place}"] for place, state in enumerate(STATES)}
    return Totals(by_state, {name: totals[name] for name in DeviationClass.values})


def drafts_chosen(user: User, today: date, ids: Collection[int]) -> list[DeviationRow]:
    """These deviations in a user's sight that are still to be classified, the newest first."""
    seen = deviations_wanted(user, today, WantedDeviations(state=DeviationState.DRAFT))
    return _rows(list(seen.filter(pk__in=list(ids))))


def deviation_rows(user: User, today: date, wanted: WantedDeviations) -> Iterator[DeviationRow]:
    """Everything that is asked for, for an export; READ of them at a time, with two queries."""
    found = deviations_wanted(user, today, wanted)
    after = wanted.after
    while True:
        those = found.filter(RowBefore({"occurred_on": after[0], "id": after[1]})) if after else found
        some = list(those[:READ])
        yield from _rows(some)
        if len(some) < READ:
            return
        after = (some[-1].occurred_on, some[-1].pk)


def deviations_wanted(user: User, today: date, wanted: WantedDeviations) -> QuerySet[Deviation]:
    """The deviations in a user's sight that are asked for, the newest first."""
    found = Deviation.objects.filter(of_few_or_visible_to(user, today, wanted.site, wanted.trial))
    for name, value in (
        ("participant__subject_code__icontains", wanted.search),
        ("kind", wanted.kind),
        ("classification", wanted.classification),
        ("occurred_on__gte", wanted.first),
        ("occurred_on__lte", wanted.last),
    ):
        if value:
            found = found.filter(**{name: value})
    if wanted.state:
        found = found.filter(STATES[wanted.state])
    elif wanted.standing:
        found = found.filter(STANDING)
    return _related(found).order_by("-occurred_on", "-id")


def rows_of(deviations: Sequence[Deviation]) -> list[DeviationRow]:
    """The lines of deviations that were read with all that these are made of; one query."""
    return _rows(deviations)


def deviation_in_log(user: User, today: date, pk: int) -> DeviationRow | None:
    """One deviation in a user's sight, or None."""
    seen = Deviation.objects.filter(participant__in=participants_visible_to(user, today), pk=pk)
    rows = _rows(list(_related(seen)))
    return rows[0] if rows else None


def deviations_of_visit(visit: Visit) -> list[DeviationRow]:
    """What a visit departed in from the protocol; withdrawn ones are left out."""
    return _rows(list(_related(Deviation.objects.filter(visit=visit, withdrawn_on=None)).order_by("pk")))


def _related(found: QuerySet[Deviation]) -> QuerySet[Deviation]:
    related = ("participant__trial", "participant__site", "protocol_version", "visit", "window")
    return found.select_related(*related).defer("protocol_version__document")


def _rows(found: Sequence[Deviation]) -> list[DeviationRow]:
    signatures: dict[int, list[Signature]] = {}
    ids = [one.pk for one in found]
    for signature in _signatures(ids):
        signatures.setdefault(signature.object_id, []).append(signature)
    return [DeviationRow(one, _signed(one, signatures.get(one.pk, ()))) for one in found]


def _signatures(ids: Sequence[int]) -> Iterator[Signature]:
    """The signatures of these; of very many, those between the first and the last."""
    known = set(ids)
    if known:
        these = Q(object_id__in=known) if len(known) <= _FEW else Q(object_id__range=(min(known), max(known)))
        found = Signature.objects.filter(these, model=DEVIATION)
        yield from (signature for signature in found if signature.object_id in known)


def _signed(one: Deviation, signatures: Sequence[Signature]) -> Standing | None:
    if not signatures:
        return None
    record = signable_deviation(one)
    found = [record.standing_of(signature)[0] for signature in signatures]
    return Standing.STANDS if Standing.STANDS in found else Standing.VOID
