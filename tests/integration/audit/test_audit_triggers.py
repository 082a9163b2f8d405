"""No way of writing escapes the audit trail, and nothing changes what it says."""

from __future__ import annotations

import json

import pytest
from django.apps import apps
from django.db import IntegrityError, OperationalError, connection, transaction

from trials.audit.acts import caused_by, recorded
from trials.audit.triggers import audited_models
from trials.models import AuditEntry, ProtocolVersion, Site, Trial, User

pytestmark = pytest.mark.django_db


@recorded
def site_rename(*, site: Site, to: str, by: User, reason: str) -> None:
    site.name = to
    site.save()


def new_site(code: str = "S1") -> Site:
    return Site.objects.create(code=code, name="Old", zone="Asia/Shanghai")


def trail() -> list[tuple[str, str, str, str]]:
    entries = AuditEntry.objects.filter(model="trials.site").order_by("id")
    return [(e.action, e.object_id, e.old, e.new) for e in entries]


def test_a_service_is_recorded_with_who_why_and_cause() -> None:
    user = User.objects.create_user("coordinator")
    site = new_site()
    with caused_by("POST sites:rename", by=user, roles="coordinator"):
        site_rename(site=site, to="New", by=user, reason="registered name")
    entry = AuditEntry.objects.get(action="change")
    assert (entry.actor, entry.actor_id, entry.roles) == ("coordinator", user.pk, "coordinator")
    assert (entry.cause, entry.reason) == ("POST sites:rename", "registered name")
    assert (entry.model, entry.object_id, entry.site_id) == ("trials.site", str(site.pk), site.pk)
    assert (json.loads(entry.old), json.loads(entry.new)) == ({"name": "Old"}, {"name": "New"})
    assert entry.at.tzinfo is not None


def test_a_reason_does_not_hold_what_separates_the_columns_that_are_hashed() -> None:
    """Else an entry could be read with its columns cut elsewhere, under the same hash."""
    user = User.objects.create_user("coordinator")
    site_rename(site=new_site(), to="New", by=user, reason="a\x1fb")
    assert AuditEntry.objects.get(action="change").reason == "a b"


WAYS = [
    ("bulk_create", lambda: Site.objects.bulk_create([Site(code="S2", name="b")]), ["create"]),
    ("queryset.update", lambda: Site.objects.update(name="New"), ["change"]),
    ("queryset.delete", lambda: Site.objects.all().delete(), ["delete"]),
    ("an update that changes nothing", lambda: Site.objects.update(name="Old"), []),
    ("SQL by hand", lambda: connection.cursor().execute("UPDATE trials_site SET name = 'x'"), ["change"]),
]


@pytest.mark.parametrize(("way", "write", "actions"), WAYS, ids=[way for way, *_ in WAYS])
def test_ways_past_the_services_are_recorded(way, write, actions) -> None:
    new_site()
    before = len(trail())
    write()
    assert [action for action, *_ in trail()[before:]] == actions


def test_values_read_alike_on_both_databases() -> None:
    new_site()
    [(action, _, old, new)] = trail()
    values = json.loads(new)
    assert (action, old) == ("create", "")
    assert values["feeds_enabled"] is True
    assert values["code"] == "S1"


def test_passwords_never_reach_the_trail() -> None:
    user = User.objects.create_user("u", password="a long enough secret")
    user.set_password("another long secret")
    user.save()
    assert "password" not in "".join(AuditEntry.objects.values_list("new", flat=True))


REFUSED = [
    "UPDATE trials_auditentry SET actor = 'somebody else'",
    "DELETE FROM trials_auditentry",
    "UPDATE trials_auditseal SET head = ''",
    "DELETE FROM trials_auditlink",
]
TRUNCATED = ["TRUNCATE trials_auditentry CASCADE", "TRUNCATE trials_site CASCADE"]


@pytest.mark.parametrize("statement", REFUSED)
def test_the_trail_stands(statement: str) -> None:
    new_site()
    entry = AuditEntry.objects.latest("id")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO trials_auditlink (number, entry_id, hash) VALUES (1, %s, '')", [entry.pk])
        cursor.execute(
            "INSERT INTO trials_auditseal (first, last, head, sealed_at) VALUES (1, 1, 'h', %s)", [entry.at]
        )
        with pytest.raises(IntegrityError, match="cannot be changed or deleted"), transaction.atomic():
            cursor.execute(statement)


@pytest.mark.parametrize("statement", TRUNCATED)
def test_truncation_is_refused(statement: str) -> None:
    refusal = IntegrityError if connection.vendor == "postgresql" else OperationalError
    with connection.cursor() as cursor, pytest.raises(refusal), transaction.atomic():
        cursor.execute(statement)


def test_a_published_version_stands_in_the_database_too() -> None:
    trial = Trial.objects.create(code="T", title="T")
    version = ProtocolVersion.objects.create(trial=trial, label="1", document="a", digest="d")
    ProtocolVersion.objects.update(document="b", published_at="2026-11-21T00:00:00Z")
    for change in ({"document": "c"}, {"published_at": None}, {"label": "2"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ProtocolVersion.objects.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        version.delete()


NOT_AUDITED = {
    "schedules.reminderdelivery": "work of the ledger of reminders, and its own record of what came of it",
    "schedules.calendarchunk": "rendered entries of calendars, made again from what is recorded",
    "schedules.windowstamp": "as visitstamp, of protocol windows",
    "schedules.visitstamp": "what phones were shown last, kept for the stamps of calendars",
    "schedules.webhookdelivery": "work of webhooks, and its own record of what came of each message",
    "trials.taskrun": "when a task last ran: a measure of the server, no record of a trial",
    "trials.backuprun": "what came of a backup: a measure of the server, no record of a trial",
    "trials.accesstoken": "an hour's key of a client, whose secrets are recorded",
    "schedules.feedepoch": "a name for the life of the change feed; a restore begins another one",
    "schedules.edcconfirmation": "says that an EDC reported what is on record already",
    "schedules.reminderrecipient": "who was told of a reminder: a ledger that says itself when and to whom",
    "schedules.remindersweep": "what the last sweep saw, so that an idle one asks no more",
    "schedules.reminderstart": "since when a kind of reminder is known, written by the migration alone",
    "schedules.idempotentanswer": "an answer kept for a day, so that it can be given again",
    "schedules.changeevent": "says that a recorded change happened",
    "schedules.feedshown": "what a feed showed when it was last fetched",
    "trials.job": "long work in the background; the export that it makes stands in the trail",
    "trials.jobpart": "pieces of a file that is kept for a day",
    "trials.channelhealth": "how ways out have done lately; no trial data",
    "trials.auditentry": "the trail itself",
    "trials.auditmail": "which heads of the trail have left by e-mail",
    "trials.auditlink": "the trail's chain",
    "trials.auditseal": "the trail's seals",
    "schedules.savedview": "somebody's own choice of filters: nothing of the trial",
    "schedules.lastlook": "what somebody has read of the trail itself",
    "schedules.reminder": "a ledger of its own: one row for one thing said",
    "schedules.calendarstate": "a counter that follows from recorded changes",
}


def test_every_model_of_ours_is_audited_or_says_why_not() -> None:
    ours = [apps.get_app_config(label) for label in ("trials", "participants", "schedules")]
    audited = {model._meta.label_lower for app in ours for model in audited_models(app)}
    everything = {model._meta.label_lower for app in ours for model in app.get_models()}
    assert everything - audited == set(NOT_AUDITED)
