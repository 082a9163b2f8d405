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
    from schedules.services.feeds.subscriptions import fetch_feed, render_feed
    from schedules.services.reminders.ledger import deliver_reminders, sweep_closing
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
        fetch = fetch_feed(feed=stored, now=now)
        assert fetch is not None
        feeds.append(stamps_of(render_feed(fetch=fetch, links="https://dayzero.example/{}/").decode()))
    with caused_by("sweep"):
        written = sweep_closing(now=now)
        sent: list[Any] = []
        while deliver_reminders(now=now, send=sent.append):
            pass
    histories = set(AuditEntry.objects.filter(model="schedules.visit").values_list("object_id", flat=True))
    visits = {str(pk) for pk in Visit.objects.values_list("pk", flat=True)}
    return {
        "void": void,
        "stamps": feeds,
        "written": written,
        "sent": len(sent),
        "reminders": Reminder.objects.count(),
        "visits without a history": sorted(visits - histories),
    }


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
