"""One site administrator alone does not sign as an investigator: whatever they do to the account."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.db import connection, connections, transaction
from django.test import Client
from django.urls import reverse

from participants.models import Participant
from schedules.models import Visit
from schedules.selectors.trust.signing import signable_schedule
from tests.cast import NOW, show_who_one_is
from tests.clocks import database_clock_at
from tests.integration.trust.conftest import PASSWORD, somebody
from trials.audit.acts import caused_by
from trials.domain.audit.signing import How, Proof
from trials.domain.errors import Stale
from trials.models import AccountChange, AuditEntry, Role, Signature, Site, User
from trials.services.accounts.account_changes import confirm_changes, tell_owners
from trials.services.accounts.accounts import correct_account, record_password_link, remove_second_factors
from trials.services.accounts.memberships import grant_membership
from trials.services.audit.signatures import SigningRefused, sign

pytestmark = pytest.mark.django_db
OLD, NEW = "li.na@hospital.example", "administrator@elsewhere.example"
STOLEN = "what the administrator chose"
WHY = "phone lost"


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield
    cache.clear()


@pytest.fixture
def owner(investigator: User) -> User:
    """The investigator, with an address, a second factor, and months of use behind them."""
    investigator.email, investigator.date_joined = OLD, NOW - timedelta(days=200)
    investigator.save()
    factor = Authenticator.objects.create(user=investigator, type="webauthn", data={})
    Authenticator.objects.filter(pk=factor.pk).update(created_at=NOW - timedelta(days=100))
    return investigator


@pytest.fixture
def admin(site: Site) -> User:
    return somebody("local", Role.ADMINISTRATOR, site, "Wang Fang")


def desk(user: User) -> Client:
    client = Client()
    client.force_login(user)
    show_who_one_is(client)
    return client


def with_passkey(user: User, at: Any = NOW) -> Proof:
    return Proof(user.pk, How.PASSKEY, at, credential=Authenticator.objects.get(user=user).pk)


def signed(participant: Participant, by: User, proof: Proof | None = None, now: Any = NOW) -> Signature:
    record = signable_schedule(participant)
    proof = proof or Proof(by.pk, How.PASSWORD, now)
    return sign(record=record, meaning="reviewed", shown=record.digest, by=by, proof=proof, now=now)


def take_over(admin: User, owner: User) -> Client:
    """Change the address, remove the factors, give out a link, set a password behind it, sign in."""
    client, person = desk(admin), reverse("person", args=[owner.pk])
    said = {"name": "Dr. Li Na", "email": NEW, "reason": WHY}
    assert client.post(reverse("correct-account", args=[owner.pk]), said).status_code == 302
    assert client.post(person, {"action": "factors", "reason": WHY}).status_code == 302
    assert client.post(person, {"action": "link", "reason": WHY}).status_code == 302
    letter = next(letter for letter in reversed(mail.outbox) if letter.to == [NEW])
    (link,) = re.findall(r"http://testserver(/accounts/password/link/\S+)", letter.body)
    intruder = Client()
    address = intruder.get(link, follow=True).redirect_chain[-1][0]
    assert intruder.post(address, {"password1": STOLEN, "password2": STOLEN}).status_code == 302
    answer = intruder.post("/accounts/login/", {"login": owner.username, "password": STOLEN})
    assert answer.status_code == 302
    return intruder


def sign_in_browser(client: Client, participant: Participant, password: str) -> Any:
    shown = signable_schedule(participant).digest
    given = {"meaning": "reviewed", "user_name": "investigator", "password": password, "digest": shown}
    return client.post(f"/sign/schedule/{participant.pk}/", given)


def letters_to_owner() -> list[Any]:
    return [letter for letter in mail.outbox if letter.to == [OLD]]


def test_an_administrator_who_took_an_account_over_signs_nothing_with_it(
    participant: Participant, owner: User, admin: User
) -> None:
    intruder = take_over(admin, owner)
    answer = sign_in_browser(intruder, participant, STOLEN)
    assert answer.status_code == 422
    assert "Somebody else changed this account" in answer.content.decode()
    assert not Signature.objects.filter(user=owner).exists()


def test_the_owner_is_told_of_each_act_at_once_at_the_old_address(
    participant: Participant, owner: User, admin: User
) -> None:
    take_over(admin, owner)
    told = [re.search(r"What: (.+)", letter.body)[1] for letter in letters_to_owner()]  # type: ignore[index]
    assert told == [
        "e-mail address changed",
        "second factors removed",
        "link to a password given out",
        "password set behind a link",
    ]
    assert "By: local" in letters_to_owner()[0].body
    assert WHY in letters_to_owner()[0].body
    assert "password/link" not in "".join(letter.body for letter in letters_to_owner())
    assert AccountChange.objects.filter(told_at=None).count() == 0
    entries = AuditEntry.objects.filter(model="trials.accountchange", action="create")
    assert entries.count() == 4
    assert PASSWORD not in (said := "".join(entries.values_list("new", flat=True)))
    assert "previous_password" not in said


def test_the_acts_are_marked_where_that_persons_signatures_are_shown(
    participant: Participant, owner: User, admin: User
) -> None:
    signed(participant, owner)
    page = reverse("participant", args=[participant.pk])
    client = desk(somebody("coordinator", Role.COORDINATOR, participant.site, "Zhao Min"))
    assert "Others changed" not in client.get(page).content.decode()
    take_over(admin, owner)
    text = client.get(page).content.decode()
    assert "Others changed the signer’s account" in text
    for words in ("E-mail address changed", "Second factors removed", "by local", "Not confirmed yet"):
        assert words in text, words


def test_the_owner_signs_on_with_the_password_that_they_had_before(
    participant: Participant, owner: User, admin: User
) -> None:
    correct_account(user=owner, name="Dr. Li Na", email=NEW, by=admin, reason=WHY, now=NOW)
    record_password_link(user=owner, now=NOW, by=admin, reason=WHY)
    assert signed(participant, owner)
    assert set(AccountChange.objects.values_list("resolution", flat=True)) == {"owner"}


def test_a_passkey_of_before_proves_the_owner_and_a_later_one_does_not(
    participant: Participant, owner: User, admin: User
) -> None:
    record_password_link(user=owner, now=NOW, by=admin, reason=WHY)
    User.objects.filter(pk=owner.pk).update(password_set_at=NOW + timedelta(minutes=1))
    later = NOW + timedelta(minutes=5)
    Authenticator.objects.filter(user=owner).update(created_at=NOW + timedelta(minutes=2))
    with pytest.raises(SigningRefused):
        signed(participant, owner, with_passkey(owner, later), later)
    with pytest.raises(SigningRefused):
        signed(participant, owner, Proof(owner.pk, How.PASSKEY, later), later)
    Authenticator.objects.filter(user=owner).update(created_at=NOW - timedelta(days=1))
    assert signed(participant, owner, with_passkey(owner, later), later)


def test_the_former_password_proves_the_owner_on_their_own_page_and_guesses_are_counted(
    participant: Participant, owner: User, admin: User
) -> None:
    client = take_over(admin, owner)
    wrong = client.post(reverse("own-changes"), {"password": STOLEN})
    assert wrong.status_code == 422
    assert "not the password that the account had before" in wrong.content.decode()
    assert client.post(reverse("own-changes"), {"password": PASSWORD}).status_code == 302
    assert sign_in_browser(client, participant, STOLEN).status_code == 302
    assert AccountChange.objects.exclude(previous_password="").count() == 0, "no hash is kept for longer"


def test_guesses_of_the_former_password_lock_the_account(owner: User, admin: User) -> None:
    client = take_over(admin, owner)
    for _ in range(6):
        client.post(reverse("own-changes"), {"password": "a guess"})
    assert client.post(reverse("own-changes"), {"password": PASSWORD}).status_code in {422, 429}
    assert not AccountChange.objects.exclude(resolution="").exists()


def test_a_second_administrator_confirms_and_the_account_signs_again(
    participant: Participant, owner: User, admin: User
) -> None:
    second = somebody("second", Role.ADMINISTRATOR, participant.site, "Qian Lei")
    intruder = take_over(admin, owner)
    later = NOW + timedelta(hours=80)
    with time_machine.travel(later, tick=False):
        fresh = Proof(owner.pk, How.PASSWORD, later)
        with pytest.raises(SigningRefused, match="second administrator"):
            signed(participant, owner, fresh, later)  # however long one waits, where there is a second one
        person = reverse("person", args=[owner.pk])
        own = desk(admin).post(person, {"action": "confirm", "reason": "she asked me"})
        assert own.status_code == 422
        assert "Another administrator confirms this" in own.content.decode()
        answer = desk(second).post(person, {"action": "confirm", "reason": "asked her in person"})
        assert answer.status_code == 302
        assert signed(participant, owner, fresh, later)
    assert set(AccountChange.objects.values_list("resolved_by__username", flat=True)) == {"second"}
    assert intruder


def test_nobody_whom_the_first_administrator_made_one_is_the_second(
    owner: User, admin: User, site: Site
) -> None:
    record_password_link(user=owner, now=NOW, by=admin, reason=WHY)
    friend = User.objects.create_user("friend", password=PASSWORD)
    with database_clock_at(NOW - timedelta(minutes=1)):  # the database's clock lags
        grant_membership(
            user=friend, role="administrator", site=site, starts_on=NOW.date(), by=admin, reason="help"
        )
    with pytest.raises(Exception, match="Another administrator"):
        confirm_changes(user=owner, by=friend, reason="fine", now=NOW, today=NOW.date())


def test_an_administrator_whose_own_account_was_taken_over_is_not_the_second(
    owner: User, admin: User, site: Site
) -> None:
    second = somebody("second", Role.ADMINISTRATOR, site, "Qian Lei")
    record_password_link(user=second, now=NOW, by=admin, reason=WHY)
    record_password_link(user=owner, now=NOW, by=admin, reason=WHY)
    with pytest.raises(Exception, match="Another administrator"):
        confirm_changes(user=owner, by=second, reason="fine", now=NOW, today=NOW.date())


@pytest.mark.parametrize(("hours", "signs"), [(71, False), (72, True)])
def test_where_there_is_no_second_administrator_the_account_signs_after_72_hours(
    hours: int, signs: bool, participant: Participant, owner: User, admin: User
) -> None:
    take_over(admin, owner)
    owner.refresh_from_db()
    later = NOW + timedelta(hours=hours)
    with time_machine.travel(later, tick=False):
        proof = Proof(owner.pk, How.PASSWORD, later)
        if signs:
            assert signed(participant, owner, proof, later)
        else:
            with pytest.raises(SigningRefused, match="otherwise from"):
                signed(participant, owner, proof, later)


def test_the_owner_stops_it_behind_the_link_of_the_letter_without_signing_in(
    participant: Participant, owner: User, admin: User
) -> None:
    take_over(admin, owner)
    (path,) = re.findall(r"http://testserver(/accounts/stop/\S+)", letters_to_owner()[0].body)
    somewhere = Client()
    assert "I do not know of it" in somewhere.get(path).content.decode()
    assert not AccountChange.objects.exclude(stopped_at=None).exists(), "looking stops nothing"
    assert "Stopped" in somewhere.post(path).content.decode()
    later = NOW + timedelta(hours=100)
    with time_machine.travel(later, tick=False), pytest.raises(SigningRefused, match="stopped a change"):
        signed(participant, owner, Proof(owner.pk, How.PASSWORD, later), later)
    assert somewhere.get(path + "x/").status_code == 404
    assert somewhere.get("/accounts/stop/forged:token/").status_code == 404


def test_a_change_that_passed_unnoticed_is_stopped_afterwards_too(
    participant: Participant, owner: User, admin: User
) -> None:
    take_over(admin, owner)
    (path,) = re.findall(r"http://testserver(/accounts/stop/\S+)", letters_to_owner()[0].body)
    later = NOW + timedelta(hours=72)
    with time_machine.travel(later, tick=False):
        signed(participant, owner, Proof(owner.pk, How.PASSWORD, later), later)
        Client().post(path)
        Visit.objects.filter(participant=participant, code="d28").update(booked_on=later.date())
        with pytest.raises(SigningRefused, match="stopped"):
            signed(participant, owner, Proof(owner.pk, How.PASSWORD, later), later)


def test_one_who_changes_their_own_account_and_a_new_account_are_held_up_by_nothing(
    participant: Participant, owner: User, admin: User
) -> None:
    correct_account(user=owner, name="Dr. Li Na", email=NEW, by=owner, reason="moved", now=NOW)
    new = User.objects.create(username="fresh", email="x@hospital.example")
    new.set_unusable_password()
    new.save()
    record_password_link(user=new, now=NOW, by=admin, reason="opened")
    correct_account(user=admin, name="Wang", email="", by=owner, reason="name", now=NOW)
    assert not AccountChange.objects.exists()
    assert remove_second_factors(user=admin, by=owner, reason="none there") == 0


def test_a_mail_server_that_is_down_holds_up_no_change_and_the_owner_is_told_later(
    owner: User, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any) -> bool:
        raise ConnectionRefusedError

    with monkeypatch.context() as patched:
        patched.setattr("trials.services.accounts.account_changes.send_account_change", down)
        record_password_link(user=owner, now=NOW, by=admin, reason=WHY)
    change = AccountChange.objects.get()
    assert change.told_at is None
    with caused_by("tell owners"):
        assert tell_owners(now=NOW) == 1
    (entry,) = AuditEntry.objects.filter(model="trials.accountchange", action="change")
    assert (entry.actor, entry.cause) == ("", "tell owners"), "PostgreSQL named its own user, and no cause"
    assert letters_to_owner()
    assert tell_owners(now=NOW) == 0


def test_a_role_given_during_a_session_asks_for_its_second_factor_at_once(settings: Any, site: Site) -> None:
    settings.SECOND_FACTOR_ROLES = ["investigator"]
    user = somebody("lin", Role.COORDINATOR, site, "Lin")
    client = Client()
    client.force_login(user)
    assert client.get("/").status_code == 200
    grant_membership(user=user, role=Role.INVESTIGATOR, site=site, starts_on=NOW.date(), by=None)
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("mfa_index"))


def test_a_second_factor_that_was_taken_away_is_missed_in_the_next_request(
    settings: Any, site: Site, admin: User
) -> None:
    settings.SECOND_FACTOR_ROLES = ["everybody"]
    user = somebody("lin", Role.COORDINATOR, site, "Lin")
    Authenticator.objects.create(user=user, type="totp", data={})
    client = Client()
    client.force_login(user)
    assert client.get("/").status_code == 200
    remove_second_factors(user=user, by=admin, reason=WHY)
    assert client.get("/").status_code == 302


def test_what_changes_between_reading_and_signing_is_not_signed(
    participant: Participant, investigator: User
) -> None:
    record = signable_schedule(participant)
    Visit.objects.filter(participant=participant, code="d28").update(booked_on=NOW.date())
    proof = Proof(investigator.pk, How.PASSWORD, NOW)
    with pytest.raises(Stale):
        sign(record=record, meaning="reviewed", shown=record.digest, by=investigator, proof=proof, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_a_record_is_locked_while_it_is_signed(participant: Participant, investigator: User) -> None:
    """An edit that is not committed yet: the signature waits for it, and is refused."""
    if connection.vendor == "sqlite":
        pytest.skip("an SQLite transaction that writes has the whole file")
    record, found = signable_schedule(participant), []
    proof = Proof(investigator.pk, How.PASSWORD, NOW)

    def signing() -> None:
        try:
            sign(
                record=record,
                meaning="reviewed",
                shown=record.digest,
                by=investigator,
                proof=proof,
                now=NOW,
            )
        except Stale as stale:
            found.append(stale)
        finally:
            connections.close_all()

    thread = threading.Thread(target=signing)
    with transaction.atomic():
        Visit.objects.filter(participant=participant, code="d28").update(booked_on=NOW.date())
        thread.start()
        thread.join(timeout=1.5)
        assert thread.is_alive(), "it waits for the row"
    thread.join(timeout=20)
    assert len(found) == 1
    assert not Signature.objects.filter(user=investigator).exists()
