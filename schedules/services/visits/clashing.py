"""What clashes with a booking is refused before it is saved, unless somebody books it all the same."""

from __future__ import annotations

from collections.abc import Iterator

from schedules.domain.visits.clashes import grave
from schedules.domain.visits.values import Booking
from schedules.models import Visit, VisitPlace
from schedules.selectors.visits.clashes import ProposedBooking, clashes_of_bookings
from trials.domain.refusals import Refusal
from trials.domain.sites.resources import ResourceKind
from trials.domain.words import mark as _
from trials.models import Resource
from trials.spoken import say


def refusals_of_clashes(visit: Visit, booking: Booking, reason: str) -> Iterator[Refusal]:
    """Return why a booking cannot be saved: not of this site, or a clash without "all the same" and a reason.

    Hints are never refused. The resources stay locked until the transaction ends, so that two people
    cannot take the same one at once.
    """
    wrong = list(_wrong_resources(visit, booking))
    yield from wrong
    if wrong:
        return
    asked = ProposedBooking(
        visit.participant,
        *(booking.on, booking.start, booking.end, booking.resource, booking.staff),
        *(visit.pk, visit.place == VisitPlace.WARD),
    )
    (found,) = clashes_of_bookings([asked], say)
    clashes = grave(found)
    if clashes and not booking.anyway:
        for clash in clashes:
            yield Refusal("anyway", clash.words.template, dict(clash.words.values))
    elif clashes and not reason.strip():
        yield Refusal("reason", _("Enter why you book it in spite of this. It is kept in the audit trail."))


def _wrong_resources(visit: Visit, booking: Booking) -> Iterator[Refusal]:
    asked = {"resource": booking.resource, "staff": booking.staff}
    pks = sorted(pk for pk in asked.values() if pk is not None)
    if not pks:
        return
    locked = Resource.objects.filter(pk__in=pks, site=visit.participant.site_id, retired_on=None)
    known = {one.pk: one for one in locked.order_by("pk").select_for_update(no_key=True)}
    for field, pk in asked.items():
        if pk is None:
            continue
        staff = pk in known and known[pk].kind == ResourceKind.STAFF
        if pk not in known or staff != (field == "staff"):
            message = _("%(number)d is no such resource of this site: choose one of its list.")
            yield Refusal(field, message, {"number": pk})
