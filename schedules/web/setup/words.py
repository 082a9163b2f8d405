"""What each step on the way to the first participant is called, why it is needed, and where it is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from schedules.selectors.pages.first_steps import FirstSteps
from schedules.web.shared.wording import day_words, site_name, trial_name
from trials.domain.sites.first_steps import FirstStep, StepState
from trials.domain.words import run_on
from trials.models import Role


@dataclass(frozen=True, slots=True)
class StepWords:
    """A step: its name, why it is needed, the button that takes it, and who may if the reader may not."""

    title: Promise
    why: Promise
    button: Promise
    who: Promise


ADMINISTRATORS = gettext_lazy("An administrator of all sites does this.")
DESIGNERS = gettext_lazy("A designer of the trial does this.")
WORDS: Mapping[FirstStep, StepWords] = {
    FirstStep.SITE: StepWords(
        pgettext_lazy("first step", "Site"),
        gettext_lazy("The hospital: its time zone, its clinic days, and the numbers on visit cards."),
        gettext_lazy("Add a site"),
        ADMINISTRATORS,
    ),
    FirstStep.CALENDAR: StepWords(
        gettext_lazy("Working days"),
        gettext_lazy("Holidays and make-up days decide which days are offered for visits."),
        gettext_lazy("Record the working days"),
        gettext_lazy("A coordinator of the site does this."),
    ),
    FirstStep.TRIAL: StepWords(
        pgettext_lazy("first step", "Trial"),
        gettext_lazy("Its schedule: a protocol that comes with Dayzero, or a document of your own."),
        gettext_lazy("Add a trial"),
        gettext_lazy("A designer of all trials does this."),
    ),
    FirstStep.VERSION: StepWords(
        gettext_lazy("Protocol version"),
        gettext_lazy("Somebody reads the schedule through and publishes it. It never changes after that."),
        gettext_lazy("Read and publish"),
        DESIGNERS,
    ),
    FirstStep.TRIAL_SITE: StepWords(
        gettext_lazy("Site of the trial"),
        gettext_lazy("At which sites the trial runs."),
        gettext_lazy("Choose the sites"),
        gettext_lazy("Somebody who administers the whole trial does this."),
    ),
    FirstStep.PEOPLE: StepWords(
        pgettext_lazy("first step", "People"),
        gettext_lazy("A coordinator who enrols and an investigator who signs, each with an account."),
        gettext_lazy("Open an account"),
        gettext_lazy("An administrator of the site does this."),
    ),
    FirstStep.APPROVAL: StepWords(
        pgettext_lazy("first step", "Approval"),
        gettext_lazy("The letter of the ethics committee for this version at this site."),
        gettext_lazy("Record the approval"),
        gettext_lazy("A coordinator of the site does this."),
    ),
    FirstStep.SIGNATURE: StepWords(
        pgettext_lazy("first step", "Signature"),
        gettext_lazy("An investigator of the site signs the approval. Only then may anybody be enrolled."),
        gettext_lazy("Sign the approval"),
        gettext_lazy("An investigator of the site does this, signed in with an account of their own."),
    ),
    FirstStep.CONSENT_FORM: StepWords(
        gettext_lazy("Consent form"),
        gettext_lazy("The edition that participants sign."),
        gettext_lazy("Record the consent form"),
        gettext_lazy("Somebody who records for all sites of the trial does this."),
    ),
    FirstStep.PARTICIPANT: StepWords(
        gettext_lazy("First participant"),
        gettext_lazy("Enrolment shows the whole calendar before anything is saved."),
        gettext_lazy("Enrol a participant"),
        gettext_lazy("A coordinator or an investigator of the site does this."),
    ),
}
ALSO: Mapping[Role, Promise] = {
    Role.COORDINATOR: gettext_lazy("Nobody is a coordinator there yet."),
    Role.INVESTIGATOR: gettext_lazy("Nobody is an investigator there yet."),
}


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step as the page shows it: what was done or is to do, and the link where it can be taken."""

    step: FirstStep
    number: int
    state: StepState
    title: str
    text: str
    button: str = ""
    address: str = ""
    more: tuple[tuple[str, str], ...] = ()

    @property
    def done(self) -> bool:
        """Whether it is done."""
        return self.state is StepState.DONE

    @property
    def is_next(self) -> bool:
        """Whether it is the one to take next."""
        return self.state is StepState.NEXT


def shown_steps(found: FirstSteps) -> list[ShownStep]:
    """Every step in words, with links to those that the reader can take now."""
    return [_shown(found, each.step, each.number, each.state) for each in found.standings]


def shown_next(found: FirstSteps) -> ShownStep | None:
    """The next step in words; None once somebody takes part."""
    return next((step for step in shown_steps(found) if step.is_next), None)


def _shown(found: FirstSteps, step: FirstStep, number: int, state: StepState) -> ShownStep:
    words = WORDS[step]
    if state is StepState.DONE:
        return ShownStep(step, number, state, str(words.title), _DONE[step](found))
    text = [str(words.why)]
    if step is FirstStep.PEOPLE:
        text += [str(ALSO[role]) for role in found.missing]
    if state is StepState.LATER:
        return ShownStep(step, number, state, str(words.title), run_on(text, _))
    if step not in found.may:
        text.append(str(words.who))
        return ShownStep(step, number, state, str(words.title), run_on(text, _))
    more = ((str(_("Give a role")), _grant(found)),) if step is FirstStep.PEOPLE else ()
    address = _ADDRESS[step](found)
    return ShownStep(step, number, state, str(words.title), run_on(text, _), str(words.button), address, more)


def _grant(found: FirstSteps) -> str:
    given = {
        "site": found.site.pk if found.site else "",
        "role": found.missing[0].value if found.missing else "",
    }
    return f"{reverse('grant')}?{urlencode(given)}"


def _of_trial(name: str) -> Callable[[FirstSteps], str]:
    return lambda found: reverse(name, args=[found.trial.pk]) if found.trial else reverse("trials")


def _approval(found: FirstSteps) -> str:
    if found.trial is None or found.version is None or found.site is None:
        return reverse("trials")
    return reverse("approval-new", args=[found.trial.pk, found.version.pk, found.site.pk])


_ADDRESS: Mapping[FirstStep, Callable[[FirstSteps], str]] = {
    FirstStep.SITE: lambda _found: reverse("site-new"),
    FirstStep.CALENDAR: lambda found: (
        reverse("working-days", args=[found.site.pk]) if found.site else reverse("sites")
    ),
    FirstStep.TRIAL: lambda _found: reverse("trial-new"),
    FirstStep.VERSION: lambda found: (
        reverse("trial-version", args=[found.version.pk]) if found.version else reverse("trials")
    ),
    FirstStep.TRIAL_SITE: _of_trial("trial-sites"),
    FirstStep.PEOPLE: lambda _found: reverse("open-account"),
    FirstStep.APPROVAL: _approval,
    FirstStep.SIGNATURE: lambda found: (
        reverse("sign", args=["approval", found.approval.pk]) if found.approval else reverse("trials")
    ),
    FirstStep.CONSENT_FORM: _of_trial("consent-form-new"),
    FirstStep.PARTICIPANT: lambda _found: reverse("enrol"),
}


def _site_done(found: FirstSteps) -> str:
    assert found.site, "a site that is there"
    return f"{site_name(found.site)} · {found.site.zone or '–'}"


def _calendar_done(found: FirstSteps) -> str:
    assert found.table, "a table that is there"
    words = _("The working days are on record, in version %(version)d.")
    return words % {"version": found.table.version}


def _trial_done(found: FirstSteps) -> str:
    assert found.trial, "a trial that is there"
    return trial_name(found.trial)


def _version_done(found: FirstSteps) -> str:
    assert found.version, "a version that is there"
    return _("Version %(version)s is published.") % {"version": found.version.label}


def _trial_site_done(found: FirstSteps) -> str:
    assert found.trial, "a trial that is there"
    assert found.site, "a site that is there"
    return _("%(trial)s runs at %(site)s.") % {
        "trial": trial_name(found.trial),
        "site": site_name(found.site),
    }


def _approval_done(found: FirstSteps) -> str:
    assert found.approval, "an approval that is there"
    words = {"day": day_words(found.approval.approved_on), "reference": found.approval.reference}
    return _("Approved on %(day)s, reference %(reference)s.") % words


def _form_done(found: FirstSteps) -> str:
    assert found.form, "a form that is there"
    words = {"version": found.form.version, "day": day_words(found.form.effective_on)}
    return _("Version %(version)s, used from %(day)s.") % words


_DONE: Mapping[FirstStep, Callable[[FirstSteps], str]] = {
    FirstStep.SITE: _site_done,
    FirstStep.CALENDAR: _calendar_done,
    FirstStep.TRIAL: _trial_done,
    FirstStep.VERSION: _version_done,
    FirstStep.TRIAL_SITE: _trial_site_done,
    FirstStep.PEOPLE: lambda _found: _("A coordinator and an investigator have roles at the site."),
    FirstStep.APPROVAL: _approval_done,
    FirstStep.SIGNATURE: lambda _found: _("An investigator has signed. The site may use this version."),
    FirstStep.CONSENT_FORM: _form_done,
    FirstStep.PARTICIPANT: lambda _found: _("Somebody takes part."),
}
