"""When a feed ends, and how a phone learns of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from participants.models import Participant
from schedules.domain.errors import FeedRefused
from schedules.services.feeds import open_feed, revoke_feed
from tests.cast import NOW, TODAY, a_site
from tests.phones import events, fetch, subscribe, titles
from trials.models import Membership, User
from trials.services.memberships import grant_membership

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
