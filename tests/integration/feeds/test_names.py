"""What a calendar is called, and that what it is of cannot go from under it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import ProtectedError

from participants.models import Participant
from schedules.domain.feeds import FeedContent
from tests.cast import NOW
from tests.phones import fetch, subscribe
from trials.models import Site, User

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


def test_a_trial_that_a_calendar_is_of_cannot_be_deleted(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    first = fetch(address)
    with pytest.raises(ProtectedError):
        participant.trial.delete()
    assert fetch(address).content == first.content
