"""The address of every page of ours on the demo, by its name; a page that is not visited says why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from participants.models import Absence, Consent, Fact, Participant, ProductStep, SafetyReview, SitePeriod
from schedules.domain.reminders import CLOSING
from schedules.models import (
    AmendmentRun,
    CalendarFeed,
    Deviation,
    EdcMap,
    Flag,
    ProtocolWindow,
    ValueDifference,
    Visit,
    Webhook,
)
from tests.integration.access.classification import ADDRESSES
from trials.models import (
    ApiClient,
    Channel,
    Cohort,
    Membership,
    ProtocolVersion,
    Site,
    SiteApproval,
    Trial,
    User,
)
from trials.selectors.records import protocol_of

COORDINATOR, MANAGER, INVESTIGATOR, MONITOR = "coordinator", "manager", "investigator", "monitor"
NOT_PAGES = {
    "today-counts": "the counters of Today, a part of it",
    "health": "an answer for machines",
    "visit-file": "a file",
    "kept-form": "only after a session ended",
    "account_set_password": "shown by a link",
    "metrics": "an answer for machines",
    "live": "an answer for machines",
    "oauth-metadata": "an answer for machines",
    "ready": "an answer for machines",
}
WAIVABLE = "window that may be waived"
WITH_PRODUCT, ABSENT = "participant with a product", "absent participant"
PLACE_OF_ABSENCE = "site of an absence"
AMENDED, REVIEWED = "amended trial", "reviewed trial"
FULLER = {
    "window-waive": WAIVABLE,
    **dict.fromkeys(("product", "milestone-new", "milestone-expected"), WITH_PRODUCT),
    "participant-absences": ABSENT,
    "site-absences": PLACE_OF_ABSENCE,
    "amendments": AMENDED,
    "board": REVIEWED,
}
"""Pages that are looked at where there is something on them."""
BY_MANAGER = frozenset({
    *("people", "open-account", "person", "correct-account", "memberships", "grant", "withdraw"),
    *("failed-sign-ins", "operations"),
    *("site-new", "site-names", "trial-new", "trial-sites", "trial-names", "trial-closing", "site-calendars"),
    *("api-clients", "api-client", "api-client-new", "api-client-rotate", "api-client-end"),
    *("webhooks", "webhook", "webhook-new", "webhook-rotate"),
    *("consent-form-new", "safety-review", "safety-review-correct", "trial-safety-review", "setup"),
})  # fmt: skip
MORE = (
    ("planner-month", "/planner/?view=month", COORDINATOR),
    ("planner-agenda", "/planner/?view=agenda", COORDINATOR),
    ("today-everything", "/?all=book", COORDINATOR),
    ("participants-nobody", "/participants/?q=ZZZ", COORDINATOR),
    ("not-found", "/nowhere/", COORDINATOR),
    ("forbidden", "/participants/enrol/", MONITOR),
)
REFUSED = frozenset({"not-found", "forbidden"})
"""Pages that answer with an error, and are looked at for it."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its name, its address, and who looks at it."""

    name: str
    address: str
    user: str


def pages() -> tuple[list[Page], dict[str, str]]:
    """Every page that can be opened on the demo, and for every other name why it cannot."""
    found, left_out = [Page(*more) for more in MORE], dict(NOT_PAGES)
    busy = Site.objects.get(code="YANCHENG-3")
    coming = timezone.localdate() + timedelta(days=3)
    found.append(Page("planner-busy", f"/planner/?site={busy.pk}&day={coming}", COORDINATOR))
    people = Participant.objects.filter(subject_code="S01-007", site=busy)
    waiting = Visit.objects.filter(participant__in=people, performed_on=None, cancelled_on=None)
    record = reverse("visit-deed", args=[waiting.order_by("target")[0].pk, "complete"])
    found.append(Page("record-activities", record, COORDINATOR))
    if feed := CalendarFeed.objects.filter(owner__username=COORDINATOR).first():
        found.append(Page("own-calendar-change", reverse("own-calendar-change", args=[feed.pk]), COORDINATOR))
    objects = dict(_objects())
    for name, endpoint in ADDRESSES.items():
        if _is_of_the_api(name) or name in NOT_PAGES or "export" in name or endpoint.get is None:
            continue
        if name in {page.name for page in found}:
            continue
        if not endpoint.get and not endpoint.seen_by:
            left_out[name] = endpoint.why or "nobody of the demo may"
            continue
        of = FULLER.get(name, endpoint.of)
        if of and of not in objects:
            left_out[name] = f"the demo has no {of}"
            continue
        try:
            address = reverse(name, kwargs=objects.get(of, {}))
        except NoReverseMatch:
            left_out[name] = "its address asks for more"
            continue
        user = MANAGER if name in BY_MANAGER or name.startswith("mfa_") else COORDINATOR
        found.append(Page(name, address, INVESTIGATOR if name == "window-waive" else user))
    return found, left_out


def _is_of_the_api(name: str) -> bool:
    """Whether an address is one for programs; those of its clients are pages."""
    return name.startswith("api-") and not name.startswith("api-client")


def _objects() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What the addresses of the demo are filled with, by the words of the table of the access matrix."""
    person = Participant.objects.filter(subject_code="S01-006", site__code="WUHAN-UNION").get()
    site, trial = person.site, person.trial
    visit = Visit.objects.filter(participant=person, performed_on=None, cancelled_on=None).order_by("target")[
        0
    ]
    yield "participant", {"pk": person.pk}
    yield "visit", {"pk": visit.pk}
    yield "deed", {"pk": visit.pk, "deed": "complete"}
    yield "step", {"pk": person.pk, "step": "withdrawal"}
    yield "anchors", {"pk": person.pk, "what": "anchors"}
    yield "hold-act", {"pk": person.pk, "act": "begin"}
    yield "fact-kind", {"pk": person.pk, "kind": "night-away"}
    yield "signable", {"kind": "schedule", "pk": person.pk}
    yield "record", {"kind": "participants.participant", "number": person.pk}
    yield "site", {"pk": site.pk}
    yield "paper", {"pk": site.pk, "what": "week"}
    yield "trial", {"pk": trial.pk}
    yield "trial-by-role", {"pk": trial.pk}
    yield "reminder-rule", {"pk": trial.pk, "kind": CLOSING}
    yield "trial-deed", {"pk": trial.pk, "deed": "freeze"}
    yield "board", {"trial": trial.code}
    yield from _rows(person, site, trial)


def _rows(person: Participant, site: Site, trial: Trial) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rows that the demo may have or not."""
    if fact := Fact.objects.filter(participant=person, withdrawn_at=None).first():
        yield "fact", {"pk": person.pk, "fact": fact.pk}
    if given := Consent.objects.filter(participant=person).first():
        yield "given-consent", {"pk": person.pk, "consent": given.pk}
    if window := ProtocolWindow.objects.filter(participant=person).first():
        yield "window", {"pk": person.pk, "window": window.code}
    for version in ProtocolVersion.objects.all():
        codes = [rule.code for rule in protocol_of(version).windows if rule.waivable]
        mine = ProtocolWindow.objects.filter(participant__protocol_version=version, code__in=codes)
        if waivable := mine.order_by("pk").first():
            yield WAIVABLE, {"pk": waivable.participant_id, "window": waivable.code}
    if flag := Flag.objects.filter(cleared_at=None).order_by("pk").first():
        yield "flag", {"pk": flag.pk}
        yield "flag-act", {"pk": flag.pk, "act": "clear"}
    if deviation := Deviation.objects.order_by("pk").first():
        yield "deviation", {"pk": deviation.pk}
        yield "deviation-act", {"pk": deviation.pk, "act": "assess"}
    if absence := Absence.objects.exclude(participant=None).first():
        yield "absence", {"pk": absence.pk}
        yield ABSENT, {"pk": absence.participant_id}
    if away := Absence.objects.exclude(site=None).first():
        yield PLACE_OF_ABSENCE, {"pk": away.site_id}
    if left := SitePeriod.objects.first():
        yield "former", {"pk": left.participant_id}
    if milestone := ProductStep.objects.filter(done_on__isnull=False).order_by("pk").last():
        yield "milestone", {"pk": milestone.pk}
        yield WITH_PRODUCT, {"pk": milestone.participant_id}
    if review := SafetyReview.objects.select_related("trial").first():
        yield "review", {"trial": review.trial.code, "review": review.pk}
        yield REVIEWED, {"trial": review.trial.code}
    yield from _ways_out()
    if run := AmendmentRun.objects.first():
        yield "amendment", {"pk": run.pk}
        yield AMENDED, {"pk": run.to_version.trial_id}
    if level := Cohort.objects.select_related("trial").first():
        yield "level", {"trial": level.trial.code, "level": level.code}
    if mapped := EdcMap.objects.first():
        yield "edc-map", {"pk": mapped.trial_id, "edc": mapped.edc, "environment": mapped.environment}
    if differing := ValueDifference.objects.filter(settled_at=None).first():
        yield "difference", {"pk": differing.pk}
    version = ProtocolVersion.objects.filter(trial=trial).order_by("pk").first()
    if version:
        yield "version", {"pk": version.pk}
        yield "approval-place", {"pk": trial.pk, "version": version.pk, "site": site.pk}
    if approval := SiteApproval.objects.filter(site=site).first():
        yield "approval", {"pk": approval.pk}
    if member := User.objects.filter(username=COORDINATOR).first():
        yield "account", {"pk": member.pk}
        if held := Membership.objects.filter(user=member).first():
            yield "membership", {"pk": held.pk}


def _ways_out() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """By what other systems and groups are told."""
    if client := ApiClient.objects.first():
        yield "client", {"pk": client.pk}
    if webhook := Webhook.objects.first():
        yield "webhook", {"pk": webhook.pk}
    if channel := Channel.objects.first():
        yield "channel", {"pk": channel.pk}
