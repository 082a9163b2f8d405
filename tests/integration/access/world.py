"""The world of the access matrix: one site of ours, one elsewhere, and everything twice.

`ours` lies at the site WH in the trial of the cast; `theirs` at the site CD in the same trial; `other`
at WH in another trial. What is theirs carries words that nobody of ours may ever read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.test import Client

from participants.models import Absence, Consent, Fact, Participant, ProductStep, SafetyReview, SitePeriod
from schedules.domain.plan.values import AnchorDay
from schedules.models import (
    AmendmentRun,
    CalendarFeed,
    Deviation,
    EdcMap,
    Flag,
    ProtocolWindow,
    Reminder,
    ReminderDelivery,
    ValueDifference,
    Visit,
    Webhook,
)
from schedules.services.enrolment.enrolling import enrol
from schedules.services.feeds.subscriptions import open_feed
from schedules.services.readiness.gates import ReviewRecord, record_safety_review
from tests.cast import NOW, TODAY, a_site, an_enrolment, document, show_who_one_is
from tests.cast import a_version as imported
from tests.integration.access.classification import ACTS_AS, EVERYBODY, EVERYWHERE
from trials.models import (
    ConsentForm,
    Membership,
    ProtocolVersion,
    Role,
    Site,
    SiteApproval,
    Trial,
    TrialSite,
    User,
)
from trials.services.accounts.clients import ClientTerms, open_client
from trials.services.accounts.memberships import grant_membership, withdraw_membership
from trials.services.accounts.tokens import issue_api_token
from trials.services.channels.channels import ChannelSaid, add_channel
from trials.services.sites.working_days import record_working_days

MAIN, OTHER, ELSEWHERE = "NCT07331467", "CART-SLE", "NCT07339332"
THEIRS = ("THEIRS-1", "Elsewhere Hospital", "their-person", "Their words")
"""What stands in the records of the other site and nowhere else."""
OF_OTHER_TRIAL = ("OTHER-1", "Other words")
OF_PARTICIPANTS = ("OURS-1", "Our words")
"""What only those may read who look into participants."""
WAIVABLE = "live-vaccine-washout"
DAY = timedelta(days=1)

Kwargs = Mapping[str, Any]


@dataclass
class World:
    """The addresses of everything, by the word in the table and by whose it is; and who is in it."""

    objects: dict[str, dict[str, Kwargs]] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)

    def put(self, word: str, whose: str, **kwargs: Any) -> None:
        """Keep what an address of this word is filled with."""
        self.objects.setdefault(word, {})[whose] = kwargs

    def row(self, whose: str, row: Any) -> Any:
        """Keep a row as the one of its kind."""
        self.rows.setdefault(row._meta.label_lower, {})[whose] = row
        return row

    def browser(self, name: str) -> Client:
        """Somebody signed in who has just shown who they are; `anonymous` is not."""
        client = Client(raise_request_exception=False)
        if name != "anonymous":
            client.force_login(self.users[name])
            show_who_one_is(client)
        return client


def build() -> World:
    """Everything that is there, once for all tests of the matrix."""
    world = World()
    here = a_site("WH", name="Our Hospital")
    there = a_site("CD", name="Elsewhere Hospital")
    text = document(MAIN).replace(f"  - code: {WAIVABLE}\n", f"  - code: {WAIVABLE}\n    waivable: true\n")
    main, other = imported(MAIN, text), imported(OTHER)
    far_away = imported(ELSEWHERE)
    TrialSite.objects.create(trial=far_away.trial, site=there)
    _place(world, "ours", here, main, "OURS-1", "Our words")
    _place(world, "theirs", there, main, "THEIRS-1", "Their words")
    _place(world, "other", here, other, "OTHER-1", "Other words")
    world.put("trial", "theirs", pk=far_away.trial_id)
    world.put("trial-deed", "theirs", pk=far_away.trial_id, deed="freeze")
    world.put("reminder-rule", "theirs", pk=far_away.trial_id, kind="closing")
    world.row("theirs", far_away.trial)
    world.row("theirs", far_away)
    world.objects["site"].pop("other")  # it is ours
    world.objects["paper"].pop("other")
    level = far_away.trial.cohorts.order_by("position").first()
    world.put("board", "theirs", trial=far_away.trial.code)
    world.put("api-trial", "theirs", trial=far_away.trial.code)
    world.put("api-version", "theirs", id=far_away.pk)
    world.put("edc-map", "theirs", pk=far_away.trial_id, edc="rave", environment="live")
    world.put("review", "theirs", trial=far_away.trial.code, review=_reviewed(far_away.trial).pk)
    world.put("level", "theirs", trial=far_away.trial.code, level=level.code if level else "none")
    world.put("trial-by-role", "theirs", pk=far_away.trial_id)
    world.put("version", "theirs", pk=far_away.pk)
    _fixed(world)
    _cast(world, here, main)
    return world


def _reviewed(trial: Trial) -> SafetyReview:
    review = ReviewRecord(TODAY, opens_next=True, reference="DMC 1")
    return record_safety_review(of=trial, review=review, by=None, today=TODAY)


def _place(world: World, whose: str, site: Site, version: ProtocolVersion, code: str, words: str) -> None:
    """A site with somebody who takes part there, and all that can be kept of them."""
    infusion = {"ours": date(2026, 12, 7), "theirs": date(2027, 5, 10), "other": date(2026, 12, 7)}[whose]
    table = record_working_days(site=site, by=None, first_year=2025, last_year=2028)
    person = enrol(
        enrolment=an_enrolment(
            version, site=site, subject_code=code, anchors={"infusion": AnchorDay(infusion)}
        ),
        by=None,
    )
    member = User.objects.create_user({"theirs": "their-person"}.get(whose, f"{whose}-person"))
    held = grant_membership(
        user=member, role=Role.COORDINATOR, site=site, trial=version.trial, starts_on=TODAY, by=None
    )
    token, _text = issue_api_token(user=member, name="EDC")
    terms = ClientTerms(trial=version.trial, site=site)
    client, _secret = open_client(
        name=f"{whose}-client", terms=terms, today=TODAY, now=NOW, by=None, reason="EDC."
    )
    webhook = Webhook.objects.create(client=client, url=f"https://edc.example/{whose}")
    world.put("client", whose, pk=client.pk)
    world.put("webhook", whose, pk=webhook.pk)
    world.put("api-webhook", whose, id=webhook.pk)
    for row in (site, table, person, member, held, token, version, version.trial):
        world.row(whose, row)
    world.put("site", whose, pk=site.pk)
    said = ChannelSaid("wecom", THEIRS[3] if whose == "theirs" else f"Group {whose}", "wecombot://key")
    world.put("channel", whose, pk=add_channel(said=said, now=NOW, by=member, site=site).channel.pk)
    world.put("paper", whose, pk=site.pk, what="week")
    world.put("account", whose, pk=member.pk)
    world.put("membership", whose, pk=held.pk)
    world.put("trial", whose, pk=version.trial_id)
    world.put("trial-deed", whose, pk=version.trial_id, deed="freeze")
    world.put("reminder-rule", whose, pk=version.trial_id, kind="closing")
    world.put("trial-by-role", whose, pk=version.trial_id)
    world.put("version", whose, pk=version.pk)
    world.put("board", whose, trial=version.trial.code)
    world.put("api-trial", whose, trial=version.trial.code)
    world.put("api-version", whose, id=version.pk)
    world.put("review", whose, trial=version.trial.code, review=_reviewed(version.trial).pk)
    level = version.trial.cohorts.order_by("position").first()
    world.put("level", whose, trial=version.trial.code, level=level.code if level else "none")
    approval = SiteApproval.objects.get(site=site, protocol_version=version)
    world.put("approval", whose, pk=approval.pk)
    world.put("approval-place", whose, pk=version.trial_id, version=version.pk, site=site.pk)
    run = AmendmentRun.objects.create(
        from_version=version, to_version=version, reason="amended", started_at=NOW, finished_at=NOW
    )
    run.sites.add(site)
    world.put("amendment", whose, pk=run.pk)
    _of_person(world, whose, person, words)
    _of_visits(world, whose, person, member, words)


def _of_person(world: World, whose: str, person: Participant, words: str) -> None:
    pk = person.pk
    fact = Fact.objects.create(
        participant=person, kind="night-away", starts_on=TODAY, ends_on=TODAY, detail={"minutes": 40}
    )
    absence = Absence.objects.create(participant=person, first=TODAY, last=TODAY, note=words)
    edition, _made = ConsentForm.objects.get_or_create(
        trial=person.trial, version="1.0", defaults={"effective_on": date(2026, 1, 5)}
    )
    consent = Consent.objects.create(participant=person, form=edition, signed_on=date(2026, 11, 2))
    milestone = ProductStep.objects.create(participant=person, step="collection", done_on=TODAY, note=words)
    for word, more in (
        ("participant", {}),
        ("step", {"step": "hold"}),
        ("anchors", {"what": "anchors"}),
        ("hold-act", {"act": "begin"}),
        ("fact-kind", {"kind": "night-away"}),
        ("fact", {"fact": fact.pk}),
        ("window", {"window": WAIVABLE}),
        ("given-consent", {"consent": consent.pk}),
    ):
        world.put(word, whose, pk=pk, **more)
    period = SitePeriod.objects.create(participant=person, site=person.site, ended_on=TODAY)
    world.put("former", whose, pk=pk)
    world.put("api-former", whose, id=period.pk)
    world.put("api-participant", whose, id=pk)
    world.put("signable", whose, kind="schedule", pk=pk)
    world.put("record", whose, kind="participants.participant", number=pk)
    world.put("absence", whose, pk=absence.pk)
    world.put("milestone", whose, pk=milestone.pk)


def _of_visits(world: World, whose: str, person: Participant, owner: User, words: str) -> None:
    visit = Visit.objects.filter(participant=person).order_by("target").first()
    window = ProtocolWindow.objects.filter(participant=person).first()
    assert visit
    assert window
    flag = Flag.objects.create(
        participant=person,
        window=window,
        key=words,
        kind="window-kept",
        severity="notice",
        message=words,
        raised_at=NOW,
    )
    deviation = Deviation.objects.create(
        participant=person,
        visit=visit,
        protocol_version=person.protocol_version,
        key=words,
        kind="missed",
        found_on=TODAY,
        occurred_on=TODAY,
        facts=words,
    )
    reminder = Reminder.objects.create(key=words, kind="closing", visit=visit, due_on=TODAY)
    delivery = ReminderDelivery.objects.create(reminder=reminder, recipient=owner, address="a@b.example")
    feed, _token = open_feed(owner=owner, participant=person, now=NOW)
    for row in (visit, window, reminder, delivery, feed):
        world.row(whose, row)
    world.put("visit", whose, pk=visit.pk)
    world.put("api-visit", whose, id=visit.pk)
    difference = ValueDifference.objects.create(
        participant=person, visit=visit, field="performed_on", ours=words, theirs=words, noticed_at=NOW
    )
    world.put("api-difference", whose, id=difference.pk)
    world.put("difference", whose, pk=difference.pk)
    if whose == "ours":
        EdcMap.objects.create(trial=person.trial, edc="rave", environment="live")
        world.put("api-edc-map", whose, trial=person.trial.code, edc="rave", environment="live")
        world.put("edc-map", whose, pk=person.trial_id, edc="rave", environment="live")
    world.put("deed", whose, pk=visit.pk, deed="book")
    world.put("today-act", whose, pk=visit.pk, act="book")
    world.put("flag", whose, pk=flag.pk)
    world.put("flag-act", whose, pk=flag.pk, act="clear")
    world.put("today-flag", whose, pk=flag.pk, act="clear")
    world.put("deviation", whose, pk=deviation.pk)
    world.put("deviation-act", whose, pk=deviation.pk, act="assess")
    assert CalendarFeed.objects.filter(pk=feed.pk).exists()


def _fixed(world: World) -> None:
    """What is no record and so is nobody's."""
    for word, kwargs in {
        "file": {"form": "csv"},
        "number": {"pk": 1},
        "reminder-act": {"pk": 1, "act": "acknowledge"},
        "provider": {"provider_id": "sso"},
    }.items():
        world.put(word, "ours", **kwargs)


def _cast(world: World, here: Site, main: ProtocolVersion) -> None:
    for name in sorted(EVERYBODY):
        user = User.objects.create_user(f"cast-{name}", first_name="Cast", password="a long enough secret")
        world.users[name] = user
        role = ACTS_AS.get(name, name)
        if role == "nobody":
            continue
        where: dict[str, Any] = {} if name in EVERYWHERE else {"site": here}
        where |= {"trial": main.trial} if name == "one-trial" else {}
        if name in {"expired", "withdrawn"}:
            _had(name, user, here)
            continue
        grant_membership(user=user, role=role, starts_on=TODAY, by=None, **where)


def _had(name: str, user: User, here: Site) -> Membership:
    """Somebody who may do nothing any more."""
    last = TODAY - DAY if name == "expired" else None
    held = grant_membership(
        user=user, role=Role.COORDINATOR, site=here, starts_on=TODAY - 9 * DAY, ends_on=last, by=None
    )
    if name == "withdrawn":
        withdraw_membership(membership=held, now=NOW, by=None, reason="left")
    return held
