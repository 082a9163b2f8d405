"""Who takes part: subject codes only, never a name, a phone number or a birth date."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from trials.models import Cohort, ProtocolVersion, Site, Trial, User

SUBJECT_CODE = RegexValidator(
    r"\A(?=.*[0-9])[A-Z0-9][A-Z0-9-]{0,31}\Z",
    _(
        "Use capital letters, digits and hyphens, at least one digit among them, such as S01-003 or 01001; "
        "never a name."
    ),
)


class CodeTail(models.Func):
    """The last three characters of a subject code: its number.

    Written without parameters, so that both databases know the expression of the index again.
    """

    output_field = models.CharField()
    template = "RIGHT(%(expressions)s, 3)"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """The same where there is no RIGHT."""
        return self.as_sql(compiler, connection, template="SUBSTR(%(expressions)s, -3)", **context)


class Participant(models.Model):
    """Somebody in a trial, known by a subject code."""

    trial = models.ForeignKey(Trial, on_delete=models.PROTECT, related_name="participants")
    # found by the index participant_at_site
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="participants", db_index=False)
    cohort = models.ForeignKey(
        Cohort, null=True, blank=True, on_delete=models.PROTECT, related_name="participants"
    )
    protocol_version = models.ForeignKey(
        ProtocolVersion, on_delete=models.PROTECT, related_name="participants"
    )
    subject_code = models.CharField(
        _("subject code"), max_length=32, validators=[SUBJECT_CODE], db_index=True
    )
    traits = models.JSONField(_("traits"), default=list, blank=True)
    comes_of_age_on = models.DateField(_("comes of age on"), null=True, blank=True)
    history_since = models.DateField(
        _("history being entered since"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Until it is complete nothing is judged, drafted or flagged."),
    )
    no_consent_reason = models.CharField(
        _("why enrolled without a consent form"), max_length=500, blank=True, default="", db_default=""
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        ordering = ("trial_id", "subject_code")
        indexes = [
            models.Index(CodeTail("subject_code"), name="participant_by_number"),
            # Who is at a site, without their rows: every page of somebody of one site asks it. By id, as
            # lists go; the trial last, for those who have a role in one trial there.
            models.Index(fields=["site", "id", "trial"], name="participant_at_site"),
            # The list of a trial's people at a site: by subject code alone, which begins with the site in
            # many trials, a list of the last site passes everybody.
            models.Index(fields=["site", "trial", "subject_code"], name="participant_in_list"),
            models.Index(
                fields=["history_since"], condition=Q(history_since__isnull=False), name="histories_open"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["trial", "subject_code"],
                name="subject_code_once_in_trial",
                violation_error_message=_("This subject code is taken in this trial."),
            )
        ]

    def __str__(self) -> str:
        return self.subject_code


class ParticipantCoordinator(models.Model):
    """Who looks after a participant: told first of what concerns them, before others at the site.

    A table of its own: who that is belongs to no record that is signed, and changes without the participant's
    version.
    """

    participant = models.OneToOneField(
        Participant, primary_key=True, on_delete=models.PROTECT, related_name="coordinated_by"
    )
    user = models.ForeignKey(
        User, verbose_name=_("study coordinator"), on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("participant's coordinator")
        verbose_name_plural = _("participants' coordinators")

    def __str__(self) -> str:
        return f"{self.participant_id} {self.user_id}"


class Anchor(models.Model):
    """A day that a participant's visits count from, planned and then actual; the hour where it is known."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="anchors")
    code = models.CharField(_("anchor"), max_length=60)
    planned_on = models.DateField(_("planned on"), null=True, blank=True)
    planned_at = models.DateTimeField(_("planned at"), null=True, blank=True)
    actual_on = models.DateField(_("actually on"), null=True, blank=True)
    actual_at = models.DateTimeField(_("actually at"), null=True, blank=True)
    actual_zone = models.CharField(
        _("zone of the record"), max_length=64, blank=True, default="", db_default=""
    )

    class Meta:
        verbose_name = _("anchor")
        verbose_name_plural = _("anchors")
        ordering = ("participant_id", "code")
        indexes = [
            models.Index(
                # whose and which last: of all that are planned only those in sight are read
                fields=["planned_on", "id", "participant", "code"],
                condition=Q(actual_on__isnull=True),
                name="anchor_still_planned",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["participant", "code"], name="anchor_once_per_participant"),
            models.CheckConstraint(
                condition=Q(planned_on__isnull=False) | Q(actual_on__isnull=False), name="anchor_has_a_day"
            ),
            models.CheckConstraint(
                condition=Q(planned_at__isnull=True) | Q(planned_on__isnull=False),
                name="anchor_planned_hour_has_day",
            ),
            models.CheckConstraint(
                condition=Q(actual_at__isnull=True) | Q(actual_on__isnull=False),
                name="anchor_actual_hour_has_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.actual_on or self.planned_on}"
