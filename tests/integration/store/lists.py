"""Every list of Dayzero, and how it is asked whether it reads more than it shows.

An address that answers GET and is not here makes `test_lists.py` fail. A list goes into `LISTS`: its plan
is asked (`test_plans.py`), and its queries are counted at 10 and 1,000 people (`test_list_queries.py`). What
shows one record or a form, and a list that is measured elsewhere, goes into `OTHERWISE`, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from django.test import Client
from django.urls import reverse

from participants.models import Participant
from schedules.models import Visit
from tests.cast import show_who_one_is
from trials.models import Site, User


@dataclass(frozen=True)
class Listed:
    """What a list's address names, and what is asked of it besides.

    `of`: nothing, or a participant, a visit, a site, a trial (by id) or a code (a trial by its code).
    """

    of: str = ""
    queries: tuple[str, ...] = ("",)

    def addresses(self, name: str, at: Site) -> list[str]:
        """What is asked, of the first of each kind at a site."""
        person = Participant.objects.filter(site=at).order_by("pk")[0]
        named: Mapping[str, object] = {
            "participant": person.pk,
            "visit": Visit.objects.filter(participant=person).order_by("pk")[0].pk,
            "trial": person.trial_id,
            "code": person.trial.code,
            "site": at.pk,
            "places": "site",
        }
        given = [named[self.of]] if self.of else []
        return [f"{reverse(name, args=given)}{query}" for query in self.queries]


PERSON, TRIAL, SITE = Listed("participant"), Listed("trial"), Listed("site")

LISTS: Mapping[str, Listed] = {
    # --- pages
    "today": Listed(),
    "today-counts": Listed(),
    "worklist": Listed(),
    "participants": Listed(queries=("", "?q=S01-7")),
    "flags": Listed(),
    "deviations": Listed(),
    "differences": Listed(),
    "forecast": Listed(),
    "screening-log": Listed(),
    "enrolment-log": Listed(),
    "trail": Listed(),  # a text is looked for in pieces: audit/test_trail_by_place.py
    "sites": Listed(),
    "trials": Listed(),
    "setup": Listed(),
    "boards": Listed(),
    "consents": Listed(),
    "calendar": Listed(),
    "reminders": Listed(),
    "find": Listed(queries=("?q=S01-1",)),  # many at each site: one alone is opened
    "find-places": Listed("places", ("?site=P",)),
    "people": Listed(),
    "memberships": Listed(),
    "failed-sign-ins": Listed(),
    "api-clients": Listed(),
    "channels": Listed(),
    "jobs": Listed(),
    "own-calendars": Listed(),
    "own-changes": Listed(),
    "trial": TRIAL,
    "trial-sites": TRIAL,
    "amendments": TRIAL,
    "edc-maps": TRIAL,
    "site-calendars": SITE,
    "site-absences": SITE,
    "working-days": SITE,
    "resources": SITE,
    "participant": PERSON,
    "course": PERSON,
    "facts": PERSON,
    "eligibility": PERSON,
    "consent": PERSON,
    "product": PERSON,
    "participant-absences": PERSON,
    "visit": Listed("visit"),
    # --- the API
    # windows that close within days are walked to by id, also of visits that were done
    "api-visits": Listed(
        queries=(
            *("", "?order=target", "?appointment=to-record", "?appointment=booked", "?appointment=missed"),
            *("?edc_status=completed", "?edc_status=stopped", "?edc_status=skipped", "?edc_status=scheduled"),
            *("?window=not-applicable", "?window=waiting", "?window=no-clinic-day-left"),
            "?changed_since=2026-11-20T00:00:00Z",
        )
    ),
    "api-participants": Listed(),
    "api-participant": PERSON,
    "api-visit": Listed("visit"),
    "api-course": PERSON,
    "api-flags": Listed(),
    "api-deviations": Listed(),
    "api-differences": Listed(),
    "api-all-anchors": Listed(),
    "api-all-facts": Listed(),
    "api-course-steps": Listed(),
    "api-activities": Listed(),
    "api-protocol-windows": Listed(),
    "api-protocol-versions": Listed(),
    "api-cohorts": Listed(),
    "api-site-periods": Listed(),
    "api-sites": Listed(),
    "api-trials": Listed(),
    "api-changes": Listed(),
    "api-edc-maps": Listed(),
    "api-trial": Listed("code"),
    "api-tv": Listed("code"),
    # --- the records' own pages
    "admin:index": Listed(),
    "admin:trials_user_changelist": Listed(),
    "admin:trials_membership_changelist": Listed(),
    "admin:trials_apitoken_changelist": Listed(),
    "admin:trials_site_changelist": Listed(),
    "admin:trials_workingdaytable_changelist": Listed(),
    "admin:trials_trial_changelist": Listed(),
    "admin:trials_protocolversion_changelist": Listed(),
    "admin:schedules_calendarfeed_changelist": Listed(),
}

ALL_SITES = {200, 403}
ALLOWED: Mapping[str, AbstractSet[int]] = {
    "boards": {200, 302},  # leads to the only one
    "failed-sign-ins": ALL_SITES,
    "trial-sites": ALL_SITES,
}
"""What a list answers: these are refused to a role at one site."""

OTHERWISE: Mapping[str, tuple[str, ...]] = {
    "shows one record, whose own rows are few": (
        *("flag", "deviation", "visit-card", "participant-period", "forecast-end", "hold", "board"),
        *(
            "person",
            "api-client",
            "webhook",
            "webhooks",
            "channel",
            "job",
            "amendment",
            "edc-map",
            "trial-version",
        ),
        *("account", "trail-record", "sign", "api-edc-map", "api-protocol-version", "api-schedule"),
        *("api-site-period", "api-webhook"),
    ),
    "is a form about one record, or those that are chosen": (
        "deviations-classify",
        *("visit-deed", "unscheduled", "course-undo", "course-step", "absence-end", "replan", "hold-act"),
        *("site-new", "site-names", "trial-new", "trial-names", "facts-of-day", "fact-new", "fact-correct"),
        *("fact-withdraw", "window-waive", "flag-act", "reminders-pause", "trial-pause", "reminder-rule"),
        *(
            "participant-pause",
            "participant-coordinator",
            "trial-closing",
            "consent-form-new",
            "approval-new",
        ),
        *(
            "approval",
            "consent-new",
            "consent-correct",
            "consent-withdrawal",
            "deviation-act",
            "deviation-new",
        ),
        *("deviation-new-of", "difference-take", "difference-keep", "safety-review", "safety-review-correct"),
        *("trial-safety-review", "milestone-new", "milestone-expected", "milestone-undo", "amendment-new"),
        *("open-account", "correct-account", "api-client-new", "api-client-rotate", "api-client-end"),
        *("webhook-new", "webhook-rotate", "grant", "withdraw", "own-calendar-new", "own-calendar-change"),
        *("channel-new", "stop-change", "history", "history-whole"),
    ),
    "reads everybody in the trial, for gates are judged by all: readiness/test_starting_order.py": (
        *("readiness", "day-zero", "api-day-zero", "api-day-zero-newcomer", "day-zero-newcomer", "enrol"),
    ),
    "counts what each rule would have said in the last days": ("reminder-rules", "site-reminder-rules"),
    "counts what is not sealed yet, which a task seals all the time": ("operations",),
    "is a file of all there is, streamed: sizes/test_memory.py": (
        *("deviations-export", "screening-log-export", "enrolment-log-export", "trail-export"),
        *(
            "trail-record-export",
            "memberships-export",
            "trial-export",
            "job-file",
            "api-export",
            "api-sv",
            "api-odm",
        ),
    ),
    "is a file about one record or a week": (
        "visit-file",
        "week-file",
        "history-csv",
        "history-xlsx",
        "paper",
    ),
    "is a calendar, asked at its largest: feeds/test_large.py": ("feed",),
    "asks for a client of OAuth: counted in api/test_every_read.py": ("api-webhooks", "api-webhook-messages"),
    "reads no table of ours": (
        *("oauth-metadata", "api-schema", "api-docs", "health", "live", "ready", "keys", "kept-form"),
        *("login", "logout", "account_login", "account_logout", "account_inactive", "account_reauthenticate"),
        *("account_change_password", "account_set_password", "account_reset_password_from_key"),
        *("account_reset_password_from_key_done", "mfa_index", "mfa_authenticate", "mfa_reauthenticate"),
        *("mfa_activate_totp", "mfa_generate_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn"),
        *("mfa_reauthenticate_webauthn", "mfa_login_webauthn", "socialaccount_login_cancelled"),
    ),
    "nobody meets this list: Records shows no participants": (
        *("admin:participants_participant_changelist", "admin:schedules_visit_changelist"),
        *("admin:schedules_protocolwindow_changelist", "admin:schedules_reminder_changelist"),
        "admin:schedules_reminderdelivery_changelist",
    ),
}


def every_list(
    readers: Mapping[str, User], site: Site
) -> Iterator[tuple[tuple[str, str], Client, str, AbstractSet[int]]]:
    """Each address of a list, for each reader: its key, who asks, the address, and what it may answer."""
    for who, user in readers.items():
        client = Client()
        user.refresh_from_db()  # it has a password by now, which its session is bound to
        client.force_login(user)
        show_who_one_is(client)
        for name, listed in LISTS.items():
            for address, query in zip(listed.addresses(name, site), listed.queries, strict=True):
                yield (who, f"{name} {query}".strip()), client, address, ALLOWED.get(name, {200})
