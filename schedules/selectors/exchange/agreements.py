"""What an EDC and Dayzero have agreed on: maps of names, and the days on which they do not agree."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from participants.models import Anchor, Participant
from participants.selectors.participants import participants_visible_to
from schedules.domain.visits.reported_values import words_of_day, words_of_item
from schedules.models import EdcMap, ValueDifference
from schedules.selectors.exchange.people import ids_by_code
from trials.domain.accounts.access import RolesDay
from trials.domain.words import Words
from trials.keyset import Page, page_by_id
from trials.models import Trial, User
from trials.selectors.records import protocol_of, trials_visible_to


def maps_of(trial: Trial) -> QuerySet[EdcMap]:
    """The maps of a trial, by EDC and environment."""
    return EdcMap.objects.filter(trial=trial).select_related("trial").order_by("edc", "environment")


def listed_maps(
    user: User, today: RolesDay, trials: Collection[str], page: tuple[int | None, int]
) -> Page[EdcMap]:
    """Read a page of the maps of trials in a user's sight, by id. Raises FilterRefused."""
    seen = trials_visible_to(user, today)
    found = EdcMap.objects.filter(trial__in=seen.order_by().values("pk")).select_related("trial")
    if trials:
        found = found.filter(trial__in=ids_by_code(seen, "trial", trials))
    return page_by_id(found, *page)


def edc_map(trial: Trial, edc: str, environment: str) -> EdcMap | None:
    """The map of a trial for an EDC in an environment; None where there is none."""
    found = EdcMap.objects.select_related("trial")
    return found.filter(trial=trial, edc=edc, environment=environment).first()


def differences_visible_to(user: User, today: date) -> QuerySet[ValueDifference]:
    """The differences of the participants whom a user may look at."""
    people = participants_visible_to(user, today)
    related = ("participant__trial", "participant__site", "visit")
    return ValueDifference.objects.filter(participant__in=people).select_related(*related)


@dataclass(frozen=True, slots=True)
class WantedDifferences:
    """Which differences: ids of trial and site, part of a subject code, open ones or settled."""

    trial: int | None = None
    site: int | None = None
    search: str = ""
    settled: bool = False


def listed_differences(
    user: User, today: date, wanted: WantedDifferences, after: int | None, size: int
) -> Page[ValueDifference]:
    """Read a page of the differences in a user's sight, the oldest first; a constant number of queries."""
    rows = differences_visible_to(user, today).filter(settled_at__isnull=not wanted.settled)
    if wanted.trial:
        rows = rows.filter(participant__trial=wanted.trial)
    if wanted.site:
        rows = rows.filter(participant__site=wanted.site)
    if wanted.search:
        rows = rows.filter(participant__subject_code__icontains=wanted.search)
    related = ("participant__protocol_version", "settled_by")
    return page_by_id(
        rows.select_related(*related).defer("participant__protocol_version__document"), after, size
    )


def anchor_on_record(participant: Participant, code: str) -> Anchor | None:
    """An anchor of a participant as it is on record; None where it is not."""
    return Anchor.objects.filter(participant=participant, code=code).first()


def what_differs(one: ValueDifference) -> Words:
    """Say of what both values are: an anchor, a visit, or what was said at a visit."""
    protocol = protocol_of(one.participant.protocol_version)
    if one.visit is None:
        rule = protocol.anchor_by_code.get(one.anchor)
        return Words(rule.label if rule else one.anchor)
    visit = Words(one.visit.label)
    if not one.item:
        return visit
    labels = {each.code: each.label for each in protocol.windows}
    labels |= {each.code: each.label for each in protocol.activities}
    called = Words(labels.get(one.item) or protocol.named(one.item))
    return Words.of(gettext_noop("%(visit)s: %(of)s"), {"visit": visit, "of": called})


def words_of_both(one: ValueDifference) -> tuple[Words, Words]:
    """Say both values of a difference as people read them: ours, and that of the EDC."""
    words = words_of_item if one.item else words_of_day
    return words(one.ours), words(one.theirs)
