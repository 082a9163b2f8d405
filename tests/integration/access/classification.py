"""Every address of the project, and who may do what there: the table that the access matrix is made from.

An address that is not here makes `test_matrix.py` fail. To add one, find its line by its name in the
url list (`path(..., name="...")`) and say

- `of`: which object its address names, a word of `world.py` (`PARTICIPANT`, `VISIT`, ...); nothing for
  an address that names none. Such an object is there once at the matrix's own site and once elsewhere;
- `seen_by`: for whom the object exists; for all others, and for everybody elsewhere, it is 404;
- each method that the address has: who is let through. The rest of `seen_by` is refused with 403.

Methods that are not named must read and write nothing (405, or what a GET shows). Roles are named by
what they may do, `having(Right.RECORD)`, so that a changed table of rights changes the matrix with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from trials.domain.accounts.access import ROLE_RIGHTS, Right

EVERYBODY = frozenset({*ROLE_RIGHTS, "chief", "lead", "one-trial", "nobody", "expired", "withdrawn"})
"""Anyone who can sign in. `chief` administers and `lead` manages data at all sites; `one-trial` coordinates
one trial of the site; `nobody` has no role, `expired` and `withdrawn` have theirs no more."""

ACTS_AS = {"chief": "administrator", "lead": "data_manager", "one-trial": "coordinator"}
EVERYWHERE = frozenset({"chief", "lead"})


WITHOUT_ROLE = frozenset({"anonymous", "nobody", "expired", "withdrawn"})


def having(*rights: Right) -> frozenset[str]:
    """The members of the cast who hold one of these rights at the matrix's own site."""
    roles = {role for role, held in ROLE_RIGHTS.items() if held & set(rights)}
    return frozenset({*roles, *(name for name, role in ACTS_AS.items() if role in roles)})


def throughout(right: Right) -> frozenset[str]:
    """Those who hold a right at all sites."""
    return having(right) & EVERYWHERE


ANY_ROLE = having(*Right)
VIEW, RECORD, ENROL = having(Right.VIEW), having(Right.RECORD), having(Right.ENROL)
SUBSCRIBE, SIGN, REVIEW = having(Right.SUBSCRIBE), having(Right.SIGN), having(Right.REVIEW)
ADMINISTER, PUBLISH = having(Right.ADMINISTER), having(Right.PUBLISH)
AT_WHOLE_SITE = RECORD - {"one-trial"}
KEEPERS = ADMINISTER | PUBLISH
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Endpoint:
    """Who finds something at an address, and who is let through by which method."""

    of: str = ""
    seen_by: frozenset[str] = EVERYBODY
    get: frozenset[str] | None = None
    post: frozenset[str] | None = None
    patch: frozenset[str] | None = None
    open_to_all: bool = False
    turned_away: bool = False
    """The admin leads whom it does not let in to its door, which says no."""
    by_secret: bool = False
    """A program sends its secret with each request, so no browser of somebody else can be made to."""
    no_role_for_it: bool = False
    """The API answers 403 to anyone who has no role that shows participants, whatever is asked."""
    why: str = ""

    @property
    def methods(self) -> dict[str, frozenset[str]]:
        """Each method that the address has, with those who are let through."""
        known = {"GET": self.get, "POST": self.post, "PATCH": self.patch}
        return {method: who for method, who in known.items() if who is not None}


def read(of: str = "", by: frozenset[str] = VIEW) -> Endpoint:
    """Something that is only read, by everybody for whom it exists."""
    return Endpoint(of, seen_by=by, get=by)


def listed() -> Endpoint:
    """A list of what is in sight: everybody may ask for it, and finds their own part."""
    return Endpoint(get=EVERYBODY)


def form(of: str, by: frozenset[str] = RECORD, seen_by: frozenset[str] = VIEW) -> Endpoint:
    """A form about something in sight, for those who may fill it in."""
    return Endpoint(of, seen_by=seen_by, get=by, post=by)


def one_s_own(*, post: bool = True) -> Endpoint:
    """About nobody but oneself."""
    return Endpoint(get=EVERYBODY, post=EVERYBODY if post else None)


def for_all(why: str, *, get: bool = True, post: bool = False) -> Endpoint:
    """Open without signing in: it shows nothing of a trial."""
    return Endpoint(
        get=EVERYBODY if get else None, post=EVERYBODY if post else None, open_to_all=True, why=why
    )


ADDRESSES: dict[str, Endpoint] = {
    # --- participants and their visits
    "today": listed(),
    "today-counts": listed(),
    "worklist": listed(),
    "today-act": Endpoint("today-act", seen_by=VIEW, post=RECORD),
    "today-record": Endpoint(post=EVERYBODY, why="each visit that is chosen is asked for by itself"),
    "today-flag": Endpoint("today-flag", seen_by=VIEW, post=RECORD),
    "today-view-save": Endpoint(post=EVERYBODY),
    "today-view-delete": Endpoint("number", post=EVERYBODY, why="another's view is left alone"),
    "today-read": Endpoint(post=EVERYBODY),
    "participants": listed(),
    "enrol": Endpoint(get=ENROL, post=ENROL),
    "participant": read("participant"),
    "participant-period": read("former"),
    "visit": read("visit"),
    "visit-file": read("visit"),
    "visit-card": Endpoint("participant", seen_by=VIEW, get=VIEW, post=RECORD),
    "calendar": listed(),
    "visit-deed": form("deed"),
    "unscheduled": form("participant"),
    "course": read("participant"),
    "history": form("participant"),
    "history-whole": form("participant"),
    "history-csv": Endpoint("participant", seen_by=VIEW, get=RECORD),
    "history-xlsx": Endpoint("participant", seen_by=VIEW, get=RECORD),
    "course-undo": form("participant"),
    "course-step": form("step"),
    "participant-absences": Endpoint("participant", seen_by=VIEW, get=VIEW, post=RECORD),
    "site-absences": Endpoint("site", seen_by=ANY_ROLE, get=ANY_ROLE, post=AT_WHOLE_SITE),
    "absence-end": form("absence"),
    "find": listed(),
    "find-places": listed(),
    "keys": one_s_own(),
    # --- re-planning, holds, working days
    "replan": form("anchors"),
    "hold": read("participant"),
    "hold-act": form("hold-act"),
    "sites": listed(),
    "setup": listed(),
    "site-new": Endpoint(get=throughout(Right.ADMINISTER), post=throughout(Right.ADMINISTER)),
    "site-names": form("site", by=ADMINISTER, seen_by=ANY_ROLE),
    "trial-new": Endpoint(get=PUBLISH, post=PUBLISH),
    "trial-version": Endpoint("version", seen_by=ANY_ROLE, get=ANY_ROLE, post=throughout(Right.PUBLISH)),
    "trial-sites": form("trial-by-role", by=throughout(Right.ADMINISTER), seen_by=ANY_ROLE),
    "trial-names": form("trial-by-role", by=throughout(Right.ADMINISTER), seen_by=ANY_ROLE),
    "working-days": Endpoint("site", seen_by=ANY_ROLE, get=ANY_ROLE, post=AT_WHOLE_SITE),
    "paper": Endpoint("paper", seen_by=ANY_ROLE, get=ANY_ROLE),
    "resources": Endpoint("site", seen_by=ANY_ROLE, get=ANY_ROLE, post=AT_WHOLE_SITE),
    "site-calendars": Endpoint("site", seen_by=ADMINISTER, get=ADMINISTER),
    "site-calendar-switch": Endpoint("site", seen_by=ADMINISTER, post=ADMINISTER),
    "site-calendar-end": Endpoint("site", seen_by=ADMINISTER, post=ADMINISTER),
    # --- facts, windows, flags, the board
    "facts": read("participant"),
    "facts-of-day": form("participant"),
    "fact-new": form("fact-kind"),
    "fact-correct": form("fact"),
    "fact-withdraw": form("fact"),
    "window-waive": form("window", by=SIGN),
    "eligibility": read("participant"),
    "flags": listed(),
    "flag": read("flag"),
    "flag-act": form("flag-act"),
    "boards": listed(),
    "reminders": one_s_own(post=False),
    "reminders-read": Endpoint(post=EVERYBODY, why="of one's own bell alone"),
    "reminders-pause": one_s_own(),
    "reminders-pause-end": Endpoint("number", seen_by=NOBODY, post=NOBODY, why="there is none to end"),
    "reminder-rules": read("trial"),
    "site-reminder-rules": Endpoint("site", seen_by=ANY_ROLE, get=ANY_ROLE),
    "trial-pause": form("trial", by=throughout(Right.RECORD)),
    "reminder-rule": form("reminder-rule", by=throughout(Right.RECORD)),
    "participant-pause": form("participant"),
    "participant-coordinator": form("participant"),
    "reminder-act": Endpoint("reminder-act", seen_by=NOBODY, post=NOBODY, why="only whoever was told"),
    # --- signing, trials, approvals, consents
    "sign": Endpoint("signable", seen_by=VIEW, get=VIEW, post=SIGN),
    "trials": listed(),
    "trial": read("trial"),
    "trial-export": Endpoint(
        "trial", seen_by=VIEW, get=throughout(Right.CLOSE), post=throughout(Right.CLOSE)
    ),
    "jobs": one_s_own(post=False),
    "job": Endpoint("number", seen_by=NOBODY, get=NOBODY, post=NOBODY, why="one's own alone"),
    "job-file": Endpoint("number", seen_by=NOBODY, get=NOBODY, why="one's own alone"),
    "trial-closing": form("trial-deed", by=throughout(Right.CLOSE)),
    "consent-form-new": form("trial", by=throughout(Right.RECORD)),
    "approval-new": form("approval-place"),
    "approval": form("approval"),
    "consents": listed(),
    "consent": read("participant"),
    "consent-new": form("participant"),
    "consent-correct": form("given-consent"),
    "consent-withdrawal": form("participant"),
    # --- deviations, logs, the forecast
    "deviations": listed(),
    "deviations-export": Endpoint("file", get=EVERYBODY),
    "deviations-classify": Endpoint(get=EVERYBODY, post=EVERYBODY),
    "deviation": read("deviation"),
    "deviation-act": form("deviation-act"),
    "deviation-new": form("participant"),
    "deviation-new-of": Endpoint(get=EVERYBODY, post=EVERYBODY),
    "differences": listed(),
    "difference-take": form("difference"),
    "difference-keep": form("difference"),
    "screening-log": listed(),
    "screening-log-export": Endpoint("file", get=EVERYBODY),
    "enrolment-log": listed(),
    "enrolment-log-export": Endpoint("file", get=EVERYBODY),
    "forecast": listed(),
    "forecast-end": read("trial-by-role", by=ANY_ROLE),
    # --- the start of treatment: readiness, the product, safety reviews
    "board": read("board", by=ANY_ROLE),
    "safety-review": form("level", by=throughout(Right.RECORD), seen_by=ANY_ROLE),
    "safety-review-correct": form("review", by=throughout(Right.RECORD), seen_by=ANY_ROLE),
    "trial-safety-review": form("board", by=throughout(Right.RECORD), seen_by=ANY_ROLE),
    "day-zero": read("participant"),
    "day-zero-newcomer": Endpoint(get=ENROL),
    "readiness": read("participant"),
    "product": read("participant"),
    "milestone-new": form("participant"),
    "milestone-expected": form("participant"),
    "milestone-undo": form("milestone"),
    # --- amendments
    "amendments": read("trial"),
    "amendment-new": form("trial"),
    "amendment": read("amendment"),
    "amendment-retry": Endpoint("amendment", seen_by=VIEW, post=RECORD),
    "amendment-cancel": Endpoint("amendment", seen_by=VIEW, post=RECORD),
    # --- the installation
    "operations": Endpoint(get=throughout(Right.ADMINISTER)),
    "delivery-decision": Endpoint("number", seen_by=NOBODY, post=NOBODY, why="no delivery has failed"),
    # --- the audit trail
    "trail": listed(),
    "trail-export": listed(),
    "trail-review": Endpoint(post=REVIEW),
    "trail-record": read("record"),
    "trail-record-export": read("record"),
    "trail-remark": Endpoint("record", seen_by=VIEW, post=REVIEW & VIEW),
    # --- accounts and roles
    "people": read(by=ADMINISTER),
    "open-account": Endpoint(seen_by=ADMINISTER, get=ADMINISTER, post=ADMINISTER),
    "failed-sign-ins": Endpoint(seen_by=ADMINISTER, get=throughout(Right.ADMINISTER)),
    "person": Endpoint("account", seen_by=ADMINISTER, get=ADMINISTER, post=ADMINISTER),
    "correct-account": Endpoint("account", seen_by=ADMINISTER, get=ADMINISTER, post=ADMINISTER),
    "memberships": read(by=ADMINISTER),
    "memberships-export": read(by=ADMINISTER),
    "api-clients": read(by=ADMINISTER),
    "api-client-new": Endpoint(seen_by=ADMINISTER, get=ADMINISTER, post=ADMINISTER),
    "api-client": read("client", by=ADMINISTER),
    "api-client-rotate": Endpoint("client", seen_by=ADMINISTER, get=ADMINISTER, post=ADMINISTER),
    "api-client-end": Endpoint("client", seen_by=ADMINISTER, get=ADMINISTER, post=ADMINISTER),
    "webhooks": read("client", by=ADMINISTER),
    "webhook-new": Endpoint("client", seen_by=ADMINISTER, get=ADMINISTER, post=ADMINISTER),
    "webhook": read("webhook", by=ADMINISTER),
    "webhook-act": Endpoint("webhook", seen_by=ADMINISTER, post=ADMINISTER),
    "webhook-rotate": Endpoint("webhook", seen_by=ADMINISTER, get=ADMINISTER, post=ADMINISTER),
    "grant": Endpoint(seen_by=ADMINISTER, get=ADMINISTER, post=ADMINISTER),
    "withdraw": Endpoint("membership", seen_by=ADMINISTER, get=ADMINISTER, post=ADMINISTER),
    # --- machines: the API answers 401 where pages ask to sign in
    "api-visits": Endpoint(
        get=VIEW, patch=VIEW, no_role_for_it=True, why="each item of a PATCH is refused by itself"
    ),
    "api-visit": Endpoint("api-visit", seen_by=VIEW, get=VIEW, patch=RECORD, no_role_for_it=True),
    "api-changes": Endpoint(get=VIEW, no_role_for_it=True),
    "api-deviations": Endpoint(get=VIEW, no_role_for_it=True),
    "api-flags": Endpoint(get=VIEW, no_role_for_it=True),
    "api-trials": Endpoint(get=VIEW, no_role_for_it=True),
    "edc-maps": Endpoint("trial", seen_by=VIEW, get=VIEW, post=throughout(Right.RECORD)),
    "edc-map": Endpoint("edc-map", seen_by=VIEW, get=VIEW, post=throughout(Right.RECORD)),
    "api-edc-maps": Endpoint(get=VIEW, no_role_for_it=True),
    "api-export": Endpoint("api-trial", seen_by=VIEW, get=VIEW, no_role_for_it=True),
    "api-sv": Endpoint("api-trial", seen_by=VIEW, get=VIEW, no_role_for_it=True),
    "api-tv": Endpoint("api-trial", seen_by=VIEW, get=VIEW, no_role_for_it=True),
    "api-trial": Endpoint("api-trial", seen_by=VIEW, get=VIEW, no_role_for_it=True),
    "api-course": Endpoint("api-participant", seen_by=VIEW, get=VIEW, no_role_for_it=True),
    "api-day-zero": Endpoint("api-participant", seen_by=VIEW, get=VIEW, no_role_for_it=True),
    "api-day-zero-newcomer": Endpoint(get=VIEW, no_role_for_it=True, why="what it names is asked for"),
    "api-replanning": Endpoint("api-participant", seen_by=VIEW, post=RECORD, no_role_for_it=True),
    "api-all-anchors": Endpoint(get=VIEW, no_role_for_it=True),
    "api-all-facts": Endpoint(get=VIEW, no_role_for_it=True),
    "api-course-steps": Endpoint(get=VIEW, no_role_for_it=True),
    "api-activities": Endpoint(get=VIEW, no_role_for_it=True),
    "api-protocol-windows": Endpoint(get=VIEW, no_role_for_it=True),
    "api-protocol-versions": Endpoint(get=VIEW, no_role_for_it=True),
    "api-protocol-version": Endpoint("api-version", seen_by=VIEW, get=VIEW, no_role_for_it=True),
    "api-schedule": Endpoint("api-version", seen_by=VIEW, get=VIEW, no_role_for_it=True),
    "api-cohorts": Endpoint(get=VIEW, no_role_for_it=True),
    "api-site-periods": Endpoint(get=VIEW, no_role_for_it=True),
    "api-site-period": Endpoint("api-former", seen_by=VIEW, get=VIEW, no_role_for_it=True),
    "api-sites": Endpoint(get=VIEW, no_role_for_it=True),
    "api-anchors": Endpoint("api-participant", seen_by=VIEW, post=RECORD, no_role_for_it=True),
    "api-history": Endpoint("api-participant", seen_by=VIEW, post=RECORD, no_role_for_it=True),
    "api-rescreening": Endpoint("api-participant", seen_by=VIEW, post=RECORD, no_role_for_it=True),
    "api-facts": Endpoint("api-participant", seen_by=VIEW, post=RECORD, no_role_for_it=True),
    "api-webhooks": Endpoint(get=EVERYBODY, post=NOBODY),
    "api-webhook": Endpoint("api-webhook", seen_by=ADMINISTER, get=ADMINISTER, patch=NOBODY),
    "api-webhook-messages": read("api-webhook", by=ADMINISTER),
    "api-webhook-replay": Endpoint("api-webhook", seen_by=ADMINISTER, post=NOBODY),
    "api-webhook-secret": Endpoint("api-webhook", seen_by=ADMINISTER, post=NOBODY),
    "api-differences": Endpoint(get=VIEW, no_role_for_it=True),
    "api-difference-settlement": Endpoint("api-difference", seen_by=VIEW, post=RECORD, no_role_for_it=True),
    "api-odm": Endpoint(
        "api-edc-map",
        seen_by=VIEW,
        get=VIEW,
        post=VIEW,
        no_role_for_it=True,
        why="each visit of the file is asked for by itself",
    ),
    "api-edc-map": Endpoint("api-edc-map", seen_by=VIEW, get=VIEW, no_role_for_it=True),
    "api-participants": Endpoint(get=VIEW, no_role_for_it=True),
    "api-participant": Endpoint("api-participant", seen_by=VIEW, get=VIEW, no_role_for_it=True),
    "oauth-token": replace(for_all("a program shows its secret", get=False, post=True), by_secret=True),
    "oauth-revoke": replace(for_all("a program shows its secret", get=False, post=True), by_secret=True),
    "oauth-metadata": for_all("where a program asks for a token"),
    "api-schema": for_all("how the API is spoken to"),
    "api-docs": for_all("the same, to be read"),
    "api-nothing": Endpoint(seen_by=NOBODY, why="any other address below /api/v1/"),
    "feed": Endpoint(
        seen_by=NOBODY, get=NOBODY, open_to_all=True, why="the secret in its address is the key"
    ),
    "no-feed": Endpoint(seen_by=NOBODY, open_to_all=True, why="any other address below /calendar/"),
    # --- one's own account
    "own-calendars": one_s_own(post=False),
    "own-calendar-new": Endpoint(get=SUBSCRIBE, post=SUBSCRIBE),
    "own-calendar-change": Endpoint(
        "number", seen_by=NOBODY, get=NOBODY, post=NOBODY, why="only whoever made it"
    ),
    "own-calendar-pause": Endpoint("number", seen_by=NOBODY, post=NOBODY, why="only whoever made it"),
    "week-file": one_s_own(post=False),
    "own-calendar-end": Endpoint("number", seen_by=NOBODY, post=NOBODY, why="only whoever made it"),
    "own-calendar-replace": Endpoint("number", seen_by=NOBODY, post=NOBODY, why="only whoever made it"),
    "account": one_s_own(post=False),
    "own-changes": one_s_own(),
    "channels": one_s_own(post=False),
    "channel-new": one_s_own(),
    "channel": Endpoint(
        "channel",
        seen_by=AT_WHOLE_SITE | ADMINISTER,
        get=AT_WHOLE_SITE | ADMINISTER,
        post=AT_WHOLE_SITE | ADMINISTER,
    ),
    "channel-test": Endpoint(
        "channel",
        seen_by=AT_WHOLE_SITE | ADMINISTER,
        post=AT_WHOLE_SITE | ADMINISTER,
    ),
    "stop-change": Endpoint(
        seen_by=NOBODY, get=NOBODY, post=NOBODY, open_to_all=True, why="the token in its address is the key"
    ),
    "health": for_all("whatever watches the server"),
    "live": for_all("whatever watches the server"),
    "ready": for_all("whatever watches the server"),
    "metrics": Endpoint(seen_by=NOBODY, why="for whoever shows the token of the settings"),
    "login": for_all("the door", post=True),
    "account_login": for_all("the door", post=True),
    "logout": one_s_own(),
    "account_logout": one_s_own(),
    "kept-form": one_s_own(post=False),
    "account_inactive": for_all("says that the account is closed"),
    "account_reauthenticate": one_s_own(),
    "account_change_password": one_s_own(),
    "account_set_password": for_all("says who gives out the link to a password"),
    "account_reset_password_from_key": for_all("the link in its address is the key", post=True),
    "account_reset_password_from_key_done": for_all("says that a password is set"),
    "mfa_index": one_s_own(post=False),
    "mfa_authenticate": for_all("the second step of signing in", post=True),
    "mfa_reauthenticate": one_s_own(),
    "mfa_activate_totp": one_s_own(),
    "mfa_deactivate_totp": Endpoint(seen_by=NOBODY, why="nobody of the cast has an app"),
    "mfa_view_recovery_codes": Endpoint(seen_by=NOBODY, why="nobody of the cast has codes"),
    "mfa_generate_recovery_codes": one_s_own(),
    "mfa_download_recovery_codes": Endpoint(seen_by=NOBODY, why="nobody of the cast has codes"),
    "mfa_list_webauthn": one_s_own(post=False),
    "mfa_add_webauthn": one_s_own(),
    "mfa_reauthenticate_webauthn": one_s_own(),
    "mfa_remove_webauthn": Endpoint("number", seen_by=NOBODY, why="nobody of the cast has a passkey"),
    "mfa_edit_webauthn": Endpoint("number", seen_by=NOBODY, why="nobody of the cast has a passkey"),
    "mfa_login_webauthn": for_all("signing in by passkey", post=True),
    "socialaccount_login_cancelled": for_all("single sign-on was left"),
    "socialaccount_login_error": Endpoint(open_to_all=True, why="single sign-on failed: 401"),
    "openid_connect_login": Endpoint("provider", seen_by=NOBODY, open_to_all=True, why="no provider is set"),
    "openid_connect_callback": Endpoint("provider", seen_by=NOBODY, open_to_all=True, why="as above"),
    "theme": for_all("the light of the pages", get=False, post=True),
    "set_language": for_all("the language of the pages", get=False, post=True),
}


@dataclass(frozen=True)
class Records:
    """Who meets a kind of record in the admin: in its list, as one row, added, changed."""

    listed_by: frozenset[str]
    seen_by: frozenset[str]
    added_by: frozenset[str] = NOBODY
    changed_by: frozenset[str] = NOBODY


# The admin, by kind of record; what is not here makes the matrix fail. Only KEEPERS get in at all.
RECORDS: dict[str, Records] = {
    "trials.user": Records(ADMINISTER, ADMINISTER),
    "trials.site": Records(KEEPERS, KEEPERS, added_by=throughout(Right.ADMINISTER), changed_by=ADMINISTER),
    "trials.workingdaytable": Records(KEEPERS, KEEPERS, added_by=ADMINISTER),
    "trials.trial": Records(KEEPERS, KEEPERS, changed_by=throughout(Right.ADMINISTER)),
    "trials.protocolversion": Records(KEEPERS, KEEPERS, added_by=PUBLISH),
    "trials.membership": Records(ADMINISTER, ADMINISTER),
    "trials.apitoken": Records(ADMINISTER, ADMINISTER, added_by=ADMINISTER),
    "participants.participant": Records(NOBODY, NOBODY),
    "schedules.visit": Records(NOBODY, NOBODY),
    "schedules.protocolwindow": Records(NOBODY, NOBODY),
    "schedules.reminder": Records(NOBODY, NOBODY),
    "schedules.reminderdelivery": Records(NOBODY, NOBODY),
    "schedules.calendarfeed": Records(ADMINISTER, ADMINISTER),
}

# The admin's own pages, by their route.
ADMIN_PAGES: dict[str, Endpoint] = {
    "admin/login/": Endpoint(why="leads to our own door, or says that one may not enter"),
    "admin/password_change/": for_all("leads to one's own account", post=True),
    "admin/": Endpoint(get=KEEPERS, turned_away=True),
    "admin/logout/": Endpoint(post=EVERYBODY),
    "admin/password_change/done/": Endpoint(get=KEEPERS, turned_away=True),
    "admin/autocomplete/": Endpoint(why="no field asks for it: 403 or 404"),
    "admin/jsi18n/": Endpoint(get=KEEPERS, turned_away=True, why="the admin's own words"),
    "admin/search/": Endpoint(
        get=KEEPERS, post=KEEPERS, turned_away=True, why="finds kinds of records, never a record"
    ),
    "admin/r/<path:content_type_id>/<path:object_id>/": Endpoint(why="no record has a page of its own"),
    "admin/^(?P<app_label>trials|participants|schedules)/$": Endpoint(get=KEEPERS, turned_away=True),
    "admin/(?P<url>.*)$": Endpoint(why="nothing is there"),
}
