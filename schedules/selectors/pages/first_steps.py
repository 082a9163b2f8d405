"""How far a site and a trial are on the way to the first participant."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from django.db.models import Q

from participants.models import Participant
from trials.domain.accounts.access import Right, Scope
from trials.domain.sites.first_steps import FirstStep, StepStanding, next_step, steps_from
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
    WorkingDayTable,
)
from trials.selectors.protocols.approvals import ApprovalState, approval_states, signing_roles
from trials.selectors.records import holds_at, roles_of, sites_visible_to, trials_visible_to, within


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """The steps of one trial at one site, the rows they are about, and which of them the reader may take.

    `missing` are the roles that nobody holds there yet.
    """

    site: Site | None
    trial: Trial | None
    version: ProtocolVersion | None
    approval: SiteApproval | None
    form: ConsentForm | None
    table: WorkingDayTable | None
    done: frozenset[FirstStep]
    may: frozenset[FirstStep]
    missing: tuple[Role, ...] = field(default=())

    @property
    def standings(self) -> tuple[StepStanding, ...]:
        """Every step and where it stands."""
        return steps_from(self.done)

    @property
    def next(self) -> FirstStep | None:
        """The step to take next; None once somebody takes part."""
        return next_step(self.done)


def first_steps(user: User, today: date, site: int | None = None, trial: int | None = None) -> FirstSteps:
    """Read the steps of a trial at a site (ids), or of the newest in sight; a dozen queries at most."""
    there = _site(user, today, site, trial)
    study = _trial(user, today, trial, there)
    version = _version(study)
    approval = _approval(there, study)
    missing = _missing(there, study, today)
    form = ConsentForm.objects.filter(trial=study).order_by("-effective_on").first() if study else None
    table = WorkingDayTable.objects.filter(site=there).order_by("-version").first() if there else None
    reached = {
        FirstStep.SITE: there is not None,
        FirstStep.CALENDAR: table is not None,
        FirstStep.TRIAL: study is not None,
        FirstStep.VERSION: version is not None and version.published_at is not None,
        FirstStep.TRIAL_SITE: bool(
            there and study and TrialSite.objects.filter(trial=study, site=there).exists()
        ),
        FirstStep.PEOPLE: there is not None and not missing,
        FirstStep.APPROVAL: approval is not None,
        FirstStep.SIGNATURE: approval is not None and _in_use(approval),
        FirstStep.CONSENT_FORM: form is not None,
        FirstStep.PARTICIPANT: bool(
            there and study and Participant.objects.filter(trial=study, site=there).exists()
        ),
    }
    done = frozenset(step for step, is_done in reached.items() if is_done)
    allowed = _allowed(user, roles_of(user, today), there, study, today)
    return FirstSteps(there, study, version, approval, form, table, done, allowed, missing)


def nobody_takes_part(user: User, today: date) -> bool:
    """Say whether nobody in a reader's sight takes part in anything yet; one query."""
    return not Participant.objects.filter(within(roles_of(user, today))).exists()


def _site(user: User, today: date, site: int | None, trial: int | None) -> Site | None:
    seen = sites_visible_to(user, today).order_by("-pk")
    if site:
        return seen.filter(pk=site).first()
    running = seen.filter(trial_sites__trial=trial).first() if trial else None
    return running or seen.first()


def _trial(user: User, today: date, trial: int | None, site: Site | None) -> Trial | None:
    seen = trials_visible_to(user, today).order_by("-pk")
    if trial:
        return seen.filter(pk=trial).first()
    running = seen.filter(trial_sites__site=site).first() if site else None
    return running or seen.first()


def _version(trial: Trial | None) -> ProtocolVersion | None:
    """The newest published version, else the newest draft."""
    if trial is None:
        return None
    versions = ProtocolVersion.objects.filter(trial=trial).defer("document")
    published = versions.filter(published_at__isnull=False).order_by("-published_at").first()
    return published or versions.order_by("-created_at").first()


def _approval(site: Site | None, trial: Trial | None) -> SiteApproval | None:
    if site is None or trial is None:
        return None
    found = SiteApproval.objects.filter(site=site, protocol_version__trial=trial)
    return found.select_related("protocol_version").order_by("-usable_from", "-pk").first()


def _in_use(approval: SiteApproval) -> bool:
    pair = (approval.site_id, approval.protocol_version_id)
    return approval_states([pair])[pair] is ApprovalState.IN_USE


def _missing(site: Site | None, trial: Trial | None, today: date) -> tuple[Role, ...]:
    """The roles without which nobody is enrolled, as far as nobody holds them at the site."""
    if site is None:
        return (Role.COORDINATOR, Role.INVESTIGATOR)
    here = Q(trial=None) | (Q(trial=trial) if trial else Q())
    held = Membership.objects.filter(holds_at(site, today) & here, user__is_active=True)
    roles = set(held.values_list("role", flat=True))
    return tuple(role for role in (Role.COORDINATOR, Role.INVESTIGATOR) if role.value not in roles)


def _allowed(
    user: User, scope: Scope, site: Site | None, trial: Trial | None, today: date
) -> frozenset[FirstStep]:
    """The steps that a reader may take."""
    place = (site.pk if site else None, trial.pk if trial else None)
    rights = {
        FirstStep.SITE: scope.allows_throughout(Right.ADMINISTER),
        FirstStep.CALENDAR: scope.allows_throughout(Right.RECORD, site=place[0]),
        FirstStep.TRIAL: scope.allows_throughout(Right.PUBLISH),
        FirstStep.VERSION: scope.allows_throughout(Right.PUBLISH, trial=place[1]),
        FirstStep.TRIAL_SITE: scope.allows_throughout(Right.ADMINISTER, trial=place[1]),
        FirstStep.PEOPLE: scope.allows(Right.ADMINISTER, *place),
        FirstStep.APPROVAL: scope.allows(Right.RECORD, *place),
        FirstStep.SIGNATURE: bool(signing_roles(user, site, trial, today)),
        FirstStep.CONSENT_FORM: scope.allows_throughout(Right.RECORD, trial=place[1]),
        FirstStep.PARTICIPANT: scope.allows(Right.ENROL, *place),
    }
    return frozenset(step for step, allowed in rights.items() if allowed)
