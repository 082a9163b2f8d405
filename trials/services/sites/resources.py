"""Put on record what a site sees people with: rooms, beds, staff and slots, and their closed days."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, time

from django.utils.translation import gettext as _

from trials.audit.acts import recorded
from trials.domain.errors import Refused, Stale
from trials.domain.sites.resources import DEFAULT_MINUTES, ResourceKind
from trials.models import Resource, ResourceClosure, Site, User
from trials.services.sites.plausible_days import ask_once, frame_at_site, impossible_days, questions_of
from trials.spoken import sentence


@dataclass(frozen=True, slots=True)
class ResourceSaid:
    """What is said of a resource: its kind and name, how many it holds, its hours and weekdays."""

    kind: str
    name: str
    capacity: int = 1
    opens_at: time | None = None
    closes_at: time | None = None
    weekdays: str = ""
    minutes: int = DEFAULT_MINUTES


@recorded
def add_resource(*, site: Site, said: ResourceSaid, by: User | None, reason: str = "") -> Resource:
    """Put a resource of a site on record. Raises Refused for a name that is taken, hours out of order."""
    _refuse(site, said)
    return Resource.objects.create(site=site, **_columns(said))


@recorded
def change_resource(
    *, resource: Resource, version: int, said: ResourceSaid, by: User | None, reason: str = ""
) -> Resource:
    """Change what is on record of a resource. Raises Stale, and Refused as `add_resource`."""
    found = _locked(resource, version)
    _refuse(found.site, said, found)
    for name, value in {**_columns(said), "version": version + 1}.items():
        setattr(found, name, value)
    found.save()
    return found


@recorded
def retire_resource(
    *, resource: Resource, version: int, on: date, by: User | None, reason: str = ""
) -> Resource:
    """Put on record that a resource is no longer used: bookings are not offered it. Raises Stale."""
    found = _locked(resource, version)
    found.retired_on, found.version = on, version + 1
    found.save(update_fields=["retired_on", "version"])
    return found


@recorded
def close_resource(
    *,
    resource: Resource,
    first: date,
    last: date,
    note: str,
    today: date,
    by: User | None,
    reason: str = "",
    sure: bool = False,
) -> ResourceClosure:
    """Put on record that a resource cannot be used on some days.

    Raises Refused for days out of order, and for an unlikely day that nobody has said is meant (`sure`), or
    that is meant and has no reason.
    """
    if impossible := impossible_days({"first": first, "last": last}):
        raise Refused(impossible)
    if last < first:
        message = _("It ends on %(last)s, before it begins on %(first)s: give %(first)s or a later day.")
        raise Refused({"last": [sentence(message, {"first": first, "last": last})]})
    unlikely = list(questions_of(frame_at_site(resource.site, today), [first, last]))
    ask_once(unlikely, Refused, sure=sure, reason=reason)
    return ResourceClosure.objects.create(resource=resource, first=first, last=last, note=note.strip())


@recorded
def end_closure(*, closure: ResourceClosure, by: User | None, reason: str = "") -> ResourceClosure:
    """Put on record that the closed days of a resource no longer count; the row stays."""
    closure.ended = True
    closure.save(update_fields=["ended"])
    return closure


def _columns(said: ResourceSaid) -> dict[str, object]:
    return {**asdict(said), "name": said.name.strip()}


def _locked(resource: Resource, version: int) -> Resource:
    found = Resource.objects.select_for_update(no_key=True).get(pk=resource.pk)
    if found.version != version:
        raise Stale("trials.resource", found.pk, version, found.version)
    return found


def _refuse(site: Site, said: ResourceSaid, but: Resource | None = None) -> None:
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)  # of two who take one name, one is told
    fields: dict[str, list[str]] = {}
    name = said.name.strip()
    if said.kind not in set(ResourceKind):
        fields["kind"] = [_("Choose a room, a bed, staff or a slot.")]
    if not name:
        fields["name"] = [_("Enter a name, in any language.")]
    same = Resource.objects.filter(site=site, kind=said.kind, name=name, retired_on=None)
    if (same.exclude(pk=but.pk) if but else same).exists():
        fields["name"] = [_("%(name)s is on record already: change that one.") % {"name": name}]
    if said.opens_at and said.closes_at and said.closes_at <= said.opens_at:
        fields["closes_at"] = [_("It closes before it opens: give a later hour.")]
    if fields:
        raise Refused(fields)
