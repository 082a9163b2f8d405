"""What a calendar is called, and that what it is of cannot go from under it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import ProtectedError

from participants.models import Participant
from schedules.domain.feeds import FeedContent
from schedules.models import Visit
from schedules.services.feeds.subscriptions import revoke_feed
from tests.cast import NOW, TODAY
from tests.phones import events, fetch, subscribe, titles
from trials.domain.errors import Refused
from trials.models import Site, Trial, User
from trials.services.protocols.trials import rename_trial, shown_version

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]


@pytest.mark.parametrize(("language", "name"), [("en", "Dayzero Union"), ("zh-hans", "Dayzero 协和医院")])
def test_a_sites_calendar_has_its_short_name_in_the_language_of_the_subscription(
    participant: Participant, owner: User, language: str, name: str
) -> None:
    content = FeedContent(language=language)
    _, address = subscribe(owner, site=participant.site, content=content)
    first = fetch(address)
    assert f"\r\nNAME:Dayzero {participant.site.code}\r\n".encode() in first.content
    Site.objects.update(short_name="Union", short_name_zh="协和医院")
    later = fetch(address, at=NOW + timedelta(minutes=1), **{"if-none-match": first["ETag"]})
    assert later.status_code == 200, "another name is another calendar"
    assert f"\r\nNAME:{name}\r\n".encode() in later.content
    assert later.content.replace(name.encode(), b"") == first.content.replace(
        f"Dayzero {participant.site.code}".encode(), b""
    ), "and nothing else is stamped again"


@pytest.mark.parametrize(("language", "name"), [("en", "CART"), ("zh-hans", "细胞一号")])
def test_titles_have_the_trials_name_outside_in_the_language_of_the_subscription(
    participant: Participant, owner: User, language: str, name: str
) -> None:
    _, address = subscribe(owner, participant=participant, content=FeedContent(language=language))
    before = fetch(address)
    Trial.objects.filter(pk=participant.trial_id).update(outside_name="CART", outside_name_zh="细胞一号")
    after = fetch(address, at=NOW + timedelta(minutes=1), **{"if-none-match": before["ETag"]})
    assert all(title.split(": ")[-1].startswith(f"{name} S01-001 ") for title in titles(after))
    assert {str(one["CATEGORIES"].cats[0]) for one in events(after)} == {name}
    assert f"\r\nNAME:{name} S01-001\r\n".encode() in after.content
    assert all(one["SEQUENCE"] for one in events(after)), "the same stamp in both languages"


def test_a_chinese_name_outside_names_no_disease_either(participant: Participant) -> None:
    trial, names = participant.trial, {"outside_name": "CART", "outside_name_zh": "红斑狼疮一号"}
    with pytest.raises(Refused) as refused:
        rename_trial(trial=trial, version=shown_version(trial), names=names, by=None)
    assert list(refused.value.fields) == ["outside_name_zh"]
    trial.refresh_from_db()
    assert not trial.outside_name_zh


def test_a_trial_that_a_calendar_is_of_cannot_be_deleted(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    first = fetch(address)
    with pytest.raises(ProtectedError):
        participant.trial.delete()
    assert fetch(address).content == first.content


def test_a_frozen_trial_is_shown_as_before_and_its_calendar_can_be_ended(
    participant: Participant, owner: User
) -> None:
    feed, address = subscribe(owner, participant=participant)
    Trial.objects.filter(pk=participant.trial_id).update(frozen_on=TODAY)
    shown = titles(fetch(address))
    assert len(shown) == Visit.objects.count()
    assert titles(fetch(address, at=NOW + timedelta(hours=1))) == shown
    revoke_feed(feed=feed, now=NOW)
    assert titles(fetch(address, at=NOW + timedelta(hours=2))) == ["This calendar subscription has ended"]
