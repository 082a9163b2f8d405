"""The rooms, beds, staff and slots of sites."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date

from django.db.models import QuerySet

from trials.domain.sites.resources import ResourceKind, ResourceTerms
from trials.models import Resource, ResourceClosure, Site


def resources_of(site: Site) -> QuerySet[Resource]:
    """The resources of a site that are in use."""
    return Resource.objects.filter(site=site, retired_on=None).order_by("kind", "name", "pk")


def resource_terms(sites: Collection[int]) -> dict[int, ResourceTerms]:
    """When each resource of these sites (ids) can be used, by its id, retired ones too; two queries."""
    closed = _closed_days(sites)
    return {one.pk: terms_of(one, closed.get(one.pk, ())) for one in Resource.objects.filter(site__in=sites)}


def terms_in_use(sites: Collection[int]) -> dict[int, dict[int, ResourceTerms]]:
    """The terms of the resources that are in use, by site and id; two queries."""
    closed = _closed_days(sites)
    found: dict[int, dict[int, ResourceTerms]] = defaultdict(dict)
    for one in Resource.objects.filter(site__in=sites, retired_on=None):
        found[one.site_id][one.pk] = terms_of(one, closed.get(one.pk, ()))
    return dict(found)


def _closed_days(sites: Collection[int]) -> dict[int, list[tuple[date, date, str]]]:
    """The closed days of each resource of these sites, by its id; one query."""
    closed: dict[int, list[tuple[date, date, str]]] = defaultdict(list)
    spans = ResourceClosure.objects.filter(resource__site__in=sites, ended=False)
    for resource, first, last, note in spans.values_list("resource_id", "first", "last", "note"):
        closed[resource].append((first, last, note))
    return closed


def terms_of(resource: Resource, closed: Collection[tuple[date, date, str]] = ()) -> ResourceTerms:
    """The terms of a resource as the rules of clashes look at them."""
    return ResourceTerms(
        resource.pk,
        ResourceKind(resource.kind),
        resource.name,
        resource.capacity,
        resource.opens_at,
        resource.closes_at,
        frozenset(map(int, resource.weekdays)),
        tuple(closed),
        resource.minutes,
    )


def resource_of(site: Site, pk: int) -> Resource | None:
    """A resource of a site that is in use, by its id."""
    return resources_of(site).filter(pk=pk).first()


def closures_at(site: Site, today: date) -> QuerySet[ResourceClosure]:
    """The closed days of a site's resources that are not over."""
    found = ResourceClosure.objects.filter(resource__site=site, resource__retired_on=None, ended=False)
    return found.filter(last__gte=today).select_related("resource").order_by("first", "pk")


def closure_of(site: Site, pk: int) -> ResourceClosure | None:
    """Closed days of a site's resource that count, by their id."""
    found = ResourceClosure.objects.filter(resource__site=site, ended=False, pk=pk)
    return found.select_related("resource").first()
