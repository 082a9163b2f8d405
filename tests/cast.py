"""The cast of the tests: a site, a trial, a published protocol and an enrolment that would do."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from time import time as seconds
from typing import Any

from django.db import connections
from django.test import Client

from schedules.domain.plan.values import AnchorDay
from schedules.services.enrolment.enrolling import Enrolment
from trials.domain.audit.signing import How, Proof
from trials.formats.protocols import library
from trials.models import (
    AuditEpoch,
    Meaning,
    Membership,
    ProtocolVersion,
    Role,
    Site,
    SiteApproval,
    TrialSite,
    User,
)
from trials.selectors.protocols.approvals import signable_approval
from trials.services.audit.signatures import sign
from trials.services.protocols.approvals import Approval, record_approval
from trials.services.protocols.publishing import import_protocol, publish_protocol
from trials.zones import zone_of

NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
TODAY = date(2026, 11, 21)
INFUSION = date(2026, 12, 7)
WHY = "the consent is entered afterwards"
_GATES = re.compile(r"^gates:.*?(?=^notes:)", re.MULTILINE | re.DOTALL)


def a_site(code: str = "WH", **values: Any) -> Site:
    """A site in Shanghai's zone, unless told otherwise."""
    values = {"name": f"Hospital {code}", "zone": "Asia/Shanghai", **values}
    return Site.objects.get_or_create(code=code, defaults=values)[0]


def document(code: str = "CART-SLE") -> str:
    """The text of a shipped protocol; of the template without its gate, so that several may start at once."""
    text = library.path(code).read_text(encoding="utf-8")
    return _GATES.sub("", text) if code == "CART-SLE" else text


def a_version(code: str = "CART-SLE", text: str | None = None) -> ProtocolVersion:
    """A shipped protocol (or the text), imported and published."""
    version = import_protocol(text=text or document(code), by=None)
    return publish_protocol(version=version, by=None, now=NOW)


def an_investigator() -> User:
    """Somebody who signs, at every site and in every trial."""
    name = "signing-investigator"
    investigator, made = User.objects.get_or_create(username=name, defaults={"first_name": "Dr. Wang"})
    if made:
        Membership.objects.create(user=investigator, role=Role.INVESTIGATOR, starts_on=date(2020, 1, 1))
    return investigator


def an_approval(site: Site, version: ProtocolVersion, signed: bool = True) -> SiteApproval:
    """A version's approval at a site, signed unless told otherwise, so that the site may use it."""
    found = SiteApproval.objects.filter(site=site, protocol_version=version).first()
    if found:
        return found
    TrialSite.objects.get_or_create(trial=version.trial, site=site)
    by = an_investigator()
    said = Approval(date(2026, 1, 5), "EC 2026-01", date(2026, 1, 5))
    approval = record_approval(site=site, version=version, approval=said, today=TODAY, by=by)
    if signed:
        record = signable_approval(approval, TODAY)
        proof = Proof(by.pk, How.PASSWORD, NOW)
        sign(record=record, meaning=Meaning.APPROVED, shown=record.digest, by=by, proof=proof, now=NOW)
    return approval


def an_enrolment(version: ProtocolVersion | None = None, **changes: Any) -> Enrolment:
    """Somebody who can be enrolled: the trial runs at the site and the infusion is planned.

    Enrolled on a day that is given as `today`, at noon there.
    """
    version = version or a_version()
    site = changes.pop("site", None) or a_site()
    TrialSite.objects.get_or_create(trial=version.trial, site=site)
    if version.published_at and site.zone:
        an_approval(site, version)
    if "today" in changes:
        changes["now"] = datetime.combine(changes.pop("today"), time(12), zone_of(site))
    day = AnchorDay(INFUSION)
    enrolment = Enrolment(version.trial, site, version, "S01-001", {"infusion": day}, no_consent_reason=WHY)
    return replace(enrolment, **changes)


def at_once(act: Callable[[int], object]) -> list[str]:
    """Let two act at once; give in words how each ended."""
    gate, ends = threading.Barrier(2), list[str]()

    def run(place: int) -> None:
        gate.wait(20)
        try:
            act(place)
            ends.append("saved")
        except Exception as error:  # noqa: BLE001  whatever it is, the test says it
            ends.append(type(error).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(ends)


def open_epoch_as_a_restore_does() -> None:
    """Begin an epoch of the trail, as after a backup was put in the database's place."""
    AuditEpoch.objects.create(number=1, after=0, reason="A backup was restored.", opened_at=NOW)


def show_who_one_is(client: Client) -> None:
    """Let anyone who is signed in have just given their password again; they have one afterwards."""
    session = client.session
    user = User.objects.get(pk=session["_auth_user_id"])
    if not user.has_usable_password():
        user.set_password("a long enough secret")
        user.save(update_fields=["password"])
        session["_auth_user_hash"] = user.get_session_auth_hash()
    session["account_authentication_methods_user"] = str(user.pk)
    record = {"method": "password", "at": seconds(), "reauthenticated": True}
    session["account_authentication_methods"] = [record]
    session.save()
