"""What is asked for when somebody is enrolled."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from participants.domain.anchors import RecordedAnchor
from participants.services import ConsentGiven
from schedules.domain.plan.values import AnchorDay
from schedules.selectors.store.calendars import today_at
from trials.models import Cohort, ProtocolVersion, Site, Trial


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Who is to be enrolled where, under which version, with which anchors and traits."""

    trial: Trial
    site: Site
    version: ProtocolVersion
    subject_code: str
    anchors: Mapping[str, RecordedAnchor | AnchorDay]
    traits: Collection[str] = field(default=frozenset())
    cohort: Cohort | None = None
    comes_of_age_on: date | None = None
    now: datetime | None = None
    """This instant, where somebody is enrolled now: nothing has happened after it."""
    reason: str = ""
    """Why what is on record of them happened against the protocol."""
    consent: ConsentGiven | None = None
    """The consent form that was signed; nobody is enrolled without one on record or a reason."""
    no_consent_reason: str = ""
    """Why none is on record yet, such as a consent that was given at another site's screening."""
    history: bool = False
    """Whether visits that took place before are entered next: until then nothing is judged or drafted."""
    sure: bool = False
    """Whether an unlikely day is meant."""

    @property
    def today(self) -> date | None:
        """The day that it is at the site, where somebody is enrolled now."""
        return today_at(self.site, self.now) if self.now else None
