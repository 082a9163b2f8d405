"""What a few words find within somebody's sight: participants, their visits, trials and sites.

The number of queries does not depend on what there is, and a code is looked up by an index: by its
beginning (S01-0), or by its number (3, 003).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from django.db.models import Q

from participants.models import Participant, SitePeriod
from participants.selectors.participants import participants_coded, participants_visible_to
from participants.selectors.periods import former_participants
from schedules.domain.visits.short_names import visit_mark
from schedules.models import Visit
from schedules.selectors.store.stored_visits import day_zero_of, planned_visit
from trials.domain.words import Say, plain
from trials.models import Site, Trial, User
from trials.selectors.records import protocol_of, sites_visible_to, trials_visible_to
from trials.zones import roles_day, zone_of

MOST = 12
"""How many of each kind are shown; a longer text finds fewer."""

LONGEST, WORDS = 80, 4

Named = TypeVar("Named", Trial, Site)


@dataclass(frozen=True, slots=True)
class FoundVisit:
    """A visit of somebody, with its short name."""

    visit: Visit
    participant: Participant
    mark: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, the likeliest first; `more` says that there are more participants than are shown."""

    participants: Sequence[Participant] = ()
    visits: Sequence[FoundVisit] = ()
    trials: Sequence[Trial] = ()
    sites: Sequence[Site] = ()
    more: bool = False
    moved: Sequence[SitePeriod] = ()

    @property
    def count(self) -> int:
        """How many things were found."""
        return (
            len(self.participants) + len(self.visits) + len(self.trials) + len(self.sites) + len(self.moved)
        )

    @property
    def only(self) -> Participant | Visit | None:
        """The one participant, or the one visit, that all words name; None where there is a choice."""
        if self.visits:
            return self.visits[0].visit if len(self.visits) == 1 else None
        alone = len(self.participants) == 1 and not (self.trials or self.sites or self.moved)
        return self.participants[0] if alone else None


@dataclass(slots=True)
class _Words:
    """The words of a search, sorted by what they name."""

    codes: list[str] = field(default_factory=list)
    sites: list[set[int]] = field(default_factory=list)
    trials: list[set[int]] = field(default_factory=list)
    places: list[Q] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)


def search(user: User, text: str, now: datetime, say: Say = plain) -> Found:
    """Find what all words of a text name together; words beyond the fourth are not read."""
    words = text[:LONGEST].split()[:WORDS]
    if not words:
        return Found()
    today = roles_day(now)
    sites, trials = list(sites_visible_to(user, today)), list(trials_visible_to(user, today))
    read = _read(user, words, sites, trials, today)
    if not (read.codes or read.rest):
        return Found(trials=_named_by_all(trials, read.trials), sites=_named_by_all(sites, read.sites))
    people, more = _participants(user, read, today) if read.codes else ([], False)
    visits = _visits(people, read.rest, say) if people and read.rest else []
    if read.rest:  # a word that names nothing leaves nothing
        people, more = _of_these(people, visits), more and bool(visits)
    moved = former_participants(user, today, words[0])[:MOST] if len(words) == 1 else ()
    return Found(people, visits, more=more, moved=list(moved))


def _of_these(people: Iterable[Participant], visits: Iterable[FoundVisit]) -> list[Participant]:
    kept = {one.participant.pk for one in visits}
    return [one for one in people if one.pk in kept]


def _named_by_all(things: Iterable[Named], each_word: Sequence[Container[int]]) -> list[Named]:
    """Keep what each of the words names; nothing where there are none."""
    return [one for one in things if each_word and all(one.pk in named for named in each_word)]


def _read(
    user: User, words: Sequence[str], sites: Sequence[Site], trials: Sequence[Trial], today: date
) -> _Words:
    read = _Words()
    for word in words:
        at = {one.pk for one in sites if _names(word, one.code, one.name, *_more_names(one))}
        of = {one.pk for one in trials if _names(word, one.code, one.title, *_more_names(one))}
        if at or of:
            read.places.append(Q(site__in=at) | Q(trial__in=of))
            read.sites += [at] if at else []
            read.trials += [of] if of else []
        elif participants_coded(participants_visible_to(user, today), word).exists():
            read.codes.append(word)
        else:
            read.rest.append(word)
    return read


def _more_names(one: Site | Trial) -> tuple[str, ...]:
    names = ("short_name", "short_name_zh", "name_zh", "title_zh")
    return tuple(str(getattr(one, name, "") or "") for name in names)


def _names(word: str, *names: str) -> bool:
    """Whether a word stands in one of the names; one of a single letter or digit names nothing."""
    folded = word.casefold()
    longest = max(map(len, names), default=0)
    enough = len(folded) > 1 or not folded.isascii()
    return enough and longest > 0 and any(folded in name.casefold() for name in names if name)


def _participants(user: User, read: _Words, today: date) -> tuple[list[Participant], bool]:
    seen = participants_visible_to(user, today)
    for word in read.codes:
        seen = participants_coded(seen, word)
    for place in read.places:
        seen = seen.filter(place)
    related = seen.select_related("trial", "site", "protocol_version").prefetch_related("anchors")
    found = list(related.order_by("subject_code", "trial__code", "pk")[: MOST + 1])
    return found[:MOST], len(found) > MOST


def _visits(people: Sequence[Participant], words: Sequence[str], say: Say) -> list[FoundVisit]:
    """The visits of these participants that the words name: by short name, code or label."""
    by_pk = {one.pk: one for one in people}
    stored = Visit.objects.filter(participant__in=by_pk, cancelled_on=None).order_by("target", "pk")
    found = []
    for visit in stored:
        person = by_pk[visit.participant_id]
        mark = _mark(visit, person, say)
        names = (mark, visit.code, visit.label, say(visit.label))
        if all(_is_named(word, names) for word in words):
            found.append(FoundVisit(visit, person, mark))
    exact = [one for one in found if all(word.casefold() == one.mark.casefold() for word in words)]
    return (exact or found)[:MOST]


def _is_named(word: str, names: Sequence[str]) -> bool:
    folded = word.casefold()
    return any(folded in name.casefold() for name in names)


def _mark(visit: Visit, person: Participant, say: Say) -> str:
    protocol, zone = protocol_of(person.protocol_version), zone_of(person.site)
    zero = day_zero_of(person, protocol, zone)
    return say(visit_mark(protocol, planned_visit(visit, protocol, zone), zero))
