"""An amendment by processes that can be killed: `prepare` begins one over the demo, `work SECONDS` goes on.

A worker waits so long after it has written a participant and before that is committed.
"""

import os
import sys
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
django.setup()

from django.utils import timezone  # noqa: E402

from participants.models import Participant  # noqa: E402
from schedules.services.replanning import amendments  # noqa: E402
from schedules.services.replanning.amendment_previews import Amendment, preview_amendment  # noqa: E402
from schedules.services.replanning.amendments import advance_amendments, start_amendment  # noqa: E402
from tests.cast import an_approval  # noqa: E402
from trials.models import ProtocolVersion, Site  # noqa: E402
from trials.services.protocols.publishing import import_protocol, publish_protocol  # noqa: E402


def prepare() -> None:
    """Publish a second version of the trial that most take part in, and begin to migrate them."""
    now = timezone.now()
    old = max(ProtocolVersion.objects.all(), key=lambda version: version.participants.count())
    text = old.document.replace(f'version: "{old.label}"', 'version: "second"', 1)
    assert text != old.document
    new = publish_protocol(version=import_protocol(text=text, by=None), by=None, now=now)
    people = Participant.objects.filter(protocol_version=old)
    sites = tuple(Site.objects.filter(pk__in=people.values("site")))
    for site in sites:
        an_approval(site, new)
    asked = Amendment(old, new, sites)
    dry = preview_amendment(amendment=asked, now=now)
    start_amendment(amendment=asked, digest=dry.digest, by=None, reason="second version", now=now)


def work(seconds: float) -> None:
    """Bring over anyone who waits, slowly."""
    real = amendments.replan_many

    def slowly(**asked: Any) -> Any:
        done = real(**asked)
        print("written", flush=True)
        time.sleep(seconds)
        return done

    amendments.replan_many = slowly
    while advance_amendments(now=timezone.now()):
        pass


if sys.argv[1] == "prepare":
    prepare()
else:
    work(float(sys.argv[2]))
