"""What can be read of the audit trail: an entry out of the reader's sight does not exist for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.db.models import Max, Model, Q, QuerySet

from trials.audit.outside_names import record_name
from trials.audit.triggers import ELSEWHERE, audited_models
from trials.domain.accounts.access import Grant, Right, Scope
from trials.domain.audit.trail import Order
from trials.keyset import RowAfter, RowBefore, row_id
from trials.models import AuditEntry, AuditEpoch, AuditLink, AuditReview, AuditSeal, User
from trials.selectors.accounts.accounts import accounts_visible_to
from trials.selectors.records import roles_of, trials_run_at
from trials.zones import begins, ended

OURS = ("trials", "participants", "schedules")
MEMBERSHIP = "trials.membership"
SET_UP = (
    *("trials.site", "trials.workingdaytable", "trials.trial", "trials.trialsite", "trials.cohort"),
    *("trials.protocolversion", "trials.siteapproval", "trials.consentform"),
)
"""The records that anyone who has any role at a place may look at."""
COLUMNS = {
    Order.NEWEST: ("id",),
    Order.OLDEST: ("id",),
    Order.RECORD: ("model", "object_id", "id"),
    Order.WHO: ("actor", "id"),
}
Key = tuple[Any, ...]
Stretches = tuple[Q, ...]
FEW_PLACES = 12
"""Up to how many places of somebody's roles the trail is read place by place."""
PIECE = 100_000
PIECES = 5
"""How much of the trail one wider search reads: entries a statement, and statements."""
COUNTED = 10_000
"""Up to how many entries that are not sealed are counted; beyond it the page says that there are more."""


@dataclass(frozen=True, slots=True)
class WantedEntries:
    """Which entries are wanted; nothing means all. Days are the server's, both ends inside."""

    model: str = ""
    object_id: str = ""
    participants: QuerySet[Any] | None = None
    who: str = ""
    action: str = ""
    first: date | None = None
    last: date | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Some entries, and the key that the next page starts after; None on the last one.

    `looked_back_to` is when the oldest entry was written that a search read before it stopped.
    """

    entries: Sequence[AuditEntry]
    after: Key | None
    looked_back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class SealState:
    """Until where the trail is sealed: the last link, its hash, when; entries not sealed; epochs.

    `unsealed` is counted up to `COUNTED` and one more, which stands for any number beyond.
    """

    last: int
    head: str
    sealed_at: datetime | None
    unsealed: int
    epochs: tuple[AuditEpoch, ...] = ()

    @property
    def counted(self) -> int:
        """How many are known not to be sealed."""
        return min(self.unsealed, COUNTED)

    @property
    def more(self) -> bool:
        """Whether there are more than were counted."""
        return self.unsealed > COUNTED


def recorded_models() -> Mapping[str, type[Model]]:
    """Every kind of record that the trail holds, by its name there."""
    labels = [*OURS, *(label.partition(".")[0] for label in ELSEWHERE)]
    found = (model for label in labels for model in audited_models(apps.get_app_config(label)))
    return {record_name(model): model for model in found}


def entries_in_sight(user: User, today: date, participants: QuerySet[Any]) -> QuerySet[AuditEntry]:
    """The entries that somebody may read: of participants in sight (given), and of places and accounts."""
    scope = roles_of(user, today)
    if scope.everything:
        return AuditEntry.objects.all()
    places = Q(pk__in=[])
    for grant in scope.grants:
        places |= _of_place(grant)
    # where all are seen, a list of everybody's ids would be made before the first entry is read
    whole = scope.allows_throughout(Right.VIEW)
    theirs = Q(participant_id__isnull=False) if whole else Q(participant_id__in=participants.values("pk"))
    return AuditEntry.objects.filter(
        theirs | Q(participant_id=None) & (places | _of_accounts(user, scope, today))
    )


def _of_place(grant: Grant) -> Q:
    """What stands at the place of a role: with sight of participants everything, else the set-up alone.

    What belongs to a trial as a whole is in sight of a site's roles where the site runs the trial.
    """
    here = Q() if grant.site is None else Q(site_id=None) | Q(site_id=grant.site)
    within = Q() if grant.trial is None else Q(trial_id=None) | Q(trial_id=grant.trial)
    of_a_place = ~Q(site_id=None, trial_id=None) & ~Q(model=MEMBERSHIP)
    if grant.site and grant.trial is None:
        of_a_place &= Q(site_id=grant.site) | Q(trial_id__in=trials_run_at([grant.site]))
    found = here & within & of_a_place
    if not grant.allows(Right.VIEW):
        found &= Q(model__in=SET_UP)
    return found | (Q(model=MEMBERSHIP) & here & within) if grant.allows(Right.ADMINISTER) else found


def _of_accounts(user: User, scope: Scope, today: date) -> Q:
    """What belongs to no place: accounts, for those who administer them; all where that is everything."""
    if scope.allows_throughout(Right.ADMINISTER):
        return Q(site_id=None, trial_id=None)
    if not scope.allows(Right.ADMINISTER):
        return Q(pk__in=[])
    accounts = [str(pk) for pk in accounts_visible_to(user, today).values_list("pk", flat=True)]
    return Q(model="trials.user", object_id__in=accounts)


def wanted_entries(entries: QuerySet[AuditEntry], asked: WantedEntries) -> QuerySet[AuditEntry]:
    """Those of the entries that were asked for."""
    plain = {"model": asked.model, "object_id": asked.object_id, "action": asked.action}
    entries = entries.filter(**{name: value for name, value in plain.items() if value})
    if asked.participants is not None:
        entries = entries.filter(participant_id__in=asked.participants.values("pk"))
    if asked.who:
        entries = entries.filter(actor__icontains=asked.who)
    if asked.first:
        entries = entries.filter(at__gte=begins(asked.first), pk__gt=_sealed_before(begins(asked.first)))
    if asked.last:
        entries = entries.filter(at__lt=ended(asked.last))
    if asked.text:
        said = Q(reason__icontains=asked.text) | Q(cause__icontains=asked.text)
        entries = entries.filter(said | Q(old__icontains=asked.text) | Q(new__icontains=asked.text))
    return entries


def _sealed_before(instant: datetime) -> int:
    """The last entry that was sealed before an instant, so written before it; 0 for none.

    Entries are found by number, not by time: what a seal covers already is not read again. An entry that was
    smuggled in under an earlier number is named by `verify_audit`, not found by its day.
    """
    seal = AuditSeal.objects.filter(sealed_at__lt=instant).order_by("-last").first()
    link = AuditLink.objects.filter(number=seal.last).first() if seal else None
    return link.entry_id if link else 0


def stretches_of(user: User, today: date, moved: QuerySet[Any], participants: QuerySet[Any]) -> Stretches:
    """The parts of the trail in which a user's entries lie, each found by an index of its own.

    A condition that joins sites, trials and participants by OR can only be answered by walking the whole
    trail; each part alone is a walk along one index. `moved` are the participants who changed their site:
    what was written before carries the site of that time. Nothing for somebody who sees everything, or
    has roles at so many places that the walk finds a page soon.
    """
    here = _places_of(roles_of(user, today))
    if here is None or len(here) > FEW_PLACES:
        return ()
    unknown = Q(site_id=None, participant_id__isnull=False, participant_id__in=participants.values("pk"))
    elsewhere = list(moved.filter(pk__in=participants.values("pk")).values_list("pk", flat=True))
    rest = [Q(participant_id=None), unknown]
    return (*here, *rest, *([Q(participant_id__in=elsewhere)] if elsewhere else ()))


def _places_of(scope: Scope) -> list[Q] | None:
    """A condition for each place at which somebody has a role; None where they see every place."""
    sites = {grant.site for grant in scope.grants if grant.site is not None}
    trials = {grant.trial for grant in scope.grants if grant.site is None and grant.trial is not None}
    everywhere = any(grant.site is None and grant.trial is None for grant in scope.grants)
    if scope.everything or everywhere:
        return None
    return [Q(site_id=site) for site in sorted(sites)] + [Q(trial_id=trial) for trial in sorted(trials)]


def page_of_entries(
    entries: QuerySet[AuditEntry], order: Order, after: Key | None, size: int, stretches: Stretches = ()
) -> EntryPage:
    """The first `size` entries after a key, in this order; nothing is counted."""
    columns = COLUMNS[order]
    backwards = order is Order.NEWEST
    if after is not None:
        beyond = RowBefore if backwards else RowAfter
        entries = entries.filter(beyond(dict(zip(columns, after, strict=True))))
    ordered = entries.order_by(*(f"-{name}" if backwards else name for name in columns))
    found = _first(ordered, size + 1, stretches if columns == ("id",) else (), backwards=backwards)
    kept = found[:size]
    more = len(found) > size
    return EntryPage(kept, tuple(getattr(kept[-1], name) for name in columns) if more else None)


def _first(
    ordered: QuerySet[AuditEntry], many: int, stretches: Stretches, *, backwards: bool
) -> list[AuditEntry]:
    """The first entries of those in order of their numbers, each stretch asked alone."""
    if not stretches:
        return list(ordered[:many])
    found = {entry.pk: entry for part in stretches for entry in ordered.filter(part)[:many]}
    return [found[pk] for pk in sorted(found, reverse=backwards)[:many]]


def search_backwards(
    entries: QuerySet[AuditEntry], after: Key | None, size: int, since: date | None = None
) -> EntryPage:
    """Look for entries from a number backwards in pieces of `PIECE` entries, at most `PIECES` of them.

    `since` is the first day that is asked for: nothing that was written before it is read.

    A text is found by reading every entry: each statement stays bounded, and where the pieces are used up
    before the page is full, the answer says how far it has looked (`looked_back_to`) and goes on from there.
    """
    last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    top = int(after[-1]) if after is not None else last + 1
    found: list[AuditEntry] = []
    for _piece in range(PIECES):
        low = max(0, top - PIECE)
        part = entries.filter(pk__gte=low, pk__lt=top).order_by("-pk")
        found += part[: size + 1 - len(found)]
        if len(found) > size:
            return EntryPage(found[:size], (found[size - 1].pk,))
        top = low
        if top == 0 or (since is not None and _is_before(top, since)):
            return EntryPage(found, None)
    reached = AuditEntry.objects.filter(pk__gte=top).order_by("pk").first()
    return EntryPage(found, (top,), reached.at if reached else None)


def _is_before(top: int, since: date) -> bool:
    """Whether all entries before a number were written before a day."""
    newest = AuditEntry.objects.filter(pk__lt=top).order_by("-pk").first()
    return newest is None or newest.at < begins(since)


def newest_of(entries: QuerySet[AuditEntry], stretches: Stretches = ()) -> int:
    """The number of the newest of the entries; 0 where there is none."""
    found = _first(entries.order_by("-pk"), 1, stretches, backwards=True)
    return found[0].pk if found else 0


def ends_of(entries: QuerySet[AuditEntry], last_shown: int, stretches: Stretches = ()) -> tuple[int, int]:
    """The numbers of the first and the last of the entries up to the one that was shown last; 0 for none."""
    upto = entries.filter(pk__lte=last_shown)
    first = _first(upto.order_by("pk"), 1, stretches, backwards=False)
    return (first[0].pk, newest_of(upto, stretches)) if first else (0, 0)


def trail_of(entries: QuerySet[AuditEntry], model: str, object_id: str) -> QuerySet[AuditEntry]:
    """The entries of one record; of a participant, all that is recorded of them."""
    if model == "participants.participant" and row_id(object_id):
        return entries.filter(participant_id=row_id(object_id))
    return entries.filter(model=model, object_id=object_id)


def record_now(entries: QuerySet[AuditEntry], model: str, object_id: str) -> Model | None:
    """A record as it stands, for those who may read the last entry about it; None for one that is deleted."""
    kind = recorded_models().get(model)
    newest = AuditEntry.objects.filter(model=model, object_id=object_id).order_by("-id").first()
    if kind is None or newest is None or not entries.filter(pk=newest.pk).exists():
        return None
    found: Model | None = kind._default_manager.filter(pk=object_id).first()  # noqa: SLF001 (public by custom)
    return found


def seal_state() -> SealState:
    """Until where the trail is sealed."""
    seal = AuditSeal.objects.order_by("-last").first()
    link = AuditLink.objects.aggregate(last=Max("entry_id"))["last"]
    unsealed = AuditEntry.objects.filter(pk__gt=link or 0).order_by()[: COUNTED + 1].count()
    epochs = tuple(AuditEpoch.objects.order_by("number"))
    if seal is None:
        return SealState(0, "", None, unsealed, epochs)
    return SealState(seal.last, seal.head, seal.sealed_at, unsealed, epochs)


def remarks_on(model: str, object_id: str) -> QuerySet[AuditReview]:
    """What was said of one record, the newest first; for anyone who has its trail in sight."""
    said = AuditReview.objects.select_related("by").filter(filters=about(model, object_id))
    return said.order_by("-reviewed_at", "-pk")


def about(model: str, object_id: str) -> str:
    """How a review says that it is of one record."""
    return f"{model} {object_id}"


def reviews_in_sight(user: User, today: date) -> QuerySet[AuditReview]:
    """One's own reviews; everybody's for anyone who looks at, or administers, every site and trial."""
    scope = roles_of(user, today)
    reviews = AuditReview.objects.select_related("by").order_by("-reviewed_at", "-pk")
    if any(scope.allows_throughout(right) for right in (Right.VIEW, Right.ADMINISTER)):
        return reviews
    return reviews.filter(by=user)
