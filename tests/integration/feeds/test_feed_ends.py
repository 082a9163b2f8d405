"""When a feed ends, and how a phone learns of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine

from participants.models import Participant
from schedules.domain.errors import FeedRefused
from schedules.models import CalendarFeed
from schedules.selectors.pages.course import people_at
from schedules.selectors.windows.flags import owners_possible
from schedules.services.feeds.access import sweep_feeds
from schedules.services.feeds.subscriptions import open_feed, revoke_feed
from tests.cast import NOW, TODAY, a_site
from tests.phones import a_coordinator, events, fetch, subscribe, titles
from trials.models import Membership, User
from trials.selectors.records import may
from trials.services.accounts.accounts import deactivate_account, reactivate_account
from trials.services.accounts.memberships import end_membership, grant_membership, withdraw_membership
from trials.zones import roles_day

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]


def test_a_revoked_feed_says_so_for_thirty_days_and_is_then_not_found(
    participant: Participant, owner: User
) -> None:
    feed, address = subscribe(owner, participant=participant)
    first = fetch(address)
    revoke_feed(feed=feed, now=NOW)
    ended = fetch(address, **{"if-none-match": first["ETag"], "if-modified-since": first["Last-Modified"]})
    assert titles(ended) == ["This calendar subscription has ended"]
    assert events(ended)[0].start == date(2026, 11, 21)
    by_date = fetch(address, **{"if-modified-since": first["Last-Modified"]})
    assert by_date.status_code == 200
    assert participant.subject_code not in str(ended.content.split(b"BEGIN:VEVENT")[1])
    assert fetch(address, at=NOW + timedelta(days=30)).status_code == 200
    assert fetch(address, at=NOW + timedelta(days=30, seconds=1)).status_code == 404


def test_revoking_twice_keeps_the_first_moment(participant: Participant, owner: User) -> None:
    feed, _ = subscribe(owner, participant=participant)
    revoke_feed(feed=feed, now=NOW)
    assert revoke_feed(feed=feed, now=NOW + timedelta(days=1)).revoked_at == NOW


def _lose_membership(owner: User) -> None:
    Membership.objects.filter(user=owner).update(ends_on=TODAY - timedelta(days=1))


def _become_monitor(owner: User) -> None:
    Membership.objects.filter(user=owner).update(role="monitor")


def _leave(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)


def _move(owner: User) -> None:
    Membership.objects.filter(user=owner).update(site=a_site("BJ"))


@pytest.mark.parametrize("what", ["participant", "site"])
@pytest.mark.parametrize("lose", [_lose_membership, _become_monitor, _leave, _move])
def test_a_lost_role_ends_a_feed_at_once(participant: Participant, owner: User, lose: Any, what: str) -> None:
    thing = participant if what == "participant" else participant.site
    feed, address = subscribe(owner, **{what: thing})
    assert len(titles(fetch(address))) > 1
    lose(owner)
    assert titles(fetch(address)) == ["This calendar subscription has ended"]
    feed.refresh_from_db()
    assert feed.revoked_at == NOW


def test_a_site_can_switch_feeds_off_and_on(participant: Participant, owner: User) -> None:
    feed, address = subscribe(owner, participant=participant)
    first = fetch(address)
    site = participant.site
    type(site).objects.update(feeds_enabled=False)
    off = fetch(address, **{"if-none-match": first["ETag"]})
    assert titles(off) == ["Calendar subscriptions are switched off at this site"]
    type(site).objects.update(feeds_enabled=True)
    on = fetch(address, **{"if-modified-since": off["Last-Modified"]})
    assert titles(on) == titles(first)
    feed.refresh_from_db()
    assert feed.revoked_at is None


@pytest.mark.parametrize("role", ["monitor", "data_manager", "designer", "administrator"])
def test_opening_needs_a_role_that_subscribes(participant: Participant, role: str) -> None:
    user = User.objects.create_user("li")
    grant_membership(user=user, role=role, starts_on=TODAY, by=None)
    with pytest.raises(FeedRefused, match="role"):
        open_feed(owner=user, participant=participant, now=NOW)


def test_opening_needs_a_site_that_allows_it(participant: Participant, owner: User) -> None:
    site = participant.site
    site.feeds_enabled = False
    site.save()
    with pytest.raises(FeedRefused, match="switched off"):
        open_feed(owner=owner, site=site, now=NOW)


def _withdrawn(owner: User) -> None:
    held = Membership.objects.get(user=owner, withdrawn_at=None)
    withdraw_membership(membership=held, now=NOW, by=None, reason="left")


def _ended(owner: User) -> None:
    held = Membership.objects.get(user=owner)
    end_membership(membership=held, ends_on=TODAY - timedelta(days=1), by=None, reason="left")


def _edited(owner: User) -> None:
    held = Membership.objects.get(user=owner)
    held.role = "monitor"
    held.save()


def _given_to_somebody_else(owner: User) -> None:
    held = Membership.objects.get(user=owner)
    held.user = User.objects.create_user("li")
    held.save()


def _removed(owner: User) -> None:
    Membership.objects.get(user=owner).delete()


def _deactivated(owner: User) -> None:
    deactivate_account(user=owner, by=None, reason="left")


@pytest.mark.parametrize("what", ["participant", "site"])
@pytest.mark.parametrize(
    "lose", [_withdrawn, _ended, _edited, _given_to_somebody_else, _removed, _deactivated]
)
def test_a_role_lost_and_regained_between_two_fetches_ends_the_old_address(
    participant: Participant, owner: User, lose: Any, what: str
) -> None:
    thing = participant if what == "participant" else participant.site
    feed, address = subscribe(owner, **{what: thing})
    fetch(address)
    lose(owner)
    feed.refresh_from_db()
    assert feed.revoked_at == NOW, "at the write itself"
    if not User.objects.get(pk=owner.pk).is_active:
        reactivate_account(user=owner, by=None, reason="back")
    grant_membership(user=owner, role="coordinator", starts_on=TODAY, by=None)
    assert titles(fetch(address)) == ["This calendar subscription has ended"]
    _, new = subscribe(User.objects.get(pk=owner.pk), **{what: thing})
    assert len(titles(fetch(new))) > 1


def test_a_role_that_ended_by_its_date_is_not_brought_back_by_another(
    participant: Participant, owner: User
) -> None:
    feed, address = subscribe(owner, participant=participant)
    Membership.objects.filter(user=owner).update(ends_on=TODAY)
    fetch(address)
    later = NOW + timedelta(days=2)
    with time_machine.travel(later, tick=False):
        grant_membership(user=owner, role="coordinator", starts_on=TODAY + timedelta(days=2), by=None)
    feed.refresh_from_db()
    assert feed.revoked_at == later, "looked at before the new role is written"
    assert titles(fetch(address, at=later)) == ["This calendar subscription has ended"]


def test_nor_by_one_that_was_given_beforehand_with_a_day_between(
    participant: Participant, owner: User
) -> None:
    _, address = subscribe(owner, participant=participant)
    Membership.objects.filter(user=owner).update(ends_on=TODAY)
    grant_membership(user=owner, role="coordinator", starts_on=TODAY + timedelta(days=2), by=None)
    assert len(titles(fetch(address))) > 1
    CalendarFeed.objects.update(last_fetched_at=NOW)
    assert titles(fetch(address, at=NOW + timedelta(days=2))) == ["This calendar subscription has ended"]


def test_a_role_that_goes_on_without_a_gap_keeps_the_address(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    Membership.objects.filter(user=owner).update(ends_on=TODAY)
    grant_membership(user=owner, role="investigator", starts_on=TODAY + timedelta(days=1), by=None)
    fetch(address)
    assert len(titles(fetch(address, at=NOW + timedelta(days=2)))) > 1


def test_the_sweep_ends_the_addresses_of_roles_that_ended_by_their_date(
    participant: Participant, owner: User
) -> None:
    feed, _ = subscribe(owner, participant=participant)
    kept, _ = subscribe(a_coordinator("li"), participant=participant)
    Membership.objects.filter(user=owner).update(ends_on=TODAY)
    assert sweep_feeds(now=NOW) == 0
    assert sweep_feeds(now=NOW + timedelta(days=1)) == 1
    assert sweep_feeds(now=NOW + timedelta(days=1)) == 0
    feed.refresh_from_db()
    kept.refresh_from_db()
    assert feed.revoked_at
    assert kept.revoked_at is None


def test_whoever_moved_to_another_site_is_no_longer_followed_from_the_first(
    participant: Participant, owner: User
) -> None:
    feed, _ = subscribe(owner, participant=participant)
    everywhere, _ = subscribe(a_coordinator("li"), participant=participant)
    first, participant.site = participant.site, a_site("BJ")
    participant.save(update_fields=["site"])
    participant.site = first
    participant.save(update_fields=["site"])
    feed.refresh_from_db()
    everywhere.refresh_from_db()
    assert feed.revoked_at
    assert everywhere.revoked_at is None


# --- the day by which a role counts: 20:30 UTC is the 22nd in Shanghai, still the 21st in Berlin ---------
LATE = NOW.replace(hour=20, minute=30)


def test_feeds_judge_roles_for_all_sites_by_the_same_day_as_every_page() -> None:
    """A feed asked by the day of its site, everything else by the server's: one said yes, the other no."""
    berlin = a_site("BE", zone="Europe/Berlin")
    over, here = a_coordinator("li"), a_coordinator("weber", site=berlin)
    Membership.objects.filter(user__in=[over, here]).update(ends_on=TODAY)
    with time_machine.travel(LATE, tick=False):
        assert not may(over, "view", berlin, None, roles_day(LATE)), "the server's day is the 22nd"
        assert may(here, "view", berlin, None, roles_day(LATE)), "the site's day is the 21st"
    feed, address = subscribe(over, site=berlin)
    kept, own = subscribe(here, site=berlin)
    assert titles(fetch(address, at=LATE)) == ["This calendar subscription has ended"]
    assert titles(fetch(own, at=LATE)) != ["This calendar subscription has ended"]
    CalendarFeed.objects.update(revoked_at=None)
    assert sweep_feeds(now=LATE) == 1
    feed.refresh_from_db()
    kept.refresh_from_db()
    assert (feed.revoked_at, kept.revoked_at) == (LATE, None)


def test_a_role_for_all_sites_goes_on_by_the_servers_day() -> None:
    """Nor is there a gap where one role ends and the next begins by another clock than the site's."""
    berlin = a_site("BE", zone="Europe/Berlin")
    over = a_coordinator("li")
    _, address = subscribe(over, site=berlin)
    Membership.objects.filter(user=over).update(ends_on=TODAY)
    grant_membership(user=over, role="investigator", starts_on=TODAY + timedelta(days=1), by=None)
    assert titles(fetch(address, at=LATE)) != ["This calendar subscription has ended"]


def test_owners_and_people_of_a_site_hold_their_roles_by_the_same_day(participant: Participant) -> None:
    participant.site.zone = "Europe/Berlin"
    over, here = a_coordinator("li"), a_coordinator("weber", site=participant.site)
    Membership.objects.filter(user__in=[over, here]).update(ends_on=TODAY)
    day = roles_day(LATE)
    assert list(owners_possible(participant, day).filter(pk__in=[over.pk, here.pk])) == [here]
    assert list(people_at(participant.site, day).filter(pk__in=[over.pk, here.pk])) == [here]
