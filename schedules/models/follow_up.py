"""What follows from visits and windows: activities done, flags, deviations, checks, changes."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Case, Q, SmallIntegerField, Value, When
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from participants.models import Participant
from schedules.domain.deviations.drafts import KIND_LABELS, LAPSE_LABELS
from schedules.domain.readiness.start_flags import START_FLAG
from schedules.domain.replanning.amendments import OUTCOME_LABELS
from schedules.domain.replanning.hold_wording import HOLD_FLAG
from schedules.domain.replanning.protocol_departures import REPLAN_FLAG
from schedules.domain.windows.verdict_changes import VERDICT_LABELS
from schedules.models.visits import ProtocolWindow, Visit
from trials.models import ProtocolVersion, Site, User
from trials.models.enumerated import choices_of, only
from trials.models.labels import LabelField


class VisitActivity(models.Model):
    """Whether an activity was done at a visit, and why not."""

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="activities")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(_("activity"), max_length=60)
    label = LabelField(_("label"), max_length=200)
    done = models.BooleanField(_("done"))
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("activity at a visit")
        verbose_name_plural = _("activities at visits")
        constraints = [
            models.UniqueConstraint(fields=["visit", "code"], name="activity_once_at_visit"),
            models.CheckConstraint(condition=Q(done=True) | ~Q(reason=""), name="activity_left_has_reason"),
        ]

    def __str__(self) -> str:
        return self.code


class Severity(models.TextChoices):
    """How much a flag matters."""

    NOTICE = "notice", _("notice")
    WARNING = "warning", _("warning")
    CRITICAL = "critical", _("critical")


MOST_SEVERE_FIRST = (Severity.CRITICAL, Severity.WARNING, Severity.NOTICE)

FLAG_KINDS: dict[str, Any] = {
    START_FLAG: _("Start"),
    REPLAN_FLAG: _("To be planned again"),
    HOLD_FLAG: _("Hold before day zero"),
    **{f"window-{status}": label for status, label in VERDICT_LABELS.items()},
}
"""What a flag is about; of a protocol window, what its verdict says."""


def flag_rank() -> Case:
    """Say how severe a flag is, 0 for the most severe: the order of lists and of their index."""
    cases = [When(severity=severity, then=Value(place)) for place, severity in enumerate(MOST_SEVERE_FIRST)]
    return Case(*cases, default=Value(len(MOST_SEVERE_FIRST)), output_field=SmallIntegerField())


class Flag(models.Model):
    """A thing that a coordinator must look at: one for each thing, cleared by facts or with a reason."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="flags")
    window = models.ForeignKey(
        ProtocolWindow, null=True, blank=True, on_delete=models.PROTECT, related_name="flags"
    )
    visit = models.ForeignKey(Visit, null=True, blank=True, on_delete=models.PROTECT, related_name="flags")
    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=24, choices=choices_of(FLAG_KINDS))
    severity = models.CharField(_("severity"), max_length=8, choices=Severity.choices)
    message = models.TextField(_("message"))
    evidence = models.CharField(max_length=80, blank=True)
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="flags")
    raised_at = models.DateTimeField(_("since"))
    cleared_at = models.DateTimeField(_("cleared at"), null=True, blank=True)
    cleared_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    cleared_reason = models.CharField(_("reason"), max_length=300, blank=True)
    snoozed_until = models.DateField(_("snoozed until"), null=True, blank=True)

    class Meta:
        constraints = [
            only("severity", Severity.values, name="flag_severity"),
            only("kind", FLAG_KINDS, name="flag_kind"),
        ]
        verbose_name = _("flag")
        verbose_name_plural = _("flags")
        ordering = ("-raised_at",)
        indexes = [
            # with what tells awake from asleep: those of all are counted here, without a row being read
            models.Index(
                fields=["participant", "snoozed_until", "id"],
                condition=Q(cleared_at__isnull=True),
                name="flags_standing",
            ),
            models.Index(
                flag_rank(), "raised_at", "id", condition=Q(cleared_at__isnull=True), name="flags_by_rank"
            ),
        ]

    def __str__(self) -> str:
        return self.key


class DeviationClass(models.TextChoices):
    """ICH E3 (Q&A): important deviations may affect data, or a participant's rights, safety or well-being."""

    MINOR = "minor", _("minor")
    IMPORTANT = "important", _("important")


class Deviation(models.Model):
    """A departure from the protocol: software drafts it from facts, a person describes and classifies it."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="deviations")
    visit = models.ForeignKey(
        Visit, null=True, blank=True, on_delete=models.PROTECT, related_name="deviations"
    )
    window = models.ForeignKey(
        ProtocolWindow, null=True, blank=True, on_delete=models.PROTECT, related_name="deviations"
    )
    protocol_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=24, choices=choices_of(KIND_LABELS))
    found_on = models.DateField(_("found on"))
    occurred_on = models.DateField(_("occurred on"))
    planned_on = models.DateField(_("planned on"), null=True, blank=True)
    opens = models.DateField(_("window opens"), null=True, blank=True)
    closes = models.DateField(_("window closes"), null=True, blank=True)
    actual_on = models.DateField(_("actually on"), null=True, blank=True)
    days = models.IntegerField(_("days early (−) or late"), null=True, blank=True)
    facts = models.TextField(_("what the record says"), blank=True)
    description = models.TextField(_("description"), blank=True)
    classification = models.CharField(
        _("classification"), max_length=10, choices=DeviationClass.choices, blank=True
    )
    affects_safety = models.BooleanField(_("affects safety"), null=True, blank=True)
    affects_rights = models.BooleanField(_("affects rights"), null=True, blank=True)
    affects_data = models.BooleanField(_("affects data"), null=True, blank=True)
    cause = models.TextField(_("cause"), blank=True)
    action = models.TextField(_("action"), blank=True)
    reported_to_sponsor_on = models.DateField(_("reported to the sponsor on"), null=True, blank=True)
    reported_to_ethics_on = models.DateField(_("reported to the ethics committee on"), null=True, blank=True)
    withdrawn_on = models.DateField(pgettext_lazy("deviation", "withdrawn on"), null=True, blank=True)
    withdrawn_reason = models.CharField(_("reason of withdrawal"), max_length=500, blank=True)
    lapsed_on = models.DateField(_("no longer so since"), null=True, blank=True)
    lapsed_because = models.CharField(
        _("no longer so because"), max_length=24, blank=True, choices=choices_of(LAPSE_LABELS)
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("deviation")
        verbose_name_plural = _("deviations")
        ordering = ("-occurred_on", "-id")
        constraints = [
            only("lapsed_because", LAPSE_LABELS, name="deviation_lapse", blank=True),
            only("classification", DeviationClass.values, name="deviation_classification", blank=True),
            only("kind", KIND_LABELS, name="deviation_kind"),
            models.CheckConstraint(
                condition=Q(withdrawn_on__isnull=True) | ~Q(withdrawn_reason=""),
                name="deviation_withdrawn_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(classification="")
                | (
                    ~Q(description="")
                    & Q(affects_safety__isnull=False)
                    & Q(affects_rights__isnull=False)
                    & Q(affects_data__isnull=False)
                ),
                name="deviation_classified_in_full",
            ),
            models.CheckConstraint(
                condition=Q(lapsed_on__isnull=True) | ~Q(lapsed_because=""), name="deviation_lapsed_says_why"
            ),
        ]
        indexes = [
            models.Index(fields=["occurred_on", "id"], name="deviation_by_day"),
            # how many there are of each state: counted here, without a row being read
            models.Index(fields=["classification", "lapsed_on", "withdrawn_on"], name="deviation_by_state"),
        ]

    def __str__(self) -> str:
        return self.key


class ReadinessCheck(models.Model):
    """What was known when chemotherapy was allowed to start: the list with its verdicts."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="readiness_checks")
    for_day = models.DateField(_("for"))
    checked_at = models.DateTimeField(_("checked at"))
    checked_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    verdicts = models.JSONField()

    class Meta:
        verbose_name = _("readiness check")
        verbose_name_plural = _("readiness checks")
        ordering = ("-checked_at",)

    def __str__(self) -> str:
        return f"{self.participant_id} {self.for_day}"


CHANGES = (
    "added", "moved", "cancelled", "restored", "booked", "unbooked", "arrived", "not-arrived", "performed",
    "missed", "held", "resumed", "suggested", "transferred", "renamed", "reworded", "changed", "removed",
)  # fmt: skip
FED = ("participant", "visit", "anchor", "window", "deviation")
"""The records of which readers of the change feed are told."""
"""What can have happened to a visit, in the words of the change feed."""


class ChangeEvent(models.Model):
    """A change that readers of the change feed must see; numbered by one drainer after it is visible.

    Of visits it is written by services beside the rows that it names, which are never deleted; of
    participants, anchors, windows and deviations by the database (trials/audit/fed.py): `record` says which,
    `code` is the anchor's, the window's or the deviation's id. It is read by its number alone, so nothing
    else is indexed, and a bulk change pays for no check of what it just wrote.
    """

    audited = False

    number = models.BigIntegerField(null=True, unique=True)
    kind = models.CharField(max_length=24, choices=[(word, word) for word in CHANGES])
    participant = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="changes", db_index=False, db_constraint=False
    )
    visit = models.ForeignKey(
        Visit,
        null=True,
        on_delete=models.PROTECT,
        related_name="changes",
        db_index=False,
        db_constraint=False,
    )
    at = models.DateTimeField(db_default=Now())
    record = models.CharField(
        max_length=12, blank=True, default="", db_default="", choices=[(word, word) for word in FED]
    )
    code = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            only("kind", CHANGES, name="change_kind"),
            only("record", FED, name="change_record", blank=True),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(number__isnull=True), name="changes_to_number"),
            models.Index(fields=["at"], name="changes_at"),  # what changed since an instant
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"

    @property
    def about(self) -> str:
        """Which record changed, by one of FED."""
        return self.record or ("visit" if self.visit_id else "participant")


class AmendmentRun(models.Model):
    """A migration of the participants of sites to an amendment, one transaction each; resumable."""

    from_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    to_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="runs")
    sites = models.ManyToManyField(Site, related_name="+")
    reason = models.CharField(_("reason"), max_length=300)
    started_at = models.DateTimeField(_("started at"))
    started_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("amendment")
        verbose_name_plural = _("amendments")
        ordering = ("-started_at",)

    def __str__(self) -> str:
        return f"{self.from_version_id} {self.to_version_id}"


class AmendmentStep(models.Model):
    """One participant of an amendment run: still waiting, done, or held back with the reason."""

    run = models.ForeignKey(AmendmentRun, on_delete=models.PROTECT, related_name="steps")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(
        _("outcome"), max_length=12, default="waiting", choices=choices_of(OUTCOME_LABELS)
    )
    message = models.TextField(_("message"), blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_on = models.DateField(
        _("done on"), null=True, blank=True, help_text="The day that it was then at the participant's site."
    )

    class Meta:
        constraints = [
            only("outcome", OUTCOME_LABELS, name="amendment_outcome"),
            models.UniqueConstraint(fields=["run", "participant"], name="amendment_once_per_participant"),
        ]

    def __str__(self) -> str:
        return f"{self.participant_id} {self.outcome}"
