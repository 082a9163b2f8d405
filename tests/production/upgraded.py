"""What somebody finds in an older database after migrating it: printed as JSON, for `test_upgrade`.

Run as a process of its own with the database in DATABASE_URL: `python -m tests.production.upgraded FACTS`.
"""

import json
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import django

STAMPS = ("DTSTAMP", "LAST-MODIFIED", "SEQUENCE")


def look(facts: dict[str, Any]) -> dict[str, Any]:
    from participants.models import Participant
    from schedules.models import CalendarFeed, Reminder, Visit
    from schedules.selectors.trust.signing import signable_schedule
    from schedules.services.feeds.fetching import fetch_feed, render_feed
    from schedules.services.reminders.ledger import deliver_reminders
    from schedules.services.reminders.sweeping import sweep_closing
    from trials.audit.acts import caused_by
    from trials.models import AuditEntry
    from trials.selectors.protocols.approvals import signatures_of
    from trials.selectors.records import token_digest

    now = datetime.fromisoformat(facts["made_at"]) + timedelta(minutes=1)
    void = []
    for _, code, digest in facts["signed"]:
        for participant in Participant.objects.filter(subject_code=code):
            record = signable_schedule(participant)
            rows = signatures_of(record)
            void += [code for row in rows if row.digest == digest and row.void]
    feeds = []
    for feed in facts["feeds"]:
        stored = CalendarFeed.objects.get(token_digest=token_digest(feed["token"]))
        fetch = fetch_feed(feed=stored, now=now, links="https://dayzero.example/{}/")
        assert fetch is not None
        feeds.append(stamps_of(render_feed(fetch=fetch).decode()))
    with caused_by("sweep"):
        written = sweep_closing(now=now)
        sent: list[Any] = []
        while deliver_reminders(now=now, send=sent.append):
            pass
    histories = set(AuditEntry.objects.filter(model="schedules.visit").values_list("object_id", flat=True))
    visits = {str(pk) for pk in Visit.objects.values_list("pk", flat=True)}
    return {
        "void": void,
        "after a rename": history_across_a_rename(),
        "stamps": feeds,
        "written": written,
        "sent": len(sent),
        "reminders": Reminder.objects.count(),
        "visits without a history": sorted(visits - histories),
    }


def history_across_a_rename() -> dict[str, Any]:
    """The history of one visit whose column and whose model are renamed between two of its changes.

    The columns are renamed as a migration renames them; the table of outside names has its two lines.
    """
    from django.db import connection, migrations
    from django.db.migrations.loader import MigrationLoader

    from schedules.models import Visit
    from trials.audit import outside_names
    from trials.audit.migrating import lay_after_migration, lift_triggers
    from trials.domain.audit.trail import column_changes
    from trials.models import AuditEntry

    visit = Visit.objects.filter(booked_on=None, performed_on=None).latest("pk")
    Visit.objects.filter(pk=visit.pk).update(booked_place="before the rename")
    outside_names.RECORDS = {"schedules.visit": "schedules.appointment"}
    outside_names.FIELDS = {("schedules.visit", "booked_place"): "room"}
    state = MigrationLoader(connection).project_state()
    lift_triggers("default", plan=["two renames"])
    for operation in (
        migrations.RenameField("visit", "booked_place", "room"),
        migrations.RenameModel("Visit", "Appointment"),
    ):
        after = state.clone()
        operation.state_forwards("schedules", after)
        with connection.schema_editor() as editor:
            operation.database_forwards("schedules", editor, state, after)
        state = after
    lay_after_migration("default", apps=state.apps)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE schedules_appointment SET room = 'after it' WHERE id = %s", [visit.pk])
    history = list(AuditEntry.objects.filter(object_id=str(visit.pk), model="schedules.visit").order_by("pk"))
    strays = AuditEntry.objects.filter(model="schedules.appointment").count()
    told = [(one.column, one.new) for entry in history[-2:] for one in column_changes("", entry.new)]
    return {"first": history[0].action, "told": told, "under another name": strays}


def stamps_of(body: str) -> dict[str, list[str]]:
    """Of each event of a calendar, by its UID: when it was stamped, and how often it changed."""
    found = {}
    for event in body.split("BEGIN:VEVENT")[1:]:
        line = {name: re.search(rf"^{name}[^:]*:(.*?)\r?$", event, re.MULTILINE) for name in ("UID", *STAMPS)}
        found[line["UID"].group(1)] = [part.group(1) if (part := line[name]) else "" for name in STAMPS]  # type: ignore[union-attr]
    return found


if __name__ == "__main__":
    django.setup()
    print(json.dumps(look(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
