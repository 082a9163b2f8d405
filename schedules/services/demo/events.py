"""What happens in the demo besides visits: absences, a transfer, a product on its way, an amendment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from participants.domain.lifecycle import Step
from participants.domain.product import Milestone
from participants.models import Participant
from participants.services.absences import Away
from participants.services.product import MilestoneRecord
from schedules.services.availability.absences import add_absence
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.demo.trust import approve
from schedules.services.feeds.subscriptions import open_feed
from schedules.services.readiness.gates import ReviewRecord, record_safety_review
from schedules.services.readiness.product import put_milestone
from schedules.services.replanning.amendment_previews import Amendment, preview_amendment
from schedules.services.replanning.amendments import advance_amendments, start_amendment
from schedules.services.trust.consents import record_consent
from trials.domain.audit.signing import Proof
from trials.domain.channels.kinds import ChannelKind
from trials.models import ConsentForm, ProtocolVersion, Site, User
from trials.services.channels.channels import ChannelSaid, add_channel, switch_channel

YANCHENG, CHENGDU, NANJING = "YANCHENG-3", "CHENGDU-WTC", "NANJING-DRUM"
GATED = "NCT07274059"
MADE_UP = "Made up, to look at."
MOVED, AWAY, CONSENTING = "S01-002", "S01-006", ("S01-001", "S01-002")
"""Who is transferred from Yancheng, who of Yancheng cannot come, who of Nanjing has signed the newer form."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where and when all of it happens, and who records it."""

    sites: Mapping[str, Site]
    people: Mapping[tuple[str, str], Participant]
    """The participants by the codes of their site and their own, as they were enrolled."""
    today: date
    now: datetime
    by: Mapping[str, User]
    proof: Proof

    def ago(self, days: int) -> date:
        """The day so many days before today; after it, for a negative number."""
        return self.today - timedelta(days=days)


def let_happen(
    stage: Stage, versions: Mapping[str, ProtocolVersion], newer: ProtocolVersion, form: ConsentForm
) -> None:
    """All of it, on the day of the demo; `form` is the one that asks for consent again."""
    _transfer(stage)
    _record_absences(stage)
    _record_milestones(stage)
    _hold_safety_review(stage, versions[GATED])
    _amend(stage, newer, form)
    _open_ways_out(stage)


def _record_absences(stage: Stage) -> None:
    """A participant who cannot come next week, and a coordinator whom the investigator stands in for."""
    person = stage.people[YANCHENG, AWAY]
    away = Away(stage.ago(-4), stage.ago(-8), participant=person, note="Made up")
    colleague = Away(
        *(stage.ago(-20), stage.ago(-22)),
        site=stage.sites[CHENGDU],
        user=stage.by["coordinator"],
        deputy=stage.by["investigator"],
        note="Made up",
    )
    for one in (away, colleague):
        add_absence(away=one, by=stage.by["coordinator"], now=stage.now)


def _transfer(stage: Stage) -> None:
    """Somebody of Yancheng moves to Chengdu, so that Yancheng reads its own period alone."""
    person = Participant.objects.get(pk=stage.people[YANCHENG, MOVED].pk)
    request = StepRequest(Step.TRANSFER, stage.ago(20), site=stage.sites[CHENGDU], release=True, sure=True)
    take_step(
        participant=person,
        version=person.version,
        request=request,
        by=stage.by["coordinator"],
        reason=MADE_UP,
        now=stage.now,
    )


def _record_milestones(stage: Stage) -> None:
    """Cells of one who is treated soon: collected, shipped and received; quality control is expected."""
    person = stage.people[CHENGDU, "S02-002"]
    days = ((Milestone.COLLECTION, 24), (Milestone.SHIPPED, 4), (Milestone.RECEIVED, 3))
    for milestone, ago in (*days, (Milestone.QUALITY_CONTROL, -1)):
        put_milestone(
            participant=person,
            record=MilestoneRecord(milestone, stage.ago(ago)),
            expecting=ago < 0,
            by=stage.by["coordinator"],
            now=stage.now,
            reason=MADE_UP,
            sure=True,
        )


def _hold_safety_review(stage: Stage, version: ProtocolVersion) -> None:
    """A safety review that lets the next participant start."""
    record_safety_review(
        of=version.trial,
        review=ReviewRecord(stage.ago(9), opens_next=True, reference="SRC 1"),
        by=stage.by["manager"],
        today=stage.today,
        reason=MADE_UP,
        sure=True,
    )


def _amend(stage: Stage, newer: ProtocolVersion, form: ConsentForm) -> None:
    """Migrate those who have signed the newer form to a shipped newer edition; all others are held back."""
    site = stage.sites[NANJING]
    people = [stage.people[NANJING, code] for code in CONSENTING]
    for person in people:
        record_consent(
            participant=person,
            form=form,
            signed_on=stage.ago(3),
            now=stage.now,
            by=stage.by["coordinator"],
            reason=MADE_UP,
            sure=True,
        )
    approve(site, newer, number=90, by=stage.by["investigator"], proof=stage.proof, now=stage.now)
    older = people[0].protocol_version
    amendment = Amendment(older, newer, (site,))
    start_amendment(
        amendment=amendment,
        digest=preview_amendment(amendment=amendment, now=stage.now).digest,
        by=stage.by["manager"],
        reason=MADE_UP,
        now=stage.now,
    )
    advance_amendments(now=stage.now)


def _open_ways_out(stage: Stage) -> None:
    """A site's channel that is switched off, to an address that nobody has, and a calendar address.

    Nothing leaves by the one, and the secret of the other is thrown away.
    """
    by, site = stage.by["coordinator"], stage.sites[YANCHENG]
    said = ChannelSaid(ChannelKind.WEBHOOK, "Ward", "https://ward.example/dayzero", language="zh-hans")
    channel = add_channel(said=said, now=stage.now, by=by, site=site, look_up=lambda _host, _port: []).channel
    switch_channel(channel=channel, version=channel.version, on=False, now=stage.now, by=by, reason=MADE_UP)
    open_feed(owner=by, now=stage.now, site=site)
